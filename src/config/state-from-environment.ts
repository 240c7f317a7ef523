import { GatewayError } from '../lib/gateway-error.ts';
import type { Environment } from './overlay.ts';
import { resolveState } from './resolve-state.ts';
import { stateSchema } from './schema/state.ts';
import type { StateConfig } from './state-config.ts';

/** Where state is without a configuration file. Throws a GatewayError (E_CONFIG_VALUE) for a URL that is none; it is not repeated. */
export function readState(environment: Environment): StateConfig {
  const redis = environment['BREAKWATER_STATE_REDIS'];
  if (redis === undefined || redis === '') return { kind: 'local' };
  const parsed = stateSchema.safeParse({ redis });
  if (!parsed.success) {
    throw new GatewayError('E_CONFIG_VALUE', '`BREAKWATER_STATE_REDIS` is not the URL of a Redis');
  }
  return resolveState(parsed.data, { secrets: new Map(), file: (_path, name) => name });
}
