import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { createPipeline, type Stage } from '../../src/gateway/pipeline.ts';
import type { RelayEnvironment } from '../../src/gateway/relay-environment.ts';
import { Relay } from '../../src/gateway/relay.ts';
import type { Reply } from '../../src/gateway/reply.ts';
import { AnnouncedPaths } from '../../src/gateway/announced-paths.ts';
import { createRouteTable } from '../../src/gateway/routes.ts';
import { createRouteStage } from '../../src/gateway/stages/route.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import type { Fields, IncomingRequest, ResponseSink } from '../../src/http/exchange.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  buildRoute,
  buildServers,
  noOwnPaths,
  buildIdleKeeper,
  noSessions,
  toTestAccess,
} from '../support/routes.ts';

const request: IncomingRequest = {
  protocol: 'h1',
  method: 'POST',
  path: '/mcp',
  query: '',
  authority: 'localhost',
  fields: [],
  isRepeat: false,
  body: Buffer.from('{}'),
  peer: { address: '127.0.0.1', port: 1, secure: true },
};

interface TestSink extends ResponseSink {
  closed: boolean;
  readonly answers: readonly { readonly status: number; readonly body: string }[];
}

function createSink(): TestSink {
  const answers: { status: number; body: string }[] = [];
  return {
    answers,
    closed: false,
    onClose: undefined,
    onDrain: undefined,
    get headSent() {
      return answers.length > 0;
    },
    send: (status: number, _fields: Fields, body: Buffer | string) =>
      void answers.push({ status, body: body.toString() }),
    open: () => undefined,
    write: () => undefined,
    flush: () => true,
    end: () => undefined,
    abort: () => undefined,
  };
}

interface Ride {
  readonly sink: TestSink;
  readonly forwarded: readonly Exchange[];
  readonly recorded: readonly Exchange[];
  readonly errors: readonly unknown[];
}

async function ride(stages: readonly Stage[]): Promise<Ride> {
  const sink = createSink();
  const forwarded: Exchange[] = [];
  const recorded: Exchange[] = [];
  const errors: unknown[] = [];
  const handler = createPipeline({
    stages,
    forward: (exchange) => void forwarded.push(exchange),
    record: (exchange) => void recorded.push(exchange),
    onError: (error) => void errors.push(error),
    isTrusted: () => false,
    policy: { hsts: false },
    clock: new ManualClock(),
  });
  handler(request, sink);
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  return { sink, forwarded, recorded, errors };
}

const pass: Stage = () => undefined;
const passLater: Stage = () => Promise.resolve(undefined);
const reply: Reply = { kind: 'json', status: 200, body: 'ours' };

describe('the pipeline', () => {
  it('takes a request through all stages in order, waiting or not, and forwards it once', async () => {
    const seen: number[] = [];
    const note =
      (number: number, waits: boolean): Stage =>
      () => {
        seen.push(number);
        return waits ? Promise.resolve(undefined) : undefined;
      };
    const { forwarded, recorded, sink } = await ride([
      note(1, false),
      note(2, true),
      note(3, true),
      note(4, false),
    ]);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(forwarded).toHaveLength(1);
    // Whoever forwards it records it at its end.
    expect(recorded).toHaveLength(0);
    expect(sink.answers).toEqual([]);
  });

  it.each<[string, Stage]>([
    ['at once', () => reply],
    ['later', () => Promise.resolve(reply)],
  ])(
    'ends with a reply %s: no later stage runs, nothing is forwarded, and it is recorded',
    async (_when, stage) => {
      const unreachable: Stage = () => {
        throw new Error('not reached');
      };
      const { sink, forwarded, recorded, errors } = await ride([pass, passLater, stage, unreachable]);
      expect(sink.answers).toEqual([{ status: 200, body: 'ours' }]);
      expect(forwarded).toEqual([]);
      expect(recorded.map(({ outcome }) => outcome.status)).toEqual([200]);
      expect(errors).toEqual([]);
    },
  );

  it.each<[string, Stage]>([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
  ])(
    'fail-closed: a stage that %s ends in 500 without detail, and nothing is forwarded',
    async (_how, stage) => {
      const { sink, forwarded, recorded, errors } = await ride([passLater, stage, pass]);
      expect(sink.answers).toEqual([
        { status: 500, body: 'E_INTERNAL: an unexpected failure inside Breakwater\n' },
      ]);
      expect(forwarded).toEqual([]);
      expect(recorded.map(({ outcome }) => outcome.code)).toEqual(['E_INTERNAL']);
      expect(errors).toHaveLength(1);
    },
  );
});

describe('a relay', () => {
  it('whose client left while a stage waited does not call the upstream', async () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const routes = createRouteTable(
      [buildRoute(9)],
      (route) => ({ servers: buildServers(route, clock), splits: [], access: toTestAccess(route.auth) }),
      { ...noOwnPaths, announced: new AnnouncedPaths() },
    );
    const { forwarded, sink } = await ride([createRouteStage(routes), passLater]);
    const [exchange] = forwarded;
    if (exchange?.destination.kind !== 'mcp') throw new Error('the route was not found');
    sink.closed = true;
    let settled = 0;
    const environment: RelayEnvironment = {
      routes,
      policy: { hsts: false },
      deadlines,
      heartbeat: 1,
      random: () => 0,
      isDraining: () => false,
      sessions: noSessions,
      keeper: buildIdleKeeper(clock, deadlines),
      onSettled: () => settled++,
    };
    new Relay(environment, exchange, exchange.destination).start();
    expect(settled).toBe(1);
    expect(exchange.outcome.status).toBe(499);
    expect(exchange.destination.route.servers.first.pool.size).toBe(0);
  });
});
