import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import { followChanges } from './redis-changes.ts';
import { commit, createRedisNames, type Commit, type CommitStep } from './redis-commit.ts';
import { readIndexes, readValue, toRedisRecord } from './redis-record.ts';
import { kindOf, requireIndex, toStoredId } from './record-form.ts';
import type { Store, StoredValue, StoreEntry, StoreWrite } from './store.ts';
import { createTurns } from './turns.ts';

export interface RedisStoreOptions {
  /** Stays open when the store is closed. */
  readonly connection: RedisConnection;
  readonly clock: Clock;
}

/** Replicas that write to one record win in turn; who loses so often meets a fault. */
const ATTEMPTS = 100;
/** Milliseconds between two of these attempts. */
const LONGEST_PAUSE = 32;
/** Records that are asked for at once. */
const BATCH = 500;

/**
 * The store in Redis or Valkey, for replicas. Every write reads what is there, and is done by one script that changes nothing when
 * somebody else did so in between. Rejects with a GatewayError (E_STATE_UNREACHABLE), as all functions of the store do while Redis
 * cannot be used; a write that was not answered may have been done.
 */
export async function openRedisStore({ connection, clock }: RedisStoreOptions): Promise<Store> {
  const names = createRedisNames(connection.prefix);
  const changes = await followChanges({ connection, key: names.changes, clock });
  const inTurn = createTurns();

  async function read(kind: string, id: string): Promise<string | undefined> {
    const raw = await connection.send(['GET', names.record(kind, id)]);
    return typeof raw === 'string' ? raw : undefined;
  }

  async function readAll(
    kind: string,
    ids: readonly string[],
  ): Promise<readonly { readonly id: string; readonly raw: string | undefined }[]> {
    const found: { readonly id: string; readonly raw: string | undefined }[] = [];
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      const raws = await connection.send(['MGET', ...batch.map((id) => names.record(kind, id))]);
      const texts: readonly unknown[] = Array.isArray(raws) ? raws : [];
      for (const [index, id] of batch.entries()) {
        const raw = texts[index];
        found.push({ id, raw: typeof raw === 'string' ? raw : undefined });
      }
    }
    return found;
  }

  async function readMembers(key: string): Promise<readonly string[]> {
    const members = await connection.send(['ZRANGE', key, '0', '-1']);
    return Array.isArray(members) ? members.map(String) : [];
  }

  /** Of what a set names some may have expired, or be found by something else by now. */
  const hasIndex = (
    kind: string,
    raw: string | undefined,
    [field, value]: readonly [string, string],
  ): boolean =>
    raw !== undefined &&
    readIndexes(kind, raw).some(([name, indexed]) => name === field && indexed === value);

  function toEntries(
    kind: string,
    records: readonly { readonly id: string; readonly raw: string | undefined }[],
  ): readonly StoreEntry[] {
    const now = clock.now();
    return records
      .flatMap(({ id, raw }) => {
        const value = readValue(kind, raw, { now });
        return value === undefined ? [] : [{ id, value }];
      })
      .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  }

  /** Prepares and commits until nobody is in between. */
  async function write<T>(
    prepare: () => Promise<{ readonly result: T } & Omit<Commit, 'origin'>>,
  ): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { result, ...prepared } = await prepare();
      if (prepared.steps.length === 0) return result;
      const counts = await commit(connection, names, { ...prepared, origin: changes.origin });
      if (counts !== undefined) {
        changes.noteOwn(counts);
        return result;
      }
      // Two in step would let the same one win each time.
      await sleep(Math.random() * Math.min(LONGEST_PAUSE, 2 ** attempt));
    }
    throw new GatewayError('E_STATE_UNREACHABLE', 'a record in Redis is changed by others all the time');
  }

  /** As `write`, for one record; what this process does to it is done one after the other. */
  function change<T>(
    kind: string,
    id: string,
    decide: (before: string | undefined) => {
      readonly result: T;
      readonly after?: CommitStep['after'] | 'stays';
    },
  ): Promise<T> {
    const stored = toStoredId(kind, id);
    return inTurn(names.record(kind, stored), () =>
      write(async () => {
        const before = await read(kind, stored);
        const { result, after } = decide(before);
        return { result, steps: after === 'stays' ? [] : [{ kind, id: stored, before, after }] };
      }),
    );
  }

  const toValue = (kind: string, id: string, raw: string | undefined): StoredValue | undefined =>
    readValue(kind, raw, { now: clock.now(), id });

  return {
    get: async (kind, id) => toValue(kind, id, await read(kind, toStoredId(kind, id))),
    async put(kind, id, value, options) {
      const after = toRedisRecord(kind, id, { value, ...options });
      await change(kind, id, () => ({ result: undefined, after }));
    },
    async delete(kind, id) {
      await change(kind, id, (before) => ({ result: undefined, ...toRemoval(before) }));
    },
    async find(kind, field, value) {
      requireIndex(kind, field);
      const records = await readAll(kind, await readMembers(names.index(kind, field, value)));
      return toEntries(
        kind,
        records.filter(({ raw }) => hasIndex(kind, raw, [field, value])),
      );
    },
    consume: async (kind, id) =>
      change(kind, id, (before) => ({ result: toValue(kind, id, before), ...toRemoval(before) })),
    async deleteWhere(kind, field, value) {
      requireIndex(kind, field);
      const key = names.index(kind, field, value);
      await write(async () => {
        const ids = await readMembers(key);
        const records = await readAll(kind, ids);
        const steps = records.flatMap(({ id, raw }) =>
          hasIndex(kind, raw, [field, value]) ? [{ kind, id, before: raw, after: undefined }] : [],
        );
        return { result: undefined, steps, members: { key, ids } };
      });
    },
    async list(kind) {
      kindOf(kind);
      return toEntries(kind, await readAll(kind, await readMembers(names.kind(kind))));
    },
    update: async (kind, id, decide) =>
      change(kind, id, (before) => {
        const next = decide(toValue(kind, id, before));
        if (next === undefined) return { result: false, after: 'stays' };
        return { result: true, after: toRedisRecord(kind, id, next) };
      }),
    async transaction(writes) {
      const last = new Map(
        writes.map((each) => [names.record(each.kind, toStoredId(each.kind, each.id)), each]),
      );
      await write(async () => {
        const steps = await Promise.all(
          [...last.values()].map(async (each) => {
            const id = toStoredId(each.kind, each.id);
            return { kind: each.kind, id, before: await read(each.kind, id), after: toAfter(each) };
          }),
        );
        return { result: undefined, steps };
      });
    },
    watch: changes.add,
    close: () => changes.close(),
  };
}

/** What is not there needs no write: who guesses ids must not make the replicas look for changes. */
function toRemoval(before: string | undefined): { readonly after: 'stays' | undefined } {
  return { after: before === undefined ? 'stays' : undefined };
}

function toAfter(write: StoreWrite): CommitStep['after'] {
  return write.action === 'put' ? toRedisRecord(write.kind, write.id, write) : undefined;
}
