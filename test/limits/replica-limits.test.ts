import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLimits, type Limits } from '../../src/limits/limits.ts';
import {
  createReplicaLimits,
  type ReplicaChannel,
  type ReplicaLimits,
} from '../../src/limits/replica-limits.ts';
import { ManualClock } from '../support/manual-clock.ts';

const request = {
  principalId: 'key:ci',
  client: undefined,
  address: '192.0.2.1',
  route: '/mcp',
  tool: undefined,
  isStream: false,
} as const;
const stream = { ...request, isStream: true } as const;
const rates = [{ per: 'principal', requests: 4, within: 60_000, routes: [], tools: [] }] as const;
const concurrency = [{ per: 'principal', calls: 9, streams: 2, routes: [] }] as const;

/** What replicas are told over, which may be away. */
class Board {
  readonly texts: string[] = [];
  readonly #listeners = new Set<(text: string) => void>();
  isAway = false;

  channel(): ReplicaChannel {
    return {
      publish: async (text) => {
        if (this.isAway) throw new Error('away');
        this.texts.push(text);
        for (const listener of this.#listeners) listener(text);
      },
      listen: (onMessage) => {
        this.#listeners.add(onMessage);
        return () => void this.#listeners.delete(onMessage);
      },
    };
  }
}

interface Process {
  limits: Limits;
  readonly sharing: ReplicaLimits;
  readonly events: string[];
  /** It runs no more, without a word. */
  die(): void;
  isStopped: boolean;
}

class Scene {
  readonly clock = new ManualClock();
  readonly board = new Board();
  readonly processes: Process[] = [];

  start(options: { readonly replica?: string; readonly channel?: ReplicaChannel } = {}): Process {
    const { clock } = this;
    const events: string[] = [];
    const replica = options.replica ?? `${this.processes.length}`.padStart(16, '0');
    const process: Process = {
      limits: this.createLimits(),
      events,
      isStopped: false,
      sharing: createReplicaLimits({
        channel: options.channel ?? this.board.channel(),
        clock,
        replica,
        limits: () => process.limits,
        onAlone: () => events.push('alone'),
        onTogether: () => events.push('together'),
      }),
      die() {
        process.isStopped = true;
        process.sharing.close();
      },
    };
    this.processes.push(process);
    return process;
  }

  createLimits(): Limits {
    return createLimits({ rates, concurrency, clock: this.clock, isShared: true });
  }

  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      this.clock.advance(50);
      for (const { limits, sharing, isStopped } of this.processes)
        if (!isStopped) sharing.tell(limits.readNews());
      await turn();
    }
  }
}

const letIn = ({ limits }: Process, times: number): number =>
  Array.from({ length: times }, () => limits.enter(request)).filter(({ kind }) => kind === 'ok').length;
const opens = ({ limits }: Process): string => limits.enter(stream).kind;

describe('limits that replicas share', () => {
  it('count what the others let in, a tenth of a second later', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    await scene.pass(1000);
    expect(letIn(one, 3)).toBe(3);
    await scene.pass(100);
    expect(letIn(other, 9)).toBe(1);
    await scene.pass(100);
    expect(letIn(one, 9)).toBe(0);
  });

  it('control: replicas that do not hear each other let in twice as much', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start({ channel: new Board().channel() })];
    await scene.pass(1000);
    const first = letIn(one, 9);
    await scene.pass(100);
    expect(first + letIn(other, 9)).toBe(8);
  });

  it('leave to workers of one replica what these tell each other', async () => {
    const scene = new Scene();
    const [one, other] = ['aaaaaaaaaaaaaaaa', 'aaaaaaaaaaaaaaaa'].map((replica) => scene.start({ replica }));
    if (one === undefined || other === undefined) throw new Error('two were started');
    await scene.pass(1000);
    letIn(one, 4);
    await scene.pass(1000);
    expect(letIn(other, 9)).toBe(4);
  });

  it('tell one that starts later what is used up and what runs', async () => {
    const scene = new Scene();
    const one = scene.start();
    letIn(one, 1);
    opens(one);
    opens(one);
    await scene.pass(1000);
    const late = scene.start();
    await scene.pass(1000);
    expect(opens(late)).toBe('limited');
    // A stream is a request as well.
    expect(letIn(late, 9)).toBe(1);
  });

  it('forget within seconds what ran in one that died', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    await scene.pass(1000);
    opens(one);
    opens(one);
    await scene.pass(100);
    expect(opens(other)).toBe('limited');
    one.die();
    await scene.pass(2500);
    expect(opens(other)).toBe('limited');
    await scene.pass(1000);
    expect(opens(other)).toBe('ok');
  });

  it('keep what runs for days in one that has nothing new to say', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    opens(one);
    opens(one);
    await scene.pass(20_000);
    expect(opens(other)).toBe('limited');
  });

  it('go on alone while the channel is away, say so once, and are shared again soon after', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    await scene.pass(1000);
    scene.board.isAway = true;
    await scene.pass(1500);
    expect(one.events).toEqual([]);
    expect(one.sharing.isAlone).toBe(false);
    await scene.pass(60_000);
    expect(one.events).toEqual(['alone']);
    expect(one.sharing.isAlone).toBe(true);
    expect([letIn(one, 2), letIn(other, 2), opens(one)]).toEqual([2, 2, 'ok']);
    await scene.pass(100);
    scene.board.isAway = false;
    await scene.pass(1000);
    expect(one.events).toEqual(['alone', 'together']);
    expect(one.sharing.isAlone).toBe(false);
    // What one has seen used up counts for both: three requests of one of them.
    expect(letIn(other, 9)).toBe(1);
    await scene.pass(100);
    expect(letIn(one, 9)).toBe(0);
  });

  it('find out what was missed by one that was cut off alone', async () => {
    const scene = new Scene();
    const half = scene.board.channel();
    let isDeaf = false;
    const deaf: ReplicaChannel = {
      publish: (text) => half.publish(text),
      listen: (onMessage) => half.listen((text) => void (isDeaf || onMessage(text))),
    };
    const [one, other] = [scene.start(), scene.start({ channel: deaf })];
    await scene.pass(1000);
    isDeaf = true;
    opens(one);
    opens(one);
    letIn(one, 9);
    await scene.pass(1000);
    isDeaf = false;
    await scene.pass(1000);
    expect(opens(other)).toBe('limited');
    expect(letIn(other, 9)).toBe(0);
  });

  it('do not take an own standstill for an outage, nor for the death of others', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    await scene.pass(1000);
    opens(one);
    opens(one);
    await scene.pass(100);
    other.isStopped = true;
    await scene.pass(2500);
    other.isStopped = false;
    scene.clock.advance(8000);
    await scene.pass(50);
    expect(other.events).toEqual([]);
    expect(opens(other)).toBe('limited');
  });

  it('begin anew with other limits after a reload', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    opens(one);
    opens(one);
    await scene.pass(1000);
    other.limits = scene.createLimits();
    await scene.pass(1000);
    expect(opens(other)).toBe('limited');
  });

  it('are told in messages of bounded size, however many keys there are', async () => {
    const scene = new Scene();
    const [one, other] = [scene.start(), scene.start()];
    await scene.pass(1000);
    for (let n = 0; n < 5000; n++)
      one.limits.enter({ ...request, principalId: `key:${n}-${'x'.repeat(60)}` });
    one.limits.enter({ ...request, principalId: 'x'.repeat(100_000) });
    for (let n = 0; n < 4; n++) one.limits.enter({ ...request, principalId: 'last' });
    await scene.pass(100);
    expect(Math.max(...scene.board.texts.map((text) => text.length))).toBeLessThan(70_000);
    expect(other.limits.enter({ ...request, principalId: 'last' }).kind).toBe('limited');
  });
});
