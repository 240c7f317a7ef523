import type { SharedText, SharedTexts } from '../shared-text.ts';
import type { RedisConnection } from './redis-connection.ts';

const replaceScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`;

/** Texts in Redis, for replicas that share no disk. */
export function createRedisTexts(connection: RedisConnection): SharedTexts {
  return (name): SharedText => {
    const key = `${connection.prefix}secret:${name}`;
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
