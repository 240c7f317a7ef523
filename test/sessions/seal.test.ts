import fc from 'fast-check';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createSessionSeal,
  maxSealedLength,
  type NewSession,
  type SealKey,
  type SealKeyring,
} from '../../src/sessions/seal.ts';

function createKey(id: number): SealKey {
  return { id, secret: createSecretKey(randomBytes(32)) };
}

function toKeyring(current: SealKey, ...older: readonly SealKey[]): SealKeyring {
  return { current, find: (id) => [current, ...older].find((key) => key.id === id) };
}

const session: NewSession = {
  route: '/mcp',
  upstream: 'http://127.0.0.1:8000/mcp',
  sessionId: '7d0c5f2e9a3b4c1d8e6f0a1b2c3d4e5f',
  principalId: 'token:https://idp.example.com alice cli',
};
const key = createKey(7);
const seal = createSessionSeal({ keys: toKeyring(key) });
const unknown = { kind: 'unknown' };

function sealed(values: Partial<NewSession> = {}): string {
  const text = seal.seal({ ...session, ...values });
  if (text === undefined) throw new Error('too long');
  return text;
}

describe('a sealed session id', () => {
  it('is visible ASCII, new each time, and says nothing', () => {
    const texts = new Set(Array.from({ length: 50 }, () => sealed()));
    expect(texts.size).toBe(50);
    for (const text of texts) {
      expect(text).toMatch(/^[\w-]+$/);
      const bytes = Buffer.from(text, 'base64url').toString('latin1');
      for (const part of [session.sessionId, 'alice', '127.0.0.1']) expect(bytes).not.toContain(part);
    }
  });

  it('opens for its principal on its route, in every process that has the key', () => {
    const other = createSessionSeal({ keys: toKeyring(key) });
    expect(other.open(sealed(), session)).toEqual({
      kind: 'ok',
      sessionId: session.sessionId,
      upstream: session.upstream,
      initializeParams: undefined,
    });
  });

  it('is whatever the upstream chose, whoever called, byte for byte', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const principalId = fc.option(text, { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ route: text, upstream: text, sessionId: text, principalId }),
        principalId,
        (values, stranger) => {
          const id = sealed(values);
          const { upstream, sessionId } = values;
          expect(seal.open(id, values)).toEqual({
            kind: 'ok',
            sessionId,
            upstream,
            initializeParams: undefined,
          });
          const opened = seal.open(id, { ...values, principalId: stranger });
          expect(opened.kind).toBe(stranger === values.principalId ? 'ok' : 'unknown');
        },
      ),
    );
  });

  it.each([
    ['another user', { principalId: 'token:https://idp.example.com mallory cli' }],
    ['the same user by another client', { principalId: 'token:https://idp.example.com alice other' }],
    ['nobody', { principalId: undefined }],
    ['a user named like nobody', { principalId: 'anonymous' }],
    ['another route', { route: '/other' }],
    ['route and principal cut elsewhere', { route: '/mcp","x', principalId: '' }],
  ])('session-hijack: is unknown to %s', (_who, values) => {
    expect(seal.open(sealed(), { ...session, ...values })).toEqual(unknown);
    // The control: an id of their own is not.
    expect(seal.open(sealed(values), { ...session, ...values })).toMatchObject({ kind: 'ok' });
  });

  it('of a route without authentication belongs to everyone there, and to nobody who logged in', () => {
    const text = sealed({ principalId: undefined });
    expect(seal.open(text, { route: '/mcp', principalId: undefined })).toMatchObject({ kind: 'ok' });
    for (const principalId of ['', 'null', 'undefined', 'anonymous', 'key:ci']) {
      expect(seal.open(text, { route: '/mcp', principalId })).toEqual(unknown);
    }
  });
});

describe('tampering', () => {
  const text = sealed();
  const bytes = Buffer.from(text, 'base64url');

  it('with any bit of any byte is found', () => {
    for (let index = 0; index < bytes.length; index++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        expect(seal.open(changed.toString('base64url'), session), `byte ${index} bit ${bit}`).toEqual(
          unknown,
        );
      }
    }
    expect(seal.open(text, session)).toMatchObject({ kind: 'ok' });
  });

  it('base64-malleability: no other spelling of an id is accepted', () => {
    const last = text.at(-1) ?? '';
    const spellings = [
      `${text}=`,
      `${text}==`,
      ` ${text}`,
      `${text} `,
      `${text}\n`,
      `${text}!`,
      ...Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
        .filter((character) => character !== last)
        .map((character) => text.slice(0, -1) + character),
    ];
    // Ids whose bytes hold the two characters that both alphabets write differently.
    const twofold = Array.from({ length: 20 }, () => sealed()).flatMap((id) => {
      const other = id.replaceAll('-', '+').replaceAll('_', '/');
      return other === id ? [] : [other];
    });
    expect(twofold.length).toBeGreaterThan(5);
    for (const spelling of [...spellings, ...twofold]) expect(seal.open(spelling, session)).toEqual(unknown);
  });

  it('by cutting, joining or lengthening is found', () => {
    for (let length = 0; length < text.length; length++) {
      expect(seal.open(text.slice(0, length), session)).toEqual(unknown);
      expect(seal.open(text.slice(text.length - length), session)).toEqual(unknown);
    }
    const other = Buffer.from(sealed(), 'base64url');
    for (let cut = 1; cut < bytes.length; cut++) {
      const mixed = Buffer.concat([bytes.subarray(0, cut), other.subarray(cut)]);
      if (mixed.equals(bytes) || mixed.equals(other)) continue;
      expect(seal.open(mixed.toString('base64url'), session)).toEqual(unknown);
    }
    expect(seal.open(text + sealed(), session)).toEqual(unknown);
  });

  it('with strings of any kind never throws', () => {
    const guesses = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((found) => Buffer.from([1, 7, ...found]).toString('base64url')),
    );
    fc.assert(
      fc.property(guesses, (guess) => {
        expect(seal.open(guess, session)).toEqual(unknown);
      }),
    );
  });

  it('ids longer than the cap are neither made nor looked at', () => {
    expect(seal.seal({ ...session, sessionId: 'x'.repeat(maxSealedLength) })).toBeUndefined();
    let looks = 0;
    const find = (): undefined => void looks++;
    const counting = createSessionSeal({ keys: { current: key, find } });
    expect(counting.open('A'.repeat(maxSealedLength + 4), session)).toEqual(unknown);
    expect(looks).toBe(0);
    expect(counting.open('A'.repeat(maxSealedLength), session)).toEqual(unknown);
    expect(looks).toBe(1);
    const longest = sealed({ sessionId: 'x'.repeat(6000) });
    expect(longest.length).toBeLessThanOrEqual(maxSealedLength);
    expect(seal.open(longest, session)).toMatchObject({ kind: 'ok' });
  });
});

describe('keys', () => {
  it('that are older still open, and the new one seals', () => {
    const old = sealed();
    const next = createKey(8);
    const rotated = createSessionSeal({ keys: toKeyring(next, key) });
    expect(rotated.open(old, session)).toMatchObject({ kind: 'ok' });
    const fresh = rotated.seal(session) ?? '';
    expect(Buffer.from(fresh, 'base64url')[1]).toBe(8);
    expect(seal.open(fresh, session)).toEqual(unknown);
  });

  it('that are gone, or are another gateway’s, open nothing', () => {
    for (const foreign of [createKey(8), createKey(7)]) {
      expect(createSessionSeal({ keys: toKeyring(foreign) }).open(sealed(), session)).toEqual(unknown);
    }
  });
});
