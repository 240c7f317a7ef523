import { fromRecordText, toIndexes, toRecordForm, type RecordForm } from './record-form.ts';
import type { PutOptions, StoredValue } from './store.ts';

/** A record as it is kept in Redis: `raw` is the moment of its end, a line feed, and the JSON. */
export interface RedisRecord {
  readonly raw: string;
  readonly indexes: RecordForm['indexes'];
  /** Wall-clock milliseconds. */
  readonly expiresAt: number | undefined;
}

/** The last moment that a date can name; Redis takes no larger ones either. */
const LATEST = 8.64e15;

export function toRedisRecord(
  kind: string,
  id: string,
  change: { readonly value: StoredValue } & PutOptions,
): RedisRecord & { readonly id: string } {
  const form = toRecordForm(kind, id, change.value);
  const { expiresAt } = change;
  const end = expiresAt === undefined ? undefined : Math.min(LATEST, Math.max(1, Math.ceil(expiresAt)));
  return { id: form.id, raw: `${end ?? ''}\n${form.text}`, indexes: form.indexes, expiresAt: end };
}

/** What a record is found by, whether or not it has expired. */
export function readIndexes(kind: string, raw: string): RecordForm['indexes'] {
  return toIndexes(kind, fromRecordText(kind, toText(raw)));
}

/** The value of a record that is alive. `id` is what the caller asked for, see `fromRecordText`. */
export function readValue(
  kind: string,
  raw: string | undefined,
  { now, id }: { readonly now: number; readonly id?: string },
): StoredValue | undefined {
  if (raw === undefined) return undefined;
  const end = raw.slice(0, raw.indexOf('\n'));
  // Redis goes by its own clock, which may be behind.
  if (end !== '' && Number(end) <= now) return undefined;
  return fromRecordText(kind, toText(raw), id);
}

function toText(raw: string): string {
  return raw.slice(raw.indexOf('\n') + 1);
}
