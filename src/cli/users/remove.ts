import { createAccounts } from '../../auth/accounts/accounts.ts';
import { systemClock } from '../../lib/clock.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';
import { toUnknownName } from '../unknown-name.ts';

/** Removes a local account. Throws a GatewayError: E_NAME_UNKNOWN, and those of the store. */
export function runRemove(
  { name, ...options }: StateOptions & { readonly name: string },
  context: CliContext,
): Promise<number> {
  return withState({ ...options, access: 'reads' }, context, async ({ store }) => {
    const accounts = createAccounts(store, { clock: systemClock });
    const wanted = name.toLowerCase();
    if (!(await accounts.remove(wanted))) throw toUnknownName('account', name, await accounts.list());
    if (context.json) writeEnvelope(context, 'users-remove', { name: wanted });
    else context.io.stderr.write(`removed the account ${wanted}\n`);
    return 0;
  });
}
