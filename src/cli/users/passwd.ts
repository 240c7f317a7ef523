import { createAccounts } from '../../auth/accounts/accounts.ts';
import { systemClock } from '../../lib/clock.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';
import { toUnknownName } from '../unknown-name.ts';
import { readNewPassword } from './new-password.ts';

export interface PasswdOptions extends StateOptions {
  readonly name: string;
  readonly passwordStdin: boolean;
}

/** Gives an account a new password. Throws a GatewayError: E_USAGE, E_NAME_UNKNOWN, and those of the store. */
export function runPasswd(options: PasswdOptions, context: CliContext): Promise<number> {
  return withState({ ...options, access: 'reads' }, context, async ({ store }) => {
    const accounts = createAccounts(store, { clock: systemClock });
    const name = options.name.toLowerCase();
    // Asked before the password is, which nobody types twice for nothing.
    if (!(await accounts.has(name))) throw toUnknownName('account', options.name, await accounts.list());
    const password = await readNewPassword(options.passwordStdin, context);
    if (!(await accounts.setPassword(name, password))) throw toUnknownName('account', options.name, []);
    if (context.json) writeEnvelope(context, 'users-passwd', { name });
    else context.io.stderr.write(`the account ${name} has a new password\n`);
    return 0;
  });
}
