import { isIP } from 'node:net';
import type { Answer, Exchange } from '../facts.ts';
import { readBody, type ReadBody } from './body-reader.ts';
import type { Connection } from './connection.ts';
import type { Roots } from './roots.ts';
import { toRpcFact } from './rpc-fact.ts';

/** Where questions go, and what is believed. */
export interface Peer {
  /** Host name of the target: its address is pinned to `address`, so that all questions see the same machine. */
  readonly host: string;
  readonly address: string;
  /** Roots that are believed; `undefined`: those of the runtime. Made once, since reading roots takes a while. */
  readonly roots: Roots | undefined;
  /** Whether the target has to prove itself: `false` once it is known that it cannot, and then no credential goes to it. */
  readonly verified: boolean;
  readonly userAgent: string;
  /** What must not stand in facts. */
  readonly secrets: Set<string>;
}

export interface Question {
  readonly method: string;
  readonly origin: string;
  /** Path as it is to be sent, raw. */
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly http?: '1.1' | '2';
  /** Kept connection of `connection.ts`; one of its own where absent. */
  readonly connection?: Connection;
  /** Milliseconds to the head, and again to the end of the body. */
  readonly deadline: number;
  /** Reads a stream for so long after its head. */
  readonly watch?: number;
  /** Reads until the whole body has come, even where an event has answered already. */
  readonly whole?: boolean;
}

export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** An answer as it came, secrets and all. */
export interface Received {
  readonly http: Answer['http'];
  readonly status: number;
  readonly fields: Fields;
  readonly closes: boolean;
  readonly reused: boolean;
  readonly head: number;
  readonly body: ReadBody;
}

export type Failed = Pick<Extract<Exchange, { outcome: 'failed' }>, 'failure' | 'code' | 'took'>;

/** The values of a field, joined. */
export function toText(value: Fields[string]): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}

/** Whether a body is a stream of events, by its type. */
function isEventStream(fields: Fields): boolean {
  return toText(fields['content-type'])?.toLowerCase().startsWith('text/event-stream') === true;
}

/** Reads what the question wants to see of the body: of an event stream the answer alone, unless it is to be watched. */
export function readAnswerBody(
  stream: Parameters<typeof readBody>[0],
  fields: Fields,
  { since, question }: { readonly since: number; readonly question: Question },
): Promise<ReadBody> {
  const isStream = isEventStream(fields);
  const { deadline, watch, whole = false } = question;
  return readBody(stream, {
    since,
    deadline,
    isStream,
    ...(isStream && watch !== undefined ? { watch } : {}),
    ...(isStream && watch === undefined && !whole
      ? { isEnough: (text) => toRpcFact(text, 'text/event-stream') !== undefined }
      : {}),
  });
}

/** Settings of a connection to `host`. Whoever is not the target always has to prove who it is. */
export function secureOptions(peer: Peer, host: string): Record<string, unknown> {
  return {
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: peer.verified || host !== peer.host,
    ...peer.roots,
  };
}
