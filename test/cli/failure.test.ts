import { describe, expect, it } from 'vitest';
import { createContext } from '../../src/cli/context.ts';
import { reportFailure, toFailure } from '../../src/cli/failure.ts';
import type { Output } from '../../src/cli/io.ts';
import { errorCodes } from '../../src/lib/error-codes.ts';
import { GatewayError } from '../../src/lib/gateway-error.ts';

function tell(error: unknown, argv: readonly string[]): { exit: number; text: string } {
  let text = '';
  const output: Output = {
    write: (part) => {
      text += part;
    },
    isTerminal: false,
    columns: 100,
    hasColors: false,
  };
  const io = {
    stdout: output,
    stderr: output,
    env: {},
    cwd: '/',
    unicode: true,
    readFile: async () => new Uint8Array(),
  };
  return { exit: reportFailure(toFailure(error), createContext(argv, io)), text };
}

describe('a failure', () => {
  const unforeseen = new TypeError('cannot read properties', { cause: new Error('the cause') });

  it('that nobody foresaw is E_INTERNAL, ends with 1 and has no trace', () => {
    expect(tell(unforeseen, [])).toEqual({
      exit: 1,
      text: `error[E_INTERNAL]: unexpected failure: cannot read properties\n   = fix: ${errorCodes.E_INTERNAL.fix}\n`,
    });
  });

  it('shows trace and cause with --debug', () => {
    expect(tell(unforeseen, ['--debug']).text).toMatch(
      /TypeError: cannot read.*\n +at .*caused by Error: the cause\n +at /s,
    );
    const { text } = tell(unforeseen, ['--debug', '--json']);
    expect(JSON.parse(text)).toMatchObject({ error: { trace: expect.stringContaining('the cause') } });
  });

  it('may be anything that can be thrown', () => {
    expect(tell('text', ['--json'])).toMatchObject({
      exit: 1,
      text: expect.stringContaining('"unexpected failure: text"'),
    });
    expect(tell(undefined, []).exit).toBe(1);
  });

  it.each(['E_UPSTREAM_UNREACHABLE', 'E_AUTH_INVALID', 'E_CONFIG_VALUE', 'E_OVERLOADED'] as const)(
    'with the code %s ends as the table says',
    (code) => {
      expect(tell(new GatewayError(code, 'm'), []).exit).toBe(errorCodes[code].exit ?? 1);
    },
  );
});
