import { StringDecoder } from 'node:string_decoder';

/** A terminal that a secret is typed at; `process.stdin` is one. */
export interface SecretInput {
  setRawMode(mode: boolean): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Asks for a secret: in raw mode the terminal shows nothing of what is typed. Resolves to the line, empty when it was broken off with
 * Ctrl+C or Ctrl+D.
 */
export function askSecretly(
  input: SecretInput,
  write: (text: string) => void,
  question: string,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const decoder = new StringDecoder('utf8');
  let typed: readonly string[] = [];

  function finish(answer: string): void {
    input.off('data', read);
    input.off('end', breakOff);
    input.pause();
    input.setRawMode(false);
    write('\n');
    resolve(answer);
  }
  const breakOff = (): void => finish('');
  function read(chunk: Buffer): void {
    for (const character of decoder.write(chunk)) {
      switch (character) {
        case '\r':
        case '\n':
          finish(typed.join(''));
          return;
        case '\u0003':
        case '\u0004':
          finish('');
          return;
        case '\b':
        case '\u007F':
          typed = typed.slice(0, -1);
          break;
        // Ctrl+U, which begins a line anew.
        case '\u0015':
          typed = [];
          break;
        default:
          typed = [...typed, character];
      }
    }
  }

  // Before the question: who answers fast would be seen otherwise.
  input.setRawMode(true);
  input.on('data', read);
  input.on('end', breakOff);
  input.resume();
  write(question);
  return promise;
}
