import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import { readFinalAnswers, type ReceivedAnswer } from './answers.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';
import type { ManualClock } from './manual-clock.ts';
import { connectRaw, type RawClient } from './raw-client.ts';
import { startScriptedUpstream, type Answer, type ScriptedUpstream } from './scripted-upstream.ts';

export interface RigOptions extends Partial<TestGatewayOptions> {
  readonly answer?: Answer;
  readonly clock?: ManualClock;
}

type RawOptions = Omit<Parameters<typeof connectRaw>[0], 'port' | 'ca'>;

/** A gateway before a scripted upstream, with clients; all of it goes at the end of the test. */
export interface Rig extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateway: TestGateway;
  connect(options?: RawOptions): Promise<RawClient>;
  /** Sends one request on a connection of its own and resolves with the answer. */
  ask(request: string | Buffer): Promise<ReceivedAnswer>;
  /** Lets go of the clients so far; they are not closed at the end. */
  forgetClients(): void;
  /** Resolves once nothing of any exchange is left: connections, relays, and upstream sockets but for idle ones. */
  idle(options?: { readonly upstreamSockets?: number | 'any' }): Promise<void>;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const { answer, ...rest } = options;
  const upstream = await startScriptedUpstream(answer);
  const gateway = await startTestGateway({ upstreamPort: upstream.port, ...rest });
  const clients: RawClient[] = [];
  const connect = async (where: RawOptions = {}): Promise<RawClient> => {
    const client = await connectRaw({ port: gateway.port, ca: gateway.ca, ...where });
    clients.push(client);
    return client;
  };
  return {
    upstream,
    gateway,
    connect,
    async ask(request) {
      const client = await connect();
      client.send(request);
      const answers = await receive(client);
      client.socket.destroy();
      return answers;
    },
    forgetClients() {
      clients.length = 0;
    },
    async idle({ upstreamSockets = 0 } = {}) {
      await eventually(
        () => {
          const { connections, exchanges, upstreamConnections } = gateway.gateway.load;
          const inUse = { connections, exchanges };
          if (upstreamSockets === 'any') return inUse;
          return { ...inUse, upstreamConnections, sockets: upstream.openSockets };
        },
        {
          connections: 0,
          exchanges: 0,
          ...(upstreamSockets === 'any'
            ? {}
            : { upstreamConnections: upstreamSockets, sockets: upstreamSockets }),
        },
        // Less than the four seconds after which an idle upstream connection closes by its age.
        3000,
      );
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.socket.destroy();
      await stopGateway(gateway, options.clock);
      await upstream.stop();
    },
  };
}

/** Stops a gateway whose clock may stand still. */
export async function stopGateway(gateway: TestGateway, clock: ManualClock | undefined): Promise<void> {
  let stopped = false;
  const stopping = gateway.stop().then(() => (stopped = true));
  while (clock !== undefined && !stopped) {
    clock.advance(500);
    await setImmediate();
  }
  await stopping;
}

/** Resolves with the last of `count` complete answers that are not interim. */
export async function receive(client: RawClient, count = 1): Promise<ReceivedAnswer> {
  const text = await client.until((received) => {
    const answers = readFinalAnswers(received);
    return answers.length >= count && answers[count - 1]?.complete === true;
  });
  const answer = readFinalAnswers(text)[count - 1];
  if (answer === undefined) throw new Error('unreachable: `until` has seen the answer');
  return answer;
}

/** Resolves with the body of the running answer once it satisfies the test. */
export async function streamed(client: RawClient, test: (body: string) => boolean): Promise<string> {
  const bodyOf = (received: string): string => readFinalAnswers(received).at(-1)?.body ?? '';
  return bodyOf(await client.until((received) => test(bodyOf(received))));
}

/** Waits, a turn of the event loop at a time, until a value is as expected. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  expected: T,
  milliseconds = 5000,
): Promise<void> {
  await expect.poll(read, { interval: 2, timeout: milliseconds }).toEqual(expected);
}

/** Lets pass what is under way between sockets of this process: for showing that nothing happens. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

/** Resolves with a number once it has stopped changing. */
export async function stable(read: () => number): Promise<number> {
  for (let before = Number.NaN, same = 0; ;) {
    const now = read();
    same = now === before ? same + 1 : 0;
    if (same === 5) return now;
    before = now;
    await settle();
  }
}
