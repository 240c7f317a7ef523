import { createApiKeys } from '../../auth/keys/api-keys.ts';
import { parseKeyName, parseScopes } from '../../auth/keys/key-rules.ts';
import { systemClock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { Result } from '../../lib/result.ts';
import { formatEnd } from '../certs/certificate-text.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';

export interface CreateOptions extends StateOptions {
  readonly name: string;
  readonly scopes?: string;
  /** A duration such as `90d`. */
  readonly expires?: string;
}

const LONGEST_LIFE = 3650 * 86_400_000;

/**
 * Makes an API key and shows it, alone on standard output, this one time. Throws a GatewayError: E_USAGE, E_NAME_TAKEN, and those of
 * the store.
 */
export async function runCreate(options: CreateOptions, context: CliContext): Promise<number> {
  const name = read('--name', parseKeyName(options.name));
  const scopes = read('--scopes', parseScopes(options.scopes ?? ''));
  const { expires } = options;
  const lifetime =
    expires === undefined ? undefined : read('--expires', parseDuration(expires, LONGEST_LIFE));
  if (lifetime === 0) throw new GatewayError('E_USAGE', '`--expires`: the key would never count');
  return withState({ ...options, access: 'writes' }, context, async ({ store }) => {
    const now = systemClock.now();
    const expiresAt = lifetime === undefined ? undefined : now + lifetime;
    const key = await createApiKeys(store, { clock: systemClock }).create({ name, scopes, expiresAt });
    const { stdout, stderr } = context.io;
    if (context.json) {
      const end = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
      writeEnvelope(context, 'keys-create', { name, scopes, expiresAt: end, key });
      return 0;
    }
    const facts = [
      scopes.length === 0 ? 'no scopes' : `scopes ${scopes.join(' ')}`,
      expiresAt === undefined ? 'does not expire' : `expires ${formatEnd(expiresAt, now)}`,
    ];
    stderr.write(`API key ${name}: ${facts.join(', ')}; it is shown only now\n`);
    stdout.write(`${key}\n`);
    return 0;
  });
}

function read<T>(option: string, result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new GatewayError('E_USAGE', `\`${option}\` is not usable`, { hint: result.error });
}
