import { isJsonObject, parseJsonObject } from '../lib/json.ts';
import type { RunningElsewhere } from './elsewhere.ts';
import type { LimitNews, LimitSummary } from './limit-news.ts';

/** What a process tells those of other replicas. */
export interface ReplicaMessage extends Sender {
  readonly content: ReplicaContent;
}

export interface Sender {
  /** The same for all workers of a gateway. */
  readonly replica: string;
  /** The process. */
  readonly member: string;
  /** One more with each message, so that whoever missed one knows. */
  readonly sequence: number;
}

export type ReplicaContent =
  /** It lives. */
  | { readonly kind: 'beat' }
  /** These members are to summarise what they have. */
  | { readonly kind: 'ask'; readonly members: readonly string[] }
  | { readonly kind: 'news'; readonly news: LimitNews }
  /** `isFirst`: what was heard of running calls before counts no longer. */
  | { readonly kind: 'summary'; readonly isFirst: boolean; readonly summary: LimitSummary };

/** Replicas of another version of the form count for themselves. */
const version = 1;

/** About the most characters of one message. */
const MESSAGE_CHARACTERS = 65_536;
/** What is longer was written by nobody that we know. */
const LONGEST_MESSAGE = 4 * MESSAGE_CHARACTERS;
/** A caller with a longer name is counted by each replica alone. */
const LONGEST_KEY = 8192;
const MOST_LIMITS = 1000;
const MOST_ASKED = 1000;
const MOST_COUNTED = 1_000_000_000;

/** The text that is published. */
export function formatReplicaMessage({ replica, member, sequence, content }: ReplicaMessage): string {
  return JSON.stringify({ version, replica, member, sequence, content });
}

/**
 * Against channel-injection: what is published may come from anybody who may write to Redis, and from newer versions. `undefined` for all
 * that this version would not have written.
 */
export function parseReplicaMessage(text: string): ReplicaMessage | undefined {
  if (text.length > LONGEST_MESSAGE) return undefined;
  const value = parseJsonObject(text);
  if (value === undefined || value['version'] !== version) return undefined;
  const { replica, member, sequence, content } = value;
  if (!isId(replica) || !isId(member) || !isCount(sequence, Number.MAX_SAFE_INTEGER)) return undefined;
  return isContent(content) ? { replica, member, sequence, content } : undefined;
}

/** The same news in parts that fit a message each. */
export function splitNews({ limits, taken, running }: LimitNews): readonly LimitNews[] {
  return split(taken, running).map((part) => ({ limits, taken: part.first, running: part.second }));
}

/** The same summary in parts that fit a message each; one at least. */
export function splitSummary({ limits, spent, running }: LimitSummary): readonly LimitSummary[] {
  return split(spent, running).map((part) => ({ limits, spent: part.first, running: part.second }));
}

type Table<Value> = readonly (readonly (readonly [key: string, value: Value])[])[];

interface Part<First, Second> {
  readonly first: [string, First][][];
  readonly second: [string, Second][][];
}

function split<First, Second>(first: Table<First>, second: Table<Second>): readonly Part<First, Second>[] {
  const begin = (): Part<First, Second> => ({ first: first.map(() => []), second: second.map(() => []) });
  let part = begin();
  const parts = [part];
  let left = MESSAGE_CHARACTERS;
  const place = (key: string): boolean => {
    if (key.length > LONGEST_KEY) return false;
    const size = JSON.stringify(key).length + 40;
    if (size > left) {
      part = begin();
      parts.push(part);
      left = MESSAGE_CHARACTERS;
    }
    left -= size;
    return true;
  };
  for (const [at, entries] of first.entries())
    for (const [key, value] of entries) if (place(key)) part.first[at]?.push([key, value]);
  for (const [at, entries] of second.entries())
    for (const [key, value] of entries) if (place(key)) part.second[at]?.push([key, value]);
  return parts;
}

function isContent(value: unknown): value is ReplicaContent {
  if (!isJsonObject(value)) return false;
  switch (value['kind']) {
    case 'beat':
      return true;
    case 'ask': {
      const { members } = value;
      return Array.isArray(members) && members.length <= MOST_ASKED && members.every(isId);
    }
    case 'news':
      return isNews(value['news']);
    case 'summary':
      return typeof value['isFirst'] === 'boolean' && isSummary(value['summary']);
    default:
      return false;
  }
}

function isNews(value: unknown): value is LimitNews {
  return (
    isJsonObject(value) &&
    typeof value['limits'] === 'string' &&
    isTable(value['taken'], isWhole) &&
    isTable(value['running'], isRunning)
  );
}

function isSummary(value: unknown): value is LimitSummary {
  return (
    isJsonObject(value) &&
    typeof value['limits'] === 'string' &&
    isTable(value['spent'], isAmount) &&
    isTable(value['running'], isRunning)
  );
}

function isTable(value: unknown, isValue: (value: unknown) => boolean): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MOST_LIMITS &&
    value.every((entries) => Array.isArray(entries) && entries.every((entry) => isEntry(entry, isValue)))
  );
}

function isEntry(entry: unknown, isValue: (value: unknown) => boolean): boolean {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [key, value]: readonly unknown[] = entry;
  return typeof key === 'string' && key.length <= LONGEST_KEY && isValue(value);
}

function isRunning(value: unknown): value is RunningElsewhere {
  return isJsonObject(value) && isWhole(value['calls']) && isWhole(value['streams']);
}

function isWhole(value: unknown): value is number {
  return isCount(value, MOST_COUNTED);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_COUNTED;
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}
