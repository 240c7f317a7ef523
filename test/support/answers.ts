/** One HTTP/1.1 answer as a client received it, framing undone. */
export interface ReceivedAnswer {
  readonly status: number;
  /** Status line and field lines as they came. */
  readonly head: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Latin1; as much of it as has arrived. */
  readonly body: string;
  readonly complete: boolean;
  /** The value of a field, copies joined by commas. */
  field(name: string): string | undefined;
}

/** Reads the answers in a text, interim ones included; the last one may be incomplete. */
export function readAnswers(received: string): readonly ReceivedAnswer[] {
  const answers: ReceivedAnswer[] = [];
  let at = 0;
  while (at < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const head = received.slice(at, headEnd);
    const answer = readBody(head, received, headEnd + 4);
    answers.push(answer.answer);
    if (!answer.answer.complete) break;
    at = answer.end;
  }
  return answers;
}

/** Answers that are not interim. */
export function readFinalAnswers(received: string): readonly ReceivedAnswer[] {
  return readAnswers(received).filter(({ status }) => status >= 200);
}

function readBody(head: string, text: string, start: number): { answer: ReceivedAnswer; end: number } {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const field = (name: string): string | undefined => {
    const values = fields.filter(([other]) => other === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const finish = (body: string, end: number, complete: boolean): { answer: ReceivedAnswer; end: number } => ({
    answer: { status, head, fields, body, complete, field },
    end,
  });
  if (field('transfer-encoding') === 'chunked') {
    const { body, end } = readChunks(text, start);
    return finish(body, end ?? text.length, end !== undefined);
  }
  const length = status < 200 || status === 204 || status === 304 ? 0 : Number(field('content-length') ?? 0);
  const body = text.slice(start, start + length);
  return finish(body, start + length, body.length === length);
}

function readChunks(text: string, start: number): { body: string; end: number | undefined } {
  const pieces: string[] = [];
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) return { body: pieces.join(''), end: undefined };
    const from = lineEnd + 2;
    if (size === 0) {
      const isWhole = text.startsWith('\r\n', from);
      return { body: pieces.join(''), end: isWhole ? from + 2 : undefined };
    }
    pieces.push(text.slice(from, from + size));
    if (text.length < from + size + 2) return { body: pieces.join(''), end: undefined };
    at = from + size + 2;
  }
}
