import type * as client from '@redis/client';
import { GatewayError } from '../../lib/gateway-error.ts';

export type RedisModule = typeof client;

/**
 * Loads the client, an optional dependency that only who shares state in Redis needs. Rejects with a GatewayError
 * (E_STATE_UNREACHABLE) where it is not installed.
 */
export async function loadRedis(): Promise<RedisModule> {
  try {
    return await import('@redis/client');
  } catch (error) {
    throw new GatewayError('E_STATE_UNREACHABLE', 'the package `@redis/client` is not installed', {
      hint: 'run `npm install @redis/client`, or install Breakwater without `--omit=optional`',
      cause: error,
    });
  }
}
