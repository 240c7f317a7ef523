import type { Answer, Exchange } from '../facts.ts';
import { redactFields, redactText } from '../redact.ts';
import { exchangeH1 } from './exchange-h1.ts';
import { exchangeH2 } from './exchange-h2.ts';
import { toText, type Peer, type Question, type Received } from './question.ts';
import { toRpcFact } from './rpc-fact.ts';

/** Most of a body that facts keep, in characters. */
const keptBody = 8 * 1024;

export interface Asked {
  readonly exchange: Exchange;
  /** Session id that the answer gave. Not part of the facts. */
  readonly sessionId: string | undefined;
  /** The body as far as it was read; empty where there was no answer. Not part of the facts. */
  readonly text: string;
}

/** Sends one request and reads its answer within bounds; follows nothing, never rejects. */
export async function exchange(peer: Peer, question: Question): Promise<Asked> {
  const { method, origin, path, body = '' } = question;
  const fields = { 'User-Agent': peer.userAgent, ...question.fields };
  const asked = {
    method,
    url: redactText(`${origin}${path}`, peer.secrets),
    sent: redactFields(fields),
    sentBytes: Buffer.byteLength(body),
  };
  const send = question.http === '2' ? exchangeH2 : exchangeH1;
  const received = await send(peer, { ...question, fields });
  if ('failure' in received)
    return { exchange: { ...asked, outcome: 'failed', ...received }, sessionId: undefined, text: '' };
  const sessionId = received.fields['mcp-session-id'];
  if (typeof sessionId === 'string') peer.secrets.add(sessionId);
  return {
    exchange: { ...asked, outcome: 'answered', answer: toAnswer(received, peer) },
    sessionId: toText(sessionId),
    text: redactText(received.body.text, peer.secrets),
  };
}

function toAnswer({ body, fields, ...rest }: Received, { secrets }: Peer): Answer {
  const { text, ...read } = body;
  // token-leak: an endpoint may repeat what it was sent, anywhere.
  const told = redactText(text, secrets);
  const kept = Object.entries(redactFields(fields)).map(([name, value]) => [
    name,
    redactText(value, secrets),
  ]);
  const rpc = toRpcFact(told, toText(fields['content-type']) ?? '');
  return {
    ...rest,
    ...read,
    fields: Object.fromEntries(kept),
    body: told.slice(0, keptBody),
    ...(rpc === undefined ? {} : { rpc }),
  };
}
