import { parseAccountName, parseEmail } from '../../auth/accounts/account-rules.ts';
import { createAccounts } from '../../auth/accounts/accounts.ts';
import { systemClock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';
import { readNewPassword } from './new-password.ts';

export interface AddOptions extends StateOptions {
  readonly name: string;
  readonly email?: string;
  readonly passwordStdin: boolean;
}

/** Makes a local account. Throws a GatewayError: E_USAGE, E_NAME_TAKEN, and those of the store. */
export async function runAdd(options: AddOptions, context: CliContext): Promise<number> {
  const name = parseAccountName(options.name);
  if (!name.ok) throw new GatewayError('E_USAGE', 'this name is not usable', { hint: name.error });
  const email = options.email === undefined ? undefined : parseEmail(options.email);
  if (email?.ok === false)
    throw new GatewayError('E_USAGE', '`--email` is not usable', { hint: email.error });
  const password = await readNewPassword(options.passwordStdin, context);
  return withState({ ...options, access: 'writes' }, context, async ({ store }) => {
    const accounts = createAccounts(store, { clock: systemClock });
    const account = await accounts.add({ name: name.value, email: email?.value, password });
    if (context.json)
      writeEnvelope(context, 'users-add', { name: account.name, email: account.email ?? null });
    else context.io.stderr.write(`added the account ${account.name}\n`);
    return 0;
  });
}
