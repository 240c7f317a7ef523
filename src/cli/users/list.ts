import type { Account } from '../../auth/accounts/account-record.ts';
import { createAccounts } from '../../auth/accounts/accounts.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatDay } from '../certs/certificate-text.ts';
import { formatColumns } from '../columns.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';

/** The local accounts of the state directory, one line each. */
export function runList(options: StateOptions, context: CliContext): Promise<number> {
  return withState({ ...options, access: 'reads' }, context, async ({ store, stateDir }) => {
    const users = await createAccounts(store, { clock: systemClock }).list();
    const { stdout, stderr } = context.io;
    if (context.json) writeEnvelope(context, 'users-list', { stateDir, users: users.map(toJson) });
    else if (users.length === 0) stderr.write(`no accounts in ${stateDir}\n`);
    else stdout.write(formatColumns(['NAME', 'EMAIL', 'CREATED', 'PASSWORD OF'], users.map(toRow)));
    return 0;
  });
}

function toRow({ name, email, createdAt, passwordChangedAt }: Account): readonly string[] {
  return [name, email ?? '-', formatDay(createdAt), formatDay(passwordChangedAt)];
}

function toJson({ name, email, createdAt, passwordChangedAt }: Account): object {
  return {
    name,
    email: email ?? null,
    createdAt: new Date(createdAt).toISOString(),
    passwordChangedAt: new Date(passwordChangedAt).toISOString(),
  };
}
