import { createHash } from 'node:crypto';
import { readFinalAnswers, type ReceivedAnswer } from '../../support/answers.ts';
import type { OriginEcho } from '../../support/recording-origins.ts';
import type { TappedConnection } from './wire-tap.ts';

export interface Comparison {
  readonly requests: number;
  /** Requests that the origin read as the gateway wrote them. */
  readonly agreed: number;
  /** Requests that the origin refused with an error. */
  readonly refused: readonly { readonly status: number; readonly head: string }[];
  /** Where the origin read something else, or another number of requests. */
  readonly disagreements: readonly string[];
}

/** Compares, connection by connection, the requests the gateway wrote with those the origin says it read. */
export function compare(connections: readonly TappedConnection[]): Comparison {
  const refused: { status: number; head: string }[] = [];
  const disagreements: string[] = [];
  let requests = 0;
  let agreed = 0;
  for (const { sent, received } of connections) {
    const { meant, rest } = readMeant(sent);
    const answers = readFinalAnswers(received);
    requests += meant.length;
    if (rest !== '') disagreements.push(`bytes that are no request: ${JSON.stringify(rest.slice(0, 80))}`);
    if (answers.length !== meant.length) {
      disagreements.push(
        `${answers.length} answers to ${meant.length} requests: ${JSON.stringify(sent.slice(-400))}`,
      );
    }
    for (const [index, { head, request }] of meant.entries()) {
      const answer = answers[index];
      const echo = answer === undefined ? undefined : toEcho(answer);
      if (answer !== undefined && answer.status >= 400) refused.push({ status: answer.status, head });
      else if (JSON.stringify(echo) === JSON.stringify(request)) agreed++;
      else disagreements.push(`wrote ${JSON.stringify(request)}, read ${JSON.stringify(echo)}`);
    }
  }
  return { requests, agreed, refused, disagreements };
}

interface MeantRequest {
  readonly head: string;
  readonly request: OriginEcho;
}

/** The requests in the bytes the gateway wrote, which have no framing but Content-Length. */
function readMeant(sent: string): { readonly meant: readonly MeantRequest[]; readonly rest: string } {
  const meant: MeantRequest[] = [];
  let at = 0;
  for (let end = sent.indexOf('\r\n\r\n'); end >= 0; end = sent.indexOf('\r\n\r\n', at)) {
    const head = sent.slice(at, end);
    const [method = '', target = ''] = head.split(' ', 2);
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    const body = Buffer.from(sent.slice(end + 4, end + 4 + length), 'latin1');
    const marks = [...head.matchAll(/\r\nx-mark: (.*)/g)].map(([, value]) => value);
    const mark = marks.length === 0 ? null : marks.join();
    const sha256 = createHash('sha256').update(body).digest('hex');
    meant.push({ head, request: { method, target, mark, length: body.length, sha256 } });
    at = end + 4 + length;
  }
  return { meant, rest: sent.slice(at) };
}

/** What an origin says it read; `undefined` when the answer is not one of its echoes. */
export function toEcho(answer: ReceivedAnswer): OriginEcho | undefined {
  try {
    // The applications of the origins are ours.
    const { method, target, mark, length, sha256 } = JSON.parse(answer.body) as OriginEcho;
    // Copies of a field are joined with or without a blank.
    return { method, target, mark: mark?.replaceAll(', ', ',') ?? null, length, sha256 };
  } catch {
    return undefined;
  }
}
