import { createApiKeys } from '../../auth/keys/api-keys.ts';
import { systemClock } from '../../lib/clock.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';
import { toUnknownName } from '../unknown-name.ts';

/** Ends an API key. A running gateway notices by itself. Throws a GatewayError: E_NAME_UNKNOWN, and those of the store. */
export function runRevoke(
  { name, ...options }: StateOptions & { readonly name: string },
  context: CliContext,
): Promise<number> {
  return withState({ ...options, access: 'reads' }, context, async ({ store }) => {
    const keys = createApiKeys(store, { clock: systemClock });
    if (!(await keys.revoke(name))) throw toUnknownName('API key', name, await keys.list());
    if (context.json) writeEnvelope(context, 'keys-revoke', { name });
    else
      context.io.stderr.write(
        `revoked the API key ${name}; a running gateway refuses it within five seconds\n`,
      );
    return 0;
  });
}
