import type { StoredValue } from '../state/store/store.ts';

/** What is remembered of a session beside its id, for when it has to begin again. */
export interface SessionNote {
  /** How often it began again. */
  readonly generation: number;
  /** The newest session at a server, sealed for the same caller; `undefined` while it is the one in the id. */
  readonly successor: string | undefined;
  /** The level that `logging/setLevel` last set. */
  readonly level: string | undefined;
  /** URIs that `resources/subscribe` named, the oldest first. */
  readonly subscriptions: readonly string[];
  /** The client ended it: it does not begin again. */
  readonly ended: boolean;
}

/** What happened to a session. Events of several processes may come in any order, and twice. */
export type NoteEvent =
  | { readonly kind: 'revived'; readonly generation: number; readonly successor: string }
  | { readonly kind: 'level'; readonly level: string }
  | { readonly kind: 'subscribed'; readonly uri: string }
  | { readonly kind: 'unsubscribed'; readonly uri: string }
  | { readonly kind: 'ended' };

/** Most subscriptions of one session that are remembered. */
export const maxSubscriptions = 100;
/** Most characters of all of them. */
const maxSubscriptionText: number = 16 * 1024;
const maxLevelLength = 32;

export const blankNote: SessionNote = {
  generation: 0,
  successor: undefined,
  level: undefined,
  subscriptions: [],
  ended: false,
};

/** The note after an event. What would exceed a cap is not remembered; the session goes on without. */
export function applyEvent(note: SessionNote, event: NoteEvent): SessionNote {
  if (note.ended) return note;
  switch (event.kind) {
    case 'revived':
      return isNewer(event, note)
        ? { ...note, generation: event.generation, successor: event.successor }
        : note;
    case 'level':
      return event.level.length > maxLevelLength ? note : { ...note, level: event.level };
    case 'subscribed': {
      const subscriptions = [...note.subscriptions.filter((uri) => uri !== event.uri), event.uri];
      return fits(subscriptions) ? { ...note, subscriptions } : note;
    }
    case 'unsubscribed': {
      const subscriptions = note.subscriptions.filter((uri) => uri !== event.uri);
      return { ...note, subscriptions };
    }
    case 'ended':
      return { ...blankNote, ended: true };
  }
}

/** One note of two, where processes could not tell each other: the newer session, and what either remembers. */
export function mergeNotes(left: SessionNote, right: SessionNote): SessionNote {
  if (left.ended || right.ended) return { ...blankNote, ended: true };
  const newer =
    right.successor !== undefined &&
    isNewer({ generation: right.generation, successor: right.successor }, left)
      ? right
      : left;
  let merged: SessionNote = { ...newer, level: left.level ?? right.level, subscriptions: left.subscriptions };
  for (const uri of right.subscriptions) {
    if (!merged.subscriptions.includes(uri)) merged = applyEvent(merged, { kind: 'subscribed', uri });
  }
  return merged;
}

/** Of two that began again at once, all processes have to take the same one: the text decides. */
function isNewer(
  { generation, successor }: { readonly generation: number; readonly successor: string },
  note: SessionNote,
): boolean {
  if (generation !== note.generation) return generation > note.generation;
  return note.successor === undefined || successor < note.successor;
}

function fits(subscriptions: readonly string[]): boolean {
  if (subscriptions.length > maxSubscriptions) return false;
  return subscriptions.reduce((sum, uri) => sum + uri.length, 0) <= maxSubscriptionText;
}

/** Characters that a note takes. */
export function sizeOfNote({ successor, level, subscriptions }: SessionNote): number {
  return subscriptions.reduce(
    (sum, uri) => sum + uri.length,
    (successor?.length ?? 0) + (level?.length ?? 0),
  );
}

export function toStoredNote(note: SessionNote): StoredValue {
  const { generation, successor = null, level = null, subscriptions, ended } = note;
  return { generation, successor, level, subscriptions, ended };
}

/** `undefined` for a record of another form. */
export function fromStoredNote(value: StoredValue): SessionNote | undefined {
  const { generation, successor, level, subscriptions, ended } = value;
  if (typeof generation !== 'number' || typeof ended !== 'boolean' || !Array.isArray(subscriptions))
    return undefined;
  return {
    generation,
    ended,
    successor: typeof successor === 'string' ? successor : undefined,
    level: typeof level === 'string' ? level : undefined,
    subscriptions: subscriptions.filter((uri) => typeof uri === 'string').slice(0, maxSubscriptions),
  };
}
