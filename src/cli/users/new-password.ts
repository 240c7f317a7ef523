import { checkNewPassword } from '../../auth/accounts/account-rules.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { CliContext } from '../context.ts';

/**
 * Reads a new password: from a person, twice and unseen, or from standard input up to its last line break. Never from an argument,
 * which every user of the machine can read. Throws a GatewayError: E_USAGE.
 */
export async function readNewPassword(isOnStdin: boolean, { io, json }: CliContext): Promise<string> {
  const { askSecret } = io;
  if (isOnStdin) return requireUsable(await readStandardInput(io));
  if (json || askSecret === undefined) {
    throw new GatewayError('E_USAGE', 'there is no terminal to ask for the password at', {
      hint: 'use `--password-stdin` and write the password to standard input',
    });
  }
  const password = requireUsable(await askSecret('Password (12 characters or more): '));
  if (requireUsable(await askSecret('Again: ')) === password) return password;
  throw new GatewayError('E_USAGE', 'the two passwords differ', { hint: 'run the command again' });
}

async function readStandardInput({ readFile }: CliContext['io']): Promise<string> {
  const bytes = await readFile('-');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new GatewayError('E_USAGE', 'the password on standard input is not UTF-8', { cause });
  }
}

function requireUsable(password: string): string {
  const checked = checkNewPassword(password);
  if (checked.ok) return checked.value;
  throw new GatewayError('E_USAGE', checked.error, { hint: 'a sentence of four words is a good password' });
}
