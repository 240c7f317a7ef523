import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyEvent,
  blankNote,
  fromStoredNote,
  maxSubscriptions,
  mergeNotes,
  toStoredNote,
  type NoteEvent,
  type SessionNote,
} from '../../src/sessions/session-note.ts';
import { SessionNotes, toNoteKey, type NoteNews } from '../../src/sessions/session-notes.ts';
import { createMemoryStore } from '../../src/state/store/memory-store.ts';
import type { Store } from '../../src/state/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const revived = fc.record({
  kind: fc.constant('revived' as const),
  generation: fc.integer({ min: 1, max: 4 }),
  successor: fc.constantFrom('s1', 's2', 's3'),
});
const uri = fc.constantFrom('a:1', 'a:2', 'a:3');
const event: fc.Arbitrary<NoteEvent> = fc.oneof(
  revived,
  fc.record({ kind: fc.constant('level' as const), level: fc.constantFrom('debug', 'error') }),
  fc.record({ kind: fc.constantFrom('subscribed' as const, 'unsubscribed' as const), uri }),
);
const note = fc.array(event, { maxLength: 8 }).map((events) => events.reduce(applyEvent, blankNote));

describe('a note of a session', () => {
  it('takes the same successor in whatever order it is told, and however often', () => {
    fc.assert(
      fc.property(fc.array(revived, { minLength: 1, maxLength: 6 }), fc.nat(), (events, turn) => {
        const at = turn % events.length;
        const turned = [...events.slice(at), ...events.slice(0, at), ...events];
        expect(turned.reduce(applyEvent, blankNote)).toEqual(events.reduce(applyEvent, blankNote));
      }),
    );
  });

  it('is merged to the same session whichever comes first, and nothing that either remembers is lost', () => {
    fc.assert(
      fc.property(note, note, (left, right) => {
        const merged = mergeNotes(left, right);
        const { generation, successor } = mergeNotes(right, left);
        expect(merged).toMatchObject({ generation, successor });
        expect(new Set(merged.subscriptions)).toEqual(
          new Set([...left.subscriptions, ...right.subscriptions]),
        );
        expect(mergeNotes(merged, right)).toEqual(merged);
      }),
    );
  });

  it('comes back from the store as it was', () => {
    fc.assert(
      fc.property(note, (each) => {
        const written = JSON.parse(JSON.stringify(toStoredNote(each))) as Record<string, unknown>;
        expect(fromStoredNote(written)).toEqual(each);
      }),
    );
    expect(fromStoredNote({ generation: '1' })).toBeUndefined();
  });

  it('holds at most a hundred subscriptions, and no long ones', () => {
    let full: SessionNote = blankNote;
    for (let index = 0; index < 300; index++)
      full = applyEvent(full, { kind: 'subscribed', uri: `a:${index}` });
    expect(full.subscriptions).toHaveLength(maxSubscriptions);
    const long = applyEvent(blankNote, { kind: 'subscribed', uri: 'x'.repeat(20_000) });
    expect(long.subscriptions).toEqual([]);
    expect(applyEvent(blankNote, { kind: 'level', level: 'x'.repeat(100) }).level).toBeUndefined();
  });

  it('says no more once the client has ended the session', () => {
    const ended = applyEvent(applyEvent(blankNote, { kind: 'level', level: 'debug' }), { kind: 'ended' });
    expect(applyEvent(ended, { kind: 'revived', generation: 9, successor: 's' })).toEqual(ended);
    expect(mergeNotes(applyEvent(blankNote, { kind: 'level', level: 'debug' }), ended)).toEqual(ended);
  });
});

function build(options: { readonly limit?: number; readonly store?: Pick<Store, 'get' | 'update'> } = {}) {
  const shared: NoteNews[] = [];
  const problems: unknown[] = [];
  const clock = new ManualClock();
  const notes = new SessionNotes({
    clock,
    limit: () => options.limit ?? 100,
    store: () => options.store,
    share: (news) => void shared.push(news),
    onProblem: (error) => void problems.push(error),
  });
  return { notes, shared, problems, clock };
}

describe('notes of sessions', () => {
  it('find the newest session under the name that the client knows', () => {
    const { notes } = build();
    expect(notes.successorOf('id')).toBeUndefined();
    notes.note(toNoteKey('id'), { kind: 'revived', generation: 1, successor: 'one' });
    notes.note(toNoteKey('id'), { kind: 'revived', generation: 2, successor: 'two' });
    expect(notes.successorOf('id')).toBe('two');
    expect(notes.successorOf('other')).toBeUndefined();
  });

  it('stay within their cap, the least recently used going first', () => {
    const { notes } = build({ limit: 10 });
    for (let index = 0; index < 1000; index++) {
      notes.note(toNoteKey(`${index}`), { kind: 'revived', generation: 1, successor: `s${index}` });
      notes.successorOf('0');
      expect(notes.size).toBeLessThanOrEqual(10);
    }
    expect(notes.successorOf('0')).toBe('s0');
    expect(notes.successorOf('999')).toBe('s999');
    expect(notes.successorOf('1')).toBeUndefined();
  });

  it('stay within a cap of text, too', () => {
    const { notes } = build({ limit: 100 });
    for (let index = 0; index < 100; index++)
      for (let line = 0; line < 7; line++)
        notes.note(`${index}`, { kind: 'subscribed', uri: `${line}${'x'.repeat(2000)}` });
    expect(notes.text).toBeLessThanOrEqual(100 * 1024);
    expect(notes.size).toBeGreaterThan(5);
  });

  it('are told to other processes once, and what is heard is not told on', () => {
    const one = build();
    const other = build();
    one.notes.note('k', { kind: 'level', level: 'debug' });
    for (const news of [...one.shared, ...one.shared]) other.notes.hear(news);
    expect(other.notes.find('k').level).toBe('debug');
    expect(other.shared).toEqual([]);
  });

  it('are found by a replica in the store, and the faster of two revivals prevails', async () => {
    const store = createMemoryStore({ clock: new ManualClock() });
    const one = build({ store });
    const other = build({ store });
    one.notes.note('k', { kind: 'subscribed', uri: 'a:1' });
    await expect(other.notes.look('k')).resolves.toMatchObject({ subscriptions: ['a:1'] });
    const [first, second] = await Promise.all([
      one.notes.revived('k', { kind: 'revived', generation: 1, successor: 'b' }),
      other.notes.revived('k', { kind: 'revived', generation: 1, successor: 'a' }),
    ]);
    // The first that was written: a call may have gone to it. The control: without a store the text decides.
    expect([first.successor, second.successor]).toEqual(['b', 'b']);
    await expect(other.notes.look('k')).resolves.toMatchObject({ successor: 'b', generation: 1 });
    const alone = applyEvent(applyEvent(blankNote, { kind: 'revived', generation: 1, successor: 'b' }), {
      kind: 'revived',
      generation: 1,
      successor: 'a',
    });
    expect(alone.successor).toBe('a');
  });

  it('go on without the store while that is away', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const { notes, problems } = build({ store: { get: away, update: away } });
    await expect(
      notes.revived('k', { kind: 'revived', generation: 1, successor: 's' }),
    ).resolves.toMatchObject({ successor: 's' });
    await expect(notes.look('k')).resolves.toMatchObject({ successor: 's' });
    expect(problems).toHaveLength(2);
  });
});
