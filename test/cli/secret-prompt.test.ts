import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { askSecretly } from '../../src/cli/secret-prompt.ts';

/** A terminal that notes its mode and what was on the screen when it changed. */
class TestTerminal extends PassThrough {
  readonly events: string[] = [];

  setRawMode(mode: boolean): this {
    this.events.push(mode ? 'raw' : 'cooked');
    return this;
  }
}

let terminal: TestTerminal;
beforeEach(() => {
  terminal = new TestTerminal();
});

function ask(): Promise<string> {
  return askSecretly(terminal, (text) => void terminal.events.push(text), 'Password: ');
}

describe('asking for a secret', () => {
  it('attack: somebody looks at the screen: nothing is echoed, from before the question until after the answer', async () => {
    const answer = ask();
    terminal.write('secret');
    terminal.write(' word\r');
    expect(await answer).toBe('secret word');
    expect(terminal.events).toEqual(['raw', 'Password: ', 'cooked', '\n']);
    expect(terminal.isPaused()).toBe(true);
    expect(terminal.listenerCount('end')).toBe(0);
  });

  it.each([
    ['ab\u007F\u007Fc\n', 'c'],
    ['\bab\r', 'ab'],
    ['🔑\u007Fx\r', 'x'],
    ['wrong\u0015right\r', 'right'],
    ['abc\u0003', ''],
    ['abc\u0004', ''],
    ['\r', ''],
    ['one\rtwo\r', 'one'],
  ])('%j is %j', async (keys, secret) => {
    const answer = ask();
    terminal.write(keys);
    expect(await answer).toBe(secret);
  });

  it('puts characters together that arrive in pieces', async () => {
    const answer = ask();
    const bytes = Buffer.from('ü🔑\r');
    for (const byte of bytes) terminal.write(Buffer.of(byte));
    expect(await answer).toBe('ü🔑');
  });

  it('ends when the terminal is gone', async () => {
    const answer = ask();
    terminal.end('abc');
    expect(await answer).toBe('');
    expect(terminal.events.at(-2)).toBe('cooked');
  });

  it('asks twice', async () => {
    for (const secret of ['one', 'two']) {
      const answer = ask();
      terminal.write(`${secret}\r`);
      expect(await answer).toBe(secret);
    }
  });
});
