import { formatAuthority } from '../lib/authority.ts';
import type { RedisConfig } from './state-config.ts';
import { present, type FileMapping } from './file-value.ts';
import { defaultRedisPrefix } from './schema/state.ts';

/** Where shared state is, in the words of the file; a password that was in the URL is left out. */
export function toStateForm(redis: RedisConfig): FileMapping {
  const { address, user, passwordSource: source, database, ca } = redis;
  const url =
    address.kind === 'unix'
      ? `unix:${address.path}`
      : `redis${address.secure ? 's' : ''}://${formatAuthority(address.host, address.port)}`;
  const prefix = redis.prefix.replace(/^\{(.*)\}:$/, '$1');
  const rest = present({
    user,
    password_env: source?.kind === 'environment' ? source.name : undefined,
    password_file: source?.kind === 'file' ? source.path : undefined,
    database: database === 0 ? undefined : database,
    prefix: prefix === defaultRedisPrefix ? undefined : prefix,
    ca,
  });
  return { redis: Object.keys(rest).length === 0 ? url : { url, ...rest } };
}
