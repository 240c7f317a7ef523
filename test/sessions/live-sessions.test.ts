import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveSessions } from '../../src/sessions/live-sessions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;

function build(limit = 4, idleTimeout = 30 * minute) {
  const clock = new ManualClock();
  const ended: string[] = [];
  const sessions = new LiveSessions<string>({
    clock,
    limit: () => limit,
    idleTimeout: () => idleTimeout,
    onOrphan: (key, place) => void ended.push(`${key} ${place}`),
  });
  return { clock, ended, sessions };
}

describe('sessions that are live', () => {
  it('are ended when they were not used for long, and not before', () => {
    const { clock, ended, sessions } = build();
    sessions.enter('a', () => 'A');
    sessions.leave('a');
    clock.advance(30 * minute - 1);
    sessions.sweep();
    expect(ended).toEqual([]);
    clock.advance(1);
    sessions.sweep();
    expect(ended).toEqual(['a A']);
    expect(sessions.size).toBe(0);
  });

  it('are in use as long as something of them is open', () => {
    const { clock, ended, sessions } = build();
    sessions.enter('a', () => 'A');
    clock.advance(90 * minute);
    sessions.sweep();
    sessions.leave('a');
    clock.advance(29 * minute);
    sessions.sweep();
    expect(ended).toEqual([]);
    clock.advance(minute);
    sessions.sweep();
    expect(ended).toEqual(['a A']);
  });

  it('are ended within a minute when nothing came after their initialize', () => {
    const { clock, ended, sessions } = build();
    sessions.begin('a', 'A');
    sessions.begin('b', 'B');
    sessions.enter('b', () => 'B');
    sessions.leave('b');
    clock.advance(minute);
    sessions.sweep();
    expect(ended).toEqual(['a A']);
  });

  it('make room for new ones: those that nothing came of go first, then those not used for long', () => {
    const { clock, ended, sessions } = build(4);
    for (const key of ['a', 'b', 'c']) {
      sessions.enter(key, () => '');
      sessions.leave(key);
    }
    sessions.begin('fresh', '');
    clock.advance(1000);
    sessions.enter('a', () => '');
    sessions.leave('a');
    sessions.begin('d', '');
    expect(ended).toEqual(['fresh ']);
    sessions.enter('d', () => '');
    sessions.leave('d');
    sessions.begin('e', '');
    expect(ended.at(-1)).toBe('b ');
    sessions.begin('f', '');
    expect(ended.at(-1)).toBe('e ');
  });

  it('leave no room when all are in use', () => {
    const { ended, sessions } = build(2);
    sessions.enter('a', () => '');
    sessions.enter('b', () => '');
    expect(sessions.isFull).toBe(true);
    expect(sessions.begin('c', '')).toBe(false);
    expect(sessions.enter('d', () => '')).toBeUndefined();
    sessions.leave('a');
    expect(sessions.isFull).toBe(false);
    expect(sessions.begin('c', '')).toBe(true);
    expect(ended).toEqual(['a ']);
  });

  it('are left alone when another process uses them', () => {
    const { clock, ended, sessions } = build(2);
    sessions.begin('a', '');
    clock.advance(50_000);
    sessions.hearUsed(['a', 'unknown']);
    clock.advance(29 * minute);
    sessions.sweep();
    expect(ended).toEqual([]);
    sessions.hearUsed(['a']);
    sessions.begin('b', '');
    sessions.enter('b', () => '');
    sessions.enter('c', () => '');
    // It gave way to the new one, but was not ended.
    expect(sessions.size).toBe(2);
    expect(ended).toEqual([]);
  });

  it('tell which were used here, and nothing of what was used elsewhere alone', () => {
    const { clock, sessions } = build();
    clock.advance(1000);
    sessions.enter('a', () => '');
    sessions.enter('b', () => '');
    sessions.leave('b');
    sessions.begin('fresh', '');
    sessions.begin('c', '');
    sessions.hearUsed(['c']);
    expect([...sessions.usedSince(1000)]).toEqual(['a', 'b']);
    clock.advance(1000);
    expect([...sessions.usedSince(2000)]).toEqual(['a']);
  });

  it('are forgotten without another word when their client has ended them', () => {
    const { clock, ended, sessions } = build();
    sessions.enter('a', () => '');
    sessions.forget('a');
    sessions.leave('a');
    clock.advance(90 * minute);
    sessions.sweep();
    expect(ended).toEqual([]);
    expect(sessions.size).toBe(0);
  });

  it('never exceed the cap, never end what is in use, and lose nobody, whatever happens', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('begin', 'enter', 'leave', 'forget', 'heard'), key }),
      fc.record({ do: fc.constant('wait'), key: fc.constant('') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limit = 3;
        const clock = new ManualClock();
        const open = new Map<string, number>();
        const held = new Set<string>();
        const sessions = new LiveSessions<string>({
          clock,
          limit: () => limit,
          idleTimeout: () => 10 * minute,
          onOrphan(orphan) {
            expect(open.get(orphan) ?? 0).toBe(0);
            expect(held.delete(orphan)).toBe(true);
          },
        });
        for (const each of steps) {
          switch (each.do) {
            case 'begin':
              if (sessions.begin(each.key, '')) held.add(each.key);
              break;
            case 'enter':
              if (sessions.enter(each.key, () => '') === undefined) break;
              held.add(each.key);
              open.set(each.key, (open.get(each.key) ?? 0) + 1);
              break;
            case 'leave':
              sessions.leave(each.key);
              open.set(each.key, Math.max(0, (open.get(each.key) ?? 0) - 1));
              break;
            case 'forget':
              sessions.forget(each.key);
              held.delete(each.key);
              open.delete(each.key);
              break;
            case 'heard':
              sessions.hearUsed([each.key]);
              break;
            case 'wait':
              clock.advance(6 * minute);
              sessions.sweep();
          }
          expect(sessions.size).toBeLessThanOrEqual(limit);
          const busy = [...open.values()].filter((count) => count > 0).length;
          expect(sessions.isFull).toBe(sessions.size === limit && busy === limit);
          // Those that gave way to others while in use elsewhere are no longer held, and not ended.
          expect(sessions.size).toBeLessThanOrEqual(held.size);
        }
      }),
    );
  });
});
