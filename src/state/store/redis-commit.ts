import type { RedisConnection } from '../redis/redis-connection.ts';
import { readIndexes, type RedisRecord } from './redis-record.ts';

/**
 * Keys below the prefix. A record is a string; that it exists, and what it is found by, is in sorted sets by the moment of its end, from
 * which Redis takes out what has expired.
 */
export interface RedisNames {
  readonly changes: string;
  record(kind: string, id: string): string;
  kind(kind: string): string;
  index(kind: string, field: string, value: string): string;
}

export function createRedisNames(prefix: string): RedisNames {
  return {
    changes: `${prefix}changes`,
    record: (kind, id) => `${prefix}record:${kind}:${id}`,
    kind: (kind) => `${prefix}kind:${kind}`,
    index: (kind, field, value) => `${prefix}index:${kind}:${field}:${value}`,
  };
}

/** One record that is to be replaced or deleted, as it was read. */
export interface CommitStep {
  readonly kind: string;
  /** As it is kept. */
  readonly id: string;
  readonly before: string | undefined;
  /** `undefined`: the record is deleted. */
  readonly after: RedisRecord | undefined;
}

export interface Commit {
  readonly steps: readonly CommitStep[];
  /** A set that has to have exactly these members still. */
  readonly members?: { readonly key: string; readonly ids: readonly string[] };
  /** Tells this process's own messages from those of others. */
  readonly origin: string;
}

/**
 * Does everything or, where a record or set is not what it was, nothing. What Redis refuses when it is full (SET, ZADD) comes before
 * what it never refuses, so that it does not stop half way; deletions alone are done by a full one, too. All keys are named to Redis, as
 * its clusters demand.
 */
const commitScript: string = `
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local at = 3
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local counts, message = {}, ARGV[1]
while ARGV[at] do
  local action = take()
  local key = KEYS[tonumber(take())]
  if action == 'text' then
    if (redis.call('GET', key) or '') ~= take() then return false end
  elseif action == 'members' then
    local found = redis.call('ZRANGE', key, 0, -1)
    if #found ~= tonumber(take()) then return false end
    for n = 1, #found do
      if found[n] ~= take() then return false end
    end
  elseif action == 'set' then
    local text, ends = take(), take()
    if ends == '' then redis.call('SET', key, text) else redis.call('SET', key, text, 'PXAT', ends) end
  elseif action == 'add' then
    local score = take()
    redis.call('ZADD', key, score, take())
  elseif action == 'changed' then
    local kind = take()
    local count = redis.pcall('HINCRBY', key, kind, 1)
    count = type(count) == 'number' and string.format('%d', count) or ''
    counts[#counts + 1] = count
    message = message .. ' ' .. kind .. '=' .. count
  elseif action == 'delete' then
    redis.call('DEL', key)
  elseif action == 'remove' then
    redis.call('ZREM', key, take())
  elseif action == 'tidy' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. string.format('%d', now))
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
    if last == 'inf' then redis.call('PERSIST', key) elseif last then redis.call('PEXPIREAT', key, last) end
  end
end
redis.pcall('PUBLISH', ARGV[2], message)
return counts
`;

/** How often each kind has changed by now, by its name; empty where Redis was too full to count. `undefined`: something was in between. */
export async function commit(
  connection: RedisConnection,
  names: RedisNames,
  { steps, members, origin }: Commit,
): Promise<ReadonlyMap<string, string> | undefined> {
  const keys = [names.changes];
  const numbers = new Map<string, string>([[names.changes, '1']]);
  const numberOf = (key: string): string => {
    const known = numbers.get(key) ?? `${keys.push(key)}`;
    numbers.set(key, known);
    return known;
  };
  const checks: string[] = [];
  const additions: string[] = [];
  const removals: string[] = [];
  const sets = new Set<string>();
  if (members !== undefined) {
    checks.push('members', numberOf(members.key), `${members.ids.length}`, ...members.ids);
  }
  for (const { kind, id, before, after } of steps) {
    const record = numberOf(names.record(kind, id));
    checks.push('text', record, before ?? '');
    const kept = new Set<string>();
    if (after === undefined) removals.push('delete', record);
    else {
      const score = after.expiresAt === undefined ? '+inf' : `${after.expiresAt}`;
      additions.push('set', record, after.raw, after.expiresAt === undefined ? '' : score);
      for (const set of listSets(names, kind, after.indexes)) {
        kept.add(set);
        additions.push('add', numberOf(set), score, id);
      }
    }
    const left = before === undefined ? [] : listSets(names, kind, readIndexes(kind, before));
    for (const set of left) if (!kept.has(set)) removals.push('remove', numberOf(set), id);
    for (const set of [...kept, ...left]) sets.add(set);
  }
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  const words = [
    ...checks,
    ...additions,
    ...kinds.flatMap((kind) => ['changed', '1', kind]),
    ...removals,
    ...[...sets].flatMap((set) => ['tidy', numberOf(set)]),
  ];
  const counts = await connection.run(commitScript, keys, [origin, names.changes, ...words]);
  if (!Array.isArray(counts)) return undefined;
  return new Map(kinds.map((kind, index) => [kind, String(counts[index] ?? '')]));
}

function listSets(names: RedisNames, kind: string, indexes: RedisRecord['indexes']): readonly string[] {
  return [names.kind(kind), ...indexes.map(([field, value]) => names.index(kind, field, value))];
}
