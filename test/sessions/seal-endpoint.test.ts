import fc from 'fast-check';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSessionSeal, type OpenedSession, type SealKey } from '../../src/sessions/seal.ts';
import { openEndpoint, sealEndpoint, type MessageEndpoint } from '../../src/sessions/seal-endpoint.ts';

const key: SealKey = { id: 3, secret: createSecretKey(randomBytes(32)) };
const sessions = createSessionSeal({ keys: { current: key, find: (id) => (id === 3 ? key : undefined) } });
const upstream = 'http://127.0.0.1:8000/sse';
const unknown = { kind: 'unknown' };

function sealFor(principalId: string): (sessionId: string) => string | undefined {
  return (sessionId) => sessions.seal({ route: '/sse', upstream, sessionId, principalId });
}

function openFor(principalId: string): (text: string) => OpenedSession {
  return (text) => sessions.open(text, { route: '/sse', principalId });
}

function announce(principalId: string, endpoint: MessageEndpoint): string {
  return sealEndpoint(endpoint, sealFor(principalId)) ?? '';
}

const fastmcp = { path: '/messages/', query: '?session_id=4f1e0c' };
const typescript = { path: '/message', query: '?sessionId=4f1e0c' };

describe('an announced endpoint', () => {
  it.each([
    fastmcp,
    typescript,
    { path: '/messages', query: '?sid=1&x=%41%0d%0a&session_id=2&session_id=3' },
    { path: '/messages/4f1e0c', query: '' },
    { path: '/messages', query: '?' },
  ])('$path$query comes back as it was', (endpoint) => {
    const query = announce('key:alice', endpoint);
    expect(query).toMatch(/^\?session_id=[\w-]+$/);
    expect(query).not.toContain('4f1e0c');
    const opened = openEndpoint(query, openFor('key:alice'));
    expect(opened).toEqual({ kind: 'ok', target: endpoint.path + endpoint.query, upstream });
  });

  it.each([fastmcp, typescript, { path: '/messages/4f1e0c', query: '' }])(
    'session-hijack: $path$query is unknown to others, sealed or not',
    (endpoint) => {
      const query = announce('key:alice', endpoint);
      expect(openEndpoint(query, openFor('key:mallory'))).toEqual(unknown);
      expect(openEndpoint(endpoint.query, openFor('key:mallory'))).toEqual(unknown);
      expect(openEndpoint(endpoint.query, openFor('key:alice'))).toEqual(unknown);
    },
  );

  it('session-hijack: a session id opens no endpoint, even one that looks like a path', () => {
    for (const sessionId of ['4f1e0c', '/messages/?session_id=victim', '/']) {
      const sealed = sealFor('key:mallory')(sessionId);
      expect(openFor('key:mallory')(sealed ?? '')).toMatchObject({ kind: 'ok', sessionId });
      expect(openEndpoint(`?session_id=${sealed}`, openFor('key:mallory'))).toEqual(unknown);
    }
  });

  it('parameter-pollution: nothing stands beside the sealed id', () => {
    const query = announce('key:mallory', fastmcp);
    for (const more of [
      '&session_id=victim',
      '&session%5Fid=victim',
      '&sessionId=victim',
      '#x',
      '&',
      '%00',
      ';a=b',
    ]) {
      expect(openEndpoint(query + more, openFor('key:mallory'))).toEqual(unknown);
    }
    const before = `?session_id=victim&${query.slice(1)}`;
    for (const other of [before, query.replace('session_id', 'session%5fid'), query.slice(1), '', '?']) {
      expect(openEndpoint(other, openFor('key:mallory'))).toEqual(unknown);
    }
  });

  it('of any kind comes back, and no guess opens', () => {
    const path = fc.webPath().map((text) => `/${text}`);
    const query = fc.webQueryParameters().map((text) => (text === '' ? '' : `?${text}`));
    fc.assert(
      fc.property(path, query, fc.string(), (ownPath, ownQuery, guess) => {
        const endpoint = { path: ownPath, query: ownQuery };
        const opened = openEndpoint(announce('a', endpoint), openFor('a'));
        expect(opened).toEqual({ kind: 'ok', target: ownPath + ownQuery, upstream });
        expect(openEndpoint(`?session_id=${guess}`, openFor('a'))).toEqual(unknown);
      }),
    );
  });

  it('too long for a client is not sealed', () => {
    expect(sealEndpoint({ path: '/m', query: `?${'x'.repeat(9000)}` }, sealFor('a'))).toBeUndefined();
  });
});
