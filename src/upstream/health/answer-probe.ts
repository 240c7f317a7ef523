import type { ResponseHead } from '../../http/response-head.ts';
import type { UpstreamListener } from '../connection.ts';
import { toUpstreamAuthority } from '../target.ts';
import {
  ProbeConnection,
  type Probe,
  type ProbeListener,
  type ProbeOptions,
  type ProbeResult,
} from './probe-connection.ts';

/** A question, and what its answers mean. */
export interface ProbeQuestion {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Whole lines, each with its end. */
  readonly fields: string;
  readonly body: string;
  /** What the head says, or `undefined` while the body has to be read. */
  judgeHead(head: ResponseHead): ProbeResult | undefined;
  judgeBody(body: Buffer, head: ResponseHead): ProbeResult;
  /** Bytes of a body that are read, and what a longer one means. */
  readonly longestBody: number;
  readonly overlong: ProbeResult;
}

/** Asks on a connection of its own, which is closed after the answer. */
export function startAnswerProbe(
  question: ProbeQuestion,
  options: ProbeOptions,
  onResult: ProbeListener,
): Probe {
  const probe = new ProbeConnection(options, onResult);
  const { method, path, fields, body } = question;
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${toUpstreamAuthority(options.target)}\r\nuser-agent: breakwater\r\n${fields}connection: close\r\n\r\n`;
  let answer: ResponseHead | undefined;
  let length = 0;
  const pieces: Buffer[] = [];
  const listener: UpstreamListener = {
    onHead(received) {
      answer = received;
      const result = question.judgeHead(received);
      if (result !== undefined) probe.settle(result);
    },
    onData(bytes) {
      length += bytes.length;
      if (length > question.longestBody) probe.settle(question.overlong);
      else pieces.push(Buffer.from(bytes));
    },
    onFlush: () => true,
    onEnd() {
      if (answer !== undefined) probe.settle(question.judgeBody(Buffer.concat(pieces), answer));
    },
    onFailure(code) {
      if (code === 'E_UPSTREAM_BAD_RESPONSE') probe.fail('answers what is not HTTP/1.1');
      else probe.fail();
    },
  };
  probe.connection.send([Buffer.from(head + body)], method, listener);
  return probe;
}
