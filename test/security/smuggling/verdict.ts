import {
  readRequests,
  type ConversationLimits,
  type ReferenceConversation,
} from '../../fuzz/reference/requests.ts';
import { readFinalAnswers } from '../../support/answers.ts';
import type { ReceivedRequest } from '../../support/scripted-upstream.ts';
import type { Outcome } from './exchange.ts';

/** The gateway's limits where nothing is configured. */
export const defaultLimits: ConversationLimits = {
  headBytes: 16_384,
  fields: 100,
  urlBytes: 4096,
  bodyBytes: 8 * 1024 * 1024,
};

/** What a strict server has to do with the bytes of one connection. */
export interface Expected {
  readonly conversation: ReferenceConversation;
  /** Final answers it gives. */
  readonly answers: number;
  readonly closes: boolean;
}

export function toExpected(bytes: string): Expected {
  const conversation = readRequests(bytes, defaultLimits);
  const refused = conversation.end === 'refused';
  return {
    conversation,
    answers: conversation.requests.length + (refused ? 1 : 0),
    closes: conversation.end !== 'waiting',
  };
}

const CLOSE_LIMIT_MILLISECONDS = 1000;

/** What is wrong with how one connection ended, the requests that reached the upstream over it included; empty when all is well. */
export function findFaults(
  { conversation, answers: expectedAnswers, closes }: Expected,
  outcome: Outcome,
  reached: readonly ReceivedRequest[],
): readonly string[] {
  const faults: string[] = [];
  const answers = readFinalAnswers(outcome.received);
  if (outcome.end === 'timed out') faults.push('no end in time');
  // The gateway may end a connection with an error of its own, such as 404; what was sent behind it is lost with it.
  const gaveUp =
    answers.length < expectedAnswers &&
    (answers.at(-1)?.status ?? 0) >= 400 &&
    answers.at(-1)?.field('connection') === 'close';
  if (answers.length !== expectedAnswers && !gaveUp)
    faults.push(`${answers.length} answers, not ${expectedAnswers}`);
  if (conversation.end === 'refused' && !gaveUp) {
    const refusal = answers.at(-1);
    const status = refusal?.status ?? 0;
    if ((status < 400 || status > 499) && status !== 505) faults.push(`refused with ${status}`);
    if (refusal?.field('connection') !== 'close') faults.push('refused without Connection: close');
  }
  if (closes || gaveUp) {
    if (outcome.end !== 'closed by the other side') faults.push('not closed');
    if (outcome.duration > CLOSE_LIMIT_MILLISECONDS)
      faults.push(`closed after ${Math.round(outcome.duration)} ms`);
  }
  // The answer to each whole request tells whether it was let through; what the upstream saw must be exactly those.
  const passed = conversation.requests.filter((_, index) => answers[index]?.status === 200);
  if (reached.length !== passed.length)
    faults.push(`${reached.length} requests at the upstream, not ${passed.length}`);
  for (const [index, request] of reached.entries()) {
    faults.push(...findDeviations(request));
    const meant = passed[index];
    if (meant === undefined) continue;
    // The route is served with and without a slash at the end, and has one spelling at the upstream.
    const path = meant.path === '/mcp/' ? '/mcp' : meant.path;
    const target = `${meant.method} ${path}${meant.query} HTTP/1.1`;
    if (!request.head.startsWith(`${target}\r\n`)) faults.push(`another request line than ${target}`);
    if (request.body !== meant.body) faults.push('another body');
    faults.push(...findForeignFields(request, meant.fields));
  }
  const seen = reached.map(({ body, head }) => toEcho(head, body));
  const told = answers.filter(({ status }) => status === 200).map(({ body }) => body);
  if (seen.join('\n') !== told.join('\n')) faults.push('an answer to another request');
  return faults;
}

const canonicalHead =
  /^(?:GET|POST|DELETE) \/mcp(?:\?[\x21\x24-\x3b\x3d\x3f-\x5a\x5f\x61-\x7a\x7e]*)? HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+(?:\r\n[a-z\d!#$%&'*+.^`|~-]+: (?:[\x21-\x7e\x80-\xff](?:[\t -\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)*$/;
const connectionFields =
  /\r\n(?:transfer-encoding|te|trailer|connection|keep-alive|proxy-[a-z-]+|upgrade|http2-settings|expect):/;

/** How a request at the upstream departs from the one form in which the gateway writes requests. */
function findDeviations({ head, body }: Pick<ReceivedRequest, 'head' | 'body'>): readonly string[] {
  const faults: string[] = [];
  if (!canonicalHead.test(head)) faults.push('not canonical');
  if (connectionFields.test(head)) faults.push('a field of the client connection');
  if (head.match(/\r\nhost: /g)?.length !== 1) faults.push('not one Host');
  const lengths = [...head.matchAll(/\r\ncontent-length: (.*)/g)].map(([, length]) => length);
  const expected = head.startsWith('POST ') || body !== '' ? [`${body.length}`] : [];
  if (lengths.join() !== expected.join()) faults.push(`Content-Length ${lengths.join(' and ')}`);
  return faults;
}

/** Fields the gateway sets itself. */
const ownField = /^(?:host|content-length|x-forwarded-\w+|x-real-ip|forwarded)$/;

function findForeignFields({ head }: ReceivedRequest, fields: readonly string[]): string[] {
  const known = new Set<string>();
  for (let index = 0; index < fields.length; index += 2) known.add(`${fields[index]}: ${fields[index + 1]}`);
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => !ownField.test(line.slice(0, line.indexOf(':'))) && !known.has(line))
    .map((line) => `a field that was not sent: ${line.slice(0, 40)}`);
}

/** What the upstream answers: enough of the request to tell whose answer it is. */
export function toEcho(head: string, body: string): string {
  const line = head.slice(0, head.indexOf('\r\n'));
  return JSON.stringify({ line, mark: /\r\nx-mark: (.*)/i.exec(head)?.[1], body });
}
