import type { SharedText, SharedTexts } from '../shared-text.ts';
import type { RedisConnection } from './redis-connection.ts';

const replaceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`;

/** The key of a text: what is put under a lock is read as a text. */
export function toTextKey({ prefix }: Pick<RedisConnection, 'prefix'>, name: string): string {
  return `${prefix}secret:${name}`;
}

/** Texts in Redis, for replicas that share no disk. */
export function createRedisTexts(connection: RedisConnection): SharedTexts {
  return (name): SharedText => {
    const key = toTextKey(connection, name);
    return {
      place: `${key} in Redis`,
      async read() {
        const text = await connection.send(['GET', key]);
        return typeof text === 'string' ? text : undefined;
      },
      replace: async ({ before, text }) =>
        (await connection.run(replaceScript, [key], [before ?? '', text])) === 1,
    };
  };
}
