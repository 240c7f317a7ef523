import type { PasswordSourceConfig, RedisConfig, StateConfig } from './state-config.ts';
import type { RedisSetting, StateSetting } from './schema/state.ts';
import type { Secrets } from './secrets.ts';

/** Where the setting of a Redis stands; a mapping has its URL one level deeper. */
export const redisPath: readonly string[] = ['state', 'redis'];

/** Puts the settings of the state together. */
export function resolveState(
  { redis }: StateSetting,
  context: {
    readonly secrets: Secrets;
    /** Makes the file name of the setting at the path absolute. */
    readonly file: (path: readonly PropertyKey[], name: string) => string;
  },
): StateConfig {
  if (redis === undefined) return { kind: 'local' };
  const { url, ca } = redis;
  const { address } = url;
  return {
    kind: 'redis',
    address:
      address.kind === 'unix'
        ? { ...address, path: context.file([...redisPath, 'url'], address.path) }
        : address,
    user: redis.user ?? url.user,
    ...resolvePassword(redis, context),
    database: redis.database ?? url.database ?? 0,
    prefix: `{${redis.prefix}}:`,
    ca: ca === undefined ? undefined : context.file([...redisPath, 'ca'], ca),
  };
}

function resolvePassword(
  { url, passwordEnv, passwordFile }: RedisSetting,
  { secrets, file }: Parameters<typeof resolveState>[1],
): Pick<RedisConfig, 'password' | 'passwordSource'> {
  const found = (
    source: PasswordSourceConfig,
    password: string | undefined,
  ): ReturnType<typeof resolvePassword> => ({
    password,
    passwordSource: source,
  });
  if (passwordEnv !== undefined) {
    const password = secrets.get('state.redis.password_env');
    return found({ kind: 'environment', name: passwordEnv }, password);
  }
  if (passwordFile !== undefined) {
    const path = file([...redisPath, 'password_file'], passwordFile);
    return found({ kind: 'file', path }, secrets.get('state.redis.password_file'));
  }
  return url.password === undefined
    ? { password: undefined, passwordSource: undefined }
    : found({ kind: 'url' }, url.password);
}
