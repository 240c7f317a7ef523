import type { Target } from '../../doctor/facts.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { CliContext } from '../context.ts';
import { readNamedFile } from '../read-named-file.ts';

export interface CredentialOptions {
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  readonly login?: boolean;
  readonly ca?: string;
}

/** The bearer token of the user, from wherever it was said to be; never from the command line, which every user of the machine can read. */
export async function readCredential(
  target: Target,
  { tokenEnv, tokenFile, login, ca }: CredentialOptions,
  context: CliContext,
): Promise<string | undefined> {
  if (login === true) {
    const { logIn } = await import('./log-in.ts');
    return logIn(target, { ca }, context);
  }
  if (tokenEnv !== undefined) {
    return requireToken(context.io.env[tokenEnv] ?? '', `the environment variable \`${tokenEnv}\``);
  }
  if (tokenFile === undefined) return undefined;
  const bytes = await readNamedFile(tokenFile, context, 'E_USAGE');
  return requireToken(new TextDecoder().decode(bytes), `\`${tokenFile}\``);
}

/** header-injection: only characters of a token (RFC 6750 section 2.1) go into a header. */
function requireToken(text: string, where: string): string {
  const token = text.trim().replace(/^Bearer +/i, '');
  if (/^[\w.~+/=-]+$/.test(token)) return token;
  throw new GatewayError('E_USAGE', `${where} holds ${token === '' ? 'nothing' : 'no bearer token'}`, {
    hint: 'put the token there, alone',
  });
}
