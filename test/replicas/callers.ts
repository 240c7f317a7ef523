import { connectClient2, connectSdk1 } from '../support/interop-sdk-clients.ts';
import type { ConnectTarget, InteropClient } from '../support/interop-client.ts';

/** How a client speaks: without sessions, with one, or over HTTP+SSE. */
export type Kind = 'modern' | 'legacy' | 'http-sse';

/** One client of the counting server, and where its calls came to. */
export interface Caller {
  readonly kind: Kind;
  /** Each session at the server that answered it, in order: `COPY ID`. */
  readonly sessions: readonly string[];
  call(token: string): Promise<void>;
  /** Closes it and begins with another session. */
  beginAnew(): Promise<void>;
  close(): Promise<void>;
}

/** Where the fleet is, and whom it trusts. */
export interface FleetDoor {
  readonly port: number;
  readonly ca: string;
}

/** So often a client comes over another connection, and so to another process. */
const REQUESTS_PER_CONNECTION = 3;

export async function connectCaller(kind: Kind, door: FleetDoor): Promise<Caller> {
  const connect = (): Promise<InteropClient> => {
    const target: ConnectTarget = {
      url: new URL(`https://localhost:${door.port}${kind === 'http-sse' ? '/sse' : '/mcp'}`),
      protocol: 'h1',
      transport: kind === 'http-sse' ? 'http-sse' : 'streamable-http',
      ca: door.ca,
      caFile: '',
      requestsPerConnection: REQUESTS_PER_CONNECTION,
    };
    return kind === 'modern' ? connectClient2(target, { pin: '2026-07-28' }) : connectSdk1(target);
  };
  const sessions: string[] = [];
  let client = await connect();
  return {
    kind,
    sessions,
    async call(token) {
      const { text } = await client.call({ name: 'mark', arguments: { token } });
      const [said, copy, session] = text.split(' ');
      if (said !== token) throw new Error(`the answer of another call: ${text}`);
      const place = `${copy} ${session}`;
      if (kind !== 'modern' && sessions.at(-1) !== place) sessions.push(place);
    },
    async beginAnew() {
      await client.close();
      client = await connect();
    },
    close: () => client.close(),
  };
}

export interface FailedCall {
  readonly kind: Kind;
  readonly startedAt: number;
  readonly reason: string;
}

/** Makes calls from many callers at a time, each with a token of its own, in an order that is the same in each run. */
export async function callFromAll(
  callers: readonly Caller[],
  options: {
    readonly calls: number;
    readonly lanes: number;
    readonly prefix: string;
    /** Called before each call, with its number. */
    readonly onCall?: (call: number) => void;
  },
): Promise<{ readonly answered: readonly string[]; readonly failed: readonly FailedCall[] }> {
  const answered: string[] = [];
  const failed: FailedCall[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < options.calls) {
      const number = next++;
      options.onCall?.(number);
      // Every caller has its turn, in steps that share no divisor with their number.
      const caller = callers[(number * 97) % callers.length];
      if (caller === undefined) return;
      const token = `${options.prefix}-${number}`;
      const startedAt = performance.now();
      try {
        await caller.call(token);
        answered.push(token);
      } catch (error) {
        failed.push({ kind: caller.kind, startedAt, reason: String(error) });
        if (caller.kind === 'http-sse') await caller.beginAnew();
      }
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return { answered, failed };
}
