import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSessionSeal, maxInitializeParams, maxSealedLength } from '../../src/sessions/seal.ts';

const key = { id: 3, secret: createSecretKey(randomBytes(32)) };
const keys = { current: key, find: (id: number) => (id === key.id ? key : undefined) };
const seal = createSessionSeal({ keys });
const holder = { route: '/mcp', principalId: 'key:alice' };
const session = { ...holder, upstream: '0', sessionId: '7d0c5f2e' };
const params = JSON.stringify({ protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: '✓' } });

/** An id as the first release wrote it. */
function sealByHand(parts: readonly string[]): string {
  const head = Buffer.concat([Buffer.of(1, key.id), randomBytes(12)]);
  const cipher = createCipheriv('aes-256-gcm', key.secret, head.subarray(2), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(JSON.stringify(['session', 1, key.id, holder.route, holder.principalId])));
  const body = Buffer.concat([cipher.update(JSON.stringify(parts)), cipher.final()]);
  return Buffer.concat([head, body, cipher.getAuthTag()]).toString('base64url');
}

describe('what a session began with', () => {
  it('is in its id', () => {
    const id = seal.seal({ ...session, initializeParams: params }) ?? '';
    expect(seal.open(id, holder)).toEqual({
      kind: 'ok',
      upstream: '0',
      sessionId: '7d0c5f2e',
      initializeParams: params,
    });
  });

  it('is left out when it is long, and the session is good all the same', () => {
    const most = 'p'.repeat(maxInitializeParams);
    for (const [text, kept] of [
      [most, most],
      [`${most}p`, undefined],
    ] as const) {
      const id = seal.seal({ ...session, initializeParams: text }) ?? '';
      expect(seal.open(id, holder)).toMatchObject({ sessionId: '7d0c5f2e', initializeParams: kept });
    }
  });

  it('is left out when the id would be too long to be sent back with it', () => {
    const sessionId = 's'.repeat(5000);
    const id = seal.seal({ ...session, sessionId, initializeParams: 'p'.repeat(2000) }) ?? '';
    expect(id.length).toBeLessThanOrEqual(maxSealedLength);
    expect(seal.open(id, holder)).toMatchObject({ sessionId, initializeParams: undefined });
  });

  it('session-hijack: is opened for nobody else', () => {
    const id = seal.seal({ ...session, initializeParams: params }) ?? '';
    expect(seal.open(id, { ...holder, principalId: 'key:bob' })).toEqual({ kind: 'unknown' });
  });
});

describe('an id of an older layout', () => {
  it('still opens', () => {
    expect(seal.open(sealByHand(['0', '7d0c5f2e']), holder)).toEqual({
      kind: 'ok',
      upstream: '0',
      sessionId: '7d0c5f2e',
      initializeParams: undefined,
    });
  });
});
