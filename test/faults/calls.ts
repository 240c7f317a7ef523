import { once } from 'node:events';
import { readFinalAnswers } from '../support/answers.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildModern } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';

export type Era = 'legacy' | 'modern';
export type Protocol = 'h1' | 'h2';

export const eras: readonly Era[] = ['legacy', 'modern'];
export const protocols: readonly Protocol[] = ['h1', 'h2'];

/** How an answer came out. */
export interface Outcome {
  /** 0 when there was no head. */
  readonly status: number;
  readonly body: string;
  /** Whether it ended in order. */
  readonly isWhole: boolean;
  /** `performance.now()` at its end. */
  readonly endedAt: number;
}

/** A `tools/call` under way, on a connection of its own. */
export interface Call {
  /** Resolves once the body so far contains a text. */
  until(text: string): Promise<unknown>;
  /** Resolves when the answer has ended, one way or another. */
  readonly outcome: Promise<Outcome>;
  leave(): void;
}

export interface CallOptions {
  readonly protocol: Protocol;
  readonly era: Era;
  readonly id: string;
}

type Door = Pick<GatewayProcess, 'port' | 'ca'>;

/** Sends a call of a tool by the rules of an era. */
export function startCall(door: Door, { protocol, era, id }: CallOptions): Promise<Call> {
  const message =
    era === 'modern'
      ? buildModern('tools/call', { id, name: 'echo' })
      : { body: buildCall({ id }), fields: 'MCP-Protocol-Version: 2025-11-25\r\n' };
  return protocol === 'h1' ? callH1(door, message) : callH2(door, message);
}

interface Message {
  readonly body: string;
  readonly fields: string;
}

async function callH1(door: Door, { body, fields }: Message): Promise<Call> {
  const client = await connectRaw(door);
  client.send(buildPost(body, { fields }));
  const isComplete = (received: string): boolean => readFinalAnswers(received)[0]?.complete === true;
  const settle = async (): Promise<Outcome> => {
    // Rejects when the connection closes first, which is an outcome too.
    await client.until(isComplete).catch(() => undefined);
    const endedAt = performance.now();
    const answer = readFinalAnswers(client.received)[0];
    client.socket.destroy();
    return {
      status: answer?.status ?? 0,
      body: answer?.body ?? '',
      isWhole: answer?.complete ?? false,
      endedAt,
    };
  };
  return {
    until: (text) => client.until((received) => received.includes(text)),
    outcome: settle(),
    leave: () => void client.socket.destroy(),
  };
}

async function callH2(door: Door, { body, fields }: Message): Promise<Call> {
  const client = await connectH2(door);
  const headers: Record<string, string> = { accept: 'application/json, text/event-stream' };
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const exchange = client.post(body, headers);
  const settle = async (): Promise<Outcome> => {
    const { ended, code } = await exchange.closed();
    const endedAt = performance.now();
    const head = await exchange.head.catch(() => ({ ':status': 0 }));
    client.session.destroy();
    return {
      status: head[':status'] ?? 0,
      body: exchange.body,
      isWhole: ended && code === 0 && head[':status'] !== 0,
      endedAt,
    };
  };
  return {
    until: (text) => exchange.until((received) => received.includes(text)),
    outcome: settle(),
    async leave() {
      client.session.destroy();
      await once(client.session, 'close');
    },
  };
}
