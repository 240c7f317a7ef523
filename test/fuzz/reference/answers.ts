/** One final answer as a client received it. */
export interface ReceivedAnswer {
  readonly status: number;
  /** Latin1. */
  readonly body: string;
  /** Whether it says that the connection ends with it. */
  readonly closes: boolean;
}

/**
 * Reads the final answers to requests with the given methods, then at most one to what was refused; `undefined` when
 * the text is not exactly a row of whole answers with lengths. Latin1.
 */
export function readAnswersTo(text: string, methods: readonly string[]): ReceivedAnswer[] | undefined {
  const answers: ReceivedAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const head = /^HTTP\/1\.1 (\d{3}) [ -~]*\r\n(?:[!#$%&'*+.^`|~\w-]+: [\t -~\x80-\xff]*\r\n)*\r\n/.exec(
      rest,
    );
    if (head === null) return undefined;
    const status = Number(head[1]);
    rest = rest.slice(head[0].length);
    if (status < 200) continue;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head[0])?.[1];
    const isBodiless = status === 204 || status === 304;
    if (length === undefined && !isBodiless) return undefined;
    const size = isBodiless || methods[answers.length] === 'HEAD' ? 0 : Number(length);
    if (rest.length < size) return undefined;
    answers.push({ status, body: rest.slice(0, size), closes: /\r\nconnection: close\r\n/.test(head[0]) });
    rest = rest.slice(size);
  }
  return answers;
}
