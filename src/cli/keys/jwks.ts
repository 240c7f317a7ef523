import { loadJwks } from '../../auth/outbound/signing-keys.ts';
import { systemClock } from '../../lib/clock.ts';
import { createRedisTexts } from '../../state/redis/redis-texts.ts';
import { createSecretFiles } from '../../state/secret-files.ts';
import { findSource, type CertsSource } from '../certs/source.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { openShared, type StateOptions } from '../state-source.ts';

/**
 * Prints the public keys with which upstreams check the gateway's tokens, as a JWK Set (RFC 7517). Throws a GatewayError:
 * E_STATE_UNWRITABLE.
 */
export async function runJwks(options: StateOptions, context: CliContext): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const jwks = await loadFrom(source.value);
  if (context.json) writeEnvelope(context, 'keys-jwks', { jwks });
  else context.io.stdout.write(`${JSON.stringify(jwks, undefined, 2)}\n`);
  return 0;
}

async function loadFrom({ stateDir, state }: CertsSource): ReturnType<typeof loadJwks> {
  if (state.kind === 'local') return loadJwks(createSecretFiles(stateDir, systemClock), systemClock);
  const redis = await openShared(state);
  try {
    return await loadJwks(createRedisTexts(redis), systemClock);
  } finally {
    redis.close();
  }
}
