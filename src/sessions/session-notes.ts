import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../state/store/store.ts';
import {
  applyEvent,
  blankNote,
  fromStoredNote,
  mergeNotes,
  sizeOfNote,
  toStoredNote,
  type NoteEvent,
  type SessionNote,
} from './session-note.ts';

/** What other processes have to know of a session. */
export interface NoteNews {
  readonly key: string;
  readonly event: NoteEvent;
}

export interface SessionNotesOptions {
  readonly clock: Clock;
  /** Most notes at a time. */
  readonly limit: () => number;
  /** Where replicas share them; `undefined` where there are none. */
  readonly store: () => Pick<Store, 'get' | 'update'> | undefined;
  /** Tells the other processes of this machine. */
  readonly share: (news: NoteNews) => void;
  /** The store could not be read or written; what is known here counts on. */
  readonly onProblem: (error: unknown) => void;
}

const noteKind = 'SessionNote';
/** How long the store keeps a note that does not change, in milliseconds. */
const KEPT_MILLISECONDS = 24 * 3_600_000;
/** Characters a note may have on the average before the oldest go. */
const AVERAGE_TEXT = 1024;
/** Writes to the store under way; what comes beyond stays with this machine. */
const MAX_WRITES = 1000;

/** The name of a session in notes, since its id is a secret: SHA-256. */
export function toNoteKey(sealedId: string): string {
  return hash('sha256', sealedId, 'base64url');
}

/**
 * Notes of sessions, in bounded memory: the one that was not used for longest goes first. A session without a note is one of which there is
 * nothing to tell, so what is forgotten costs a log level or a subscription at most.
 */
export class SessionNotes {
  readonly #options: SessionNotesOptions;
  /** The least recently used first. */
  readonly #notes = new Map<string, SessionNote>();
  #text = 0;
  #successors = 0;
  #writes = 0;

  constructor(options: SessionNotesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#notes.size;
  }

  /** Characters of all notes. */
  get text(): number {
    return this.#text;
  }

  /** The newest session, sealed, of one that began again; of all others `undefined`, at no cost while none has. */
  successorOf(sealedId: string): string | undefined {
    if (this.#successors === 0) return undefined;
    const key = toNoteKey(sealedId);
    const note = this.#notes.get(key);
    if (note?.successor === undefined) return undefined;
    this.#set(key, note);
    return note.successor;
  }

  /** What is known here. */
  find(key: string): SessionNote {
    return this.#notes.get(key) ?? blankNote;
  }

  /** What is known here and in the store. */
  async look(key: string): Promise<SessionNote> {
    const { store, onProblem } = this.#options;
    try {
      const value = await store()?.get(noteKind, key);
      const stored = value === undefined ? undefined : fromStoredNote(value);
      if (stored !== undefined) this.#set(key, mergeNotes(this.find(key), stored));
    } catch (error) {
      onProblem(error);
    }
    return this.find(key);
  }

  /** Remembers what happened, and tells the others. */
  note(key: string, event: NoteEvent): void {
    if (this.hear({ key, event })) this.#options.share({ key, event });
    void this.#write(key, event);
  }

  /**
   * Remembers that a session began again and resolves to the newest there is of it, which may be another's that was faster: with a store
   * the first that is written there counts everywhere, so calls that have gone to it are not left behind.
   */
  async revived(key: string, event: Extract<NoteEvent, { kind: 'revived' }>): Promise<SessionNote> {
    const stored = await this.#write(key, event);
    const first =
      stored?.successor === undefined
        ? event
        : { ...event, generation: stored.generation, successor: stored.successor };
    if (stored !== undefined) this.#set(key, mergeNotes(this.find(key), stored));
    else this.hear({ key, event: first });
    this.#options.share({ key, event: first });
    return this.find(key);
  }

  /** Takes up what another process has told; false when it is nothing new. */
  hear({ key, event }: NoteNews): boolean {
    const before = this.find(key);
    const after = applyEvent(before, event);
    if (after === before) return false;
    this.#set(key, after);
    return true;
  }

  async #write(key: string, event: NoteEvent): Promise<SessionNote | undefined> {
    const { clock, store, onProblem } = this.#options;
    const shared = store();
    if (shared === undefined || this.#writes >= MAX_WRITES) return undefined;
    let after: SessionNote | undefined;
    this.#writes++;
    try {
      await shared.update(noteKind, key, (value) => {
        const before = (value && fromStoredNote(value)) ?? blankNote;
        after = isMet(before, event) ? before : applyEvent(before, event);
        if (after === before) return undefined;
        return { value: toStoredNote(after), expiresAt: clock.now() + KEPT_MILLISECONDS };
      });
    } catch (error) {
      onProblem(error);
    }
    this.#writes--;
    return after;
  }

  #set(key: string, note: SessionNote): void {
    this.#drop(key);
    this.#notes.set(key, note);
    this.#text += sizeOfNote(note);
    if (note.successor !== undefined) this.#successors++;
    const limit = this.#options.limit();
    for (const oldest of this.#notes.keys()) {
      if (this.#notes.size <= limit && this.#text <= limit * AVERAGE_TEXT) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const note = this.#notes.get(key);
    if (note === undefined) return;
    this.#notes.delete(key);
    this.#text -= sizeOfNote(note);
    if (note.successor !== undefined) this.#successors--;
  }
}

/** Whether another process has written first that the same loss was met. */
function isMet({ generation, successor }: SessionNote, event: NoteEvent): boolean {
  return event.kind === 'revived' && successor !== undefined && generation >= event.generation;
}
