import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import type { HealthConfig } from '../../src/config/health-config.ts';
import { toState } from '../support/checked-servers.ts';
import { initialize, legacyCopy } from '../support/copies.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, settle, startRig, streamed, type Rig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type Answer,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';

const name = 'mcp.example.invalid';
const second = 1000;
const modern = buildModern('tools/call', { name: 'echo' });
const call = buildPost(modern.body, { fields: modern.fields });

interface Named extends AsyncDisposable {
  readonly rig: Rig;
  readonly clock: ManualClock;
  readonly port: number;
  /** What the name leads to: last parts of addresses. */
  found: readonly number[] | Error;
  readonly pods: ReadonlyMap<number, ScriptedUpstream>;
  /** Lets time pass in steps in which names are resolved. */
  pass(seconds: number): Promise<void>;
  /** Which pods answer so many calls. */
  ask(times: number): Promise<number[]>;
  states(): string[];
  reload(changes?: Partial<RouteConfig>): Promise<void>;
}

/** Each knows its own sessions alone, and opens streams. */
function podAnswer(pod: number): Answer {
  const answer = legacyCopy(pod);
  return (request) => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead + toChunk('data: begun\n\n'));
    else if (request.body.includes('protocolVersion')) answerNumber(pod)(request);
    else answer(request);
  };
}

function answerNumber(pod: number): Answer {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { pod } });
  return ({ socket }) =>
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
}

/** A gateway before a name whose addresses are 127.0.0.N of this machine, all with the same port. */
async function startNamed(
  found: readonly number[] | Error,
  changes: Partial<RouteConfig> = {},
): Promise<Named> {
  const clock = new ManualClock();
  const pods = new Map<number, ScriptedUpstream>();
  let port = 0;
  for (const pod of [12, 13, 14, 15]) {
    const started = await startScriptedUpstream(podAnswer(pod), { host: `127.0.0.${pod}`, port });
    pods.set(pod, started);
    port = started.port;
  }
  const route = (further: Partial<RouteConfig> = {}): RouteConfig => ({
    ...buildRoute(1),
    balance: 'round_robin',
    upstreams: [
      {
        target: { kind: 'tcp', secure: false, host: name, port, path: '/mcp' },
        weight: 1,
        resolvesAll: true,
      },
    ],
    ...changes,
    ...further,
  });
  const named: Omit<Named, 'rig'> & { rig?: Rig } = {
    clock,
    port,
    found,
    pods,
    async pass(seconds) {
      for (let count = 0; count < seconds; count++) {
        clock.advance(second);
        await settle();
      }
    },
    async ask(times) {
      const answered: number[] = [];
      for (let count = 0; count < times; count++)
        answered.push(Number(/"pod":(\d+)/.exec((await rig.ask(call)).body)?.[1]));
      return answered;
    },
    states: () =>
      rig.gateway.gateway.servers.map(
        (server) => `${server.server.replace(/ of .*/, '')} ${toState(server)}`,
      ),
    reload: (further) => rig.gateway.reload([route(further)], {}),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      for (const pod of pods.values()) await pod.stop();
    },
  };
  const rig = await startRig({
    clock,
    changes: { routes: [route()] },
    resolve(host) {
      expect(host).toBe(name);
      return named.found instanceof Error
        ? Promise.reject(named.found)
        : Promise.resolve(named.found.map((pod) => `127.0.0.${pod}`));
    },
  });
  await settle();
  return Object.assign(named, { rig });
}

async function beginSessionOn(named: Named, pod: number): Promise<string> {
  for (let count = 0; count < 10; count++) {
    const answer = await named.rig.ask(buildPost(initialize));
    if (answer.body.includes(`"copy":${pod}`)) return answer.field('mcp-session-id') ?? '';
  }
  throw new Error(`no session began on ${pod}`);
}

async function callIn({ rig }: Named, session: string): Promise<string> {
  const answer = await rig.ask(buildPost(buildCall(), { fields: `Mcp-Session-Id: ${session}\r\n` }));
  return `${answer.status} ${/"copy":(\d+)/.exec(answer.body)?.[1] ?? ''}`;
}

describe('a name with many addresses', () => {
  it('is a server at each of them, which hears the name', async () => {
    await using named = await startNamed([12, 13]);
    expect(named.states()).toEqual(['127.0.0.12 up', '127.0.0.13 up']);
    expect(await named.ask(4)).toEqual([12, 13, 12, 13]);
    const head = named.pods.get(12)?.requests[0]?.head;
    expect(head).toContain(`\r\nhost: ${name}:${named.port}\r\n`);
  });

  it('control: is one server without `resolve: all`, and nobody asks for its addresses', async () => {
    await using named = await startNamed([12, 13]);
    const target = { kind: 'tcp', secure: false, host: name, port: named.port, path: '/mcp' } as const;
    await named.reload({ upstreams: [{ target, weight: 1, resolvesAll: false }] });
    expect((await named.rig.ask(call)).status).toBe(502);
  });

  it('loses an address: no new work goes there, and sessions and streams go on', async () => {
    await using named = await startNamed([12, 13]);
    const session = await beginSessionOn(named, 13);
    const client = await named.rig.connect();
    client.send(buildGet({ fields: `Mcp-Session-Id: ${session}\r\n` }));
    await streamed(client, (body) => body.includes('begun'));
    named.found = [12];
    await named.pass(12);
    expect(named.states()).toEqual(['127.0.0.12 up', '127.0.0.13 leaving']);
    expect(await named.ask(4)).toEqual([12, 12, 12, 12]);
    expect(await callIn(named, session)).toBe('200 13');
    const stream = named.pods.get(13)?.requests.find(({ head }) => head.startsWith('GET '));
    stream?.socket.write(toChunk('data: later\n\n'));
    await streamed(client, (body) => body.includes('later'));
    await named.reload({ balance: 'least_requests' });
    expect(await callIn(named, session)).toBe('200 13');
  });

  it('forgets an address an hour after it went', async () => {
    await using named = await startNamed([12, 13]);
    const session = await beginSessionOn(named, 13);
    named.found = [12];
    await named.pass(12);
    for (let hour = 0; hour < 362; hour++) {
      named.clock.advance(10 * second);
      await Promise.resolve();
      await settle();
    }
    expect(named.states()).toEqual(['127.0.0.12 up']);
    expect(await callIn(named, session)).toBe('404 ');
  });

  it('gains an address: other processes know it, too, before it gets work', async () => {
    await using named = await startNamed([12, 13]);
    named.found = [12, 13, 14];
    await named.pass(12);
    expect(named.states()).toContain('127.0.0.14 up');
    expect(await named.ask(12)).not.toContain(14);
    await named.pass(60);
    expect(await named.ask(3)).toContain(14);
  });

  it('has other addresses all at once, and these are used at once', async () => {
    await using named = await startNamed([12, 13]);
    named.found = [14, 15];
    await named.pass(12);
    expect((await named.ask(4)).map(String).toSorted()).toEqual(['14', '14', '15', '15']);
  });

  it('cannot be resolved any more: what was known last serves, and that is said once', async () => {
    await using named = await startNamed([12, 13]);
    named.found = Object.assign(new Error('nothing'), { code: 'EAI_AGAIN' });
    await named.pass(60);
    expect(await named.ask(4)).toEqual([12, 13, 12, 13]);
    expect(named.rig.gateway.problems.filter((line) => line.includes(name))).toHaveLength(1);
    expect(named.rig.gateway.problems.join()).toContain('cannot be resolved just now');
  });

  it('cannot be resolved at the start: calls fail until it can', async () => {
    await using named = await startNamed(Object.assign(new Error('nothing'), { code: 'ENOTFOUND' }));
    expect((await named.rig.ask(call)).status).toBe(502);
    named.found = [12];
    await named.pass(2);
    expect(await named.ask(1)).toEqual([12]);
  });

  it('keeps its addresses over a reload, and is not asked for once no route has it', async () => {
    await using named = await startNamed([12, 13]);
    named.found = new Error('nothing');
    await named.reload({ balance: 'least_requests' });
    expect((await named.ask(2)).map(String).toSorted()).toEqual(['12', '13']);
    await named.reload(buildRoute(named.port, { host: '127.0.0.12' }));
    expect(await named.ask(1)).toEqual([12]);
    await named.pass(60);
    expect(named.rig.gateway.problems).toEqual([]);
  });

  it('is checked at each address', async () => {
    const health: HealthConfig = { check: { kind: 'tcp' }, interval: 5000, timeout: 2000, rise: 2, fall: 2 };
    await using named = await startNamed([12, 13], { health });
    await named.pods.get(13)?.stop();
    await eventually(async () => {
      await named.pass(1);
      return named.states();
    }, ['127.0.0.12 up', '127.0.0.13 down']);
    expect(await named.ask(3)).toEqual([12, 12, 12]);
  });
});
