import fc from 'fast-check';
import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSessionSeal, type OpenedSession, type SealKey } from '../../src/sessions/seal.ts';
import {
  openEndpoint,
  sealEndpoint,
  type MessageEndpoint,
  type OpenedEndpoint,
} from '../../src/sessions/seal-endpoint.ts';

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

function openAt(request: MessageEndpoint, open: (text: string) => OpenedSession): OpenedEndpoint {
  return openEndpoint({ query: request.query, isItsPath: (path) => path === request.path }, open);
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
    const opened = openAt({ path: endpoint.path, query }, openFor('key:alice'));
    expect(opened).toEqual({ kind: 'ok', ...endpoint, upstream });
  });

  it.each([fastmcp, typescript, { path: '/messages/4f1e0c', query: '' }])(
    'session-hijack: $path$query is unknown to others, sealed or not',
    (endpoint) => {
      const query = announce('key:alice', endpoint);
      expect(openAt({ path: endpoint.path, query }, openFor('key:mallory'))).toEqual(unknown);
      expect(openAt(endpoint, openFor('key:mallory'))).toEqual(unknown);
      expect(openAt(endpoint, openFor('key:alice'))).toEqual(unknown);
    },
  );

  it('session-hijack: the session of one path is none on the path of another', () => {
    const query = announce('key:mallory', { path: '/messages/mallory', query: '' });
    for (const path of [
      '/messages/alice',
      '/messages/charlie',
      '/messages',
      '/messages/',
      '/messages/mallor',
      '',
    ]) {
      expect(openAt({ path, query }, openFor('key:mallory'))).toEqual(unknown);
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
      expect(openAt({ path: fastmcp.path, query: query + more }, openFor('key:mallory'))).toEqual(unknown);
    }
    const before = `?session_id=victim&${query.slice(1)}`;
    for (const other of [before, query.replace('session_id', 'session%5fid'), query.slice(1), '', '?']) {
      expect(openAt({ path: fastmcp.path, query: other }, openFor('key:mallory'))).toEqual(unknown);
    }
  });

  it('of any kind comes back, and no guess opens', () => {
    const path = fc.webPath().map((text) => `/${text}`);
    const query = fc.webQueryParameters().map((text) => (text === '' ? '' : `?${text}`));
    fc.assert(
      fc.property(path, query, fc.string(), (ownPath, ownQuery, guess) => {
        const endpoint = { path: ownPath, query: ownQuery };
        const opened = openAt({ path: ownPath, query: announce('a', endpoint) }, openFor('a'));
        expect(opened).toEqual({ kind: 'ok', path: ownPath, query: ownQuery, upstream });
        expect(openAt({ path: ownPath, query: `?session_id=${guess}` }, openFor('a'))).toEqual(unknown);
      }),
    );
  });

  it('too long for a client is not sealed', () => {
    expect(sealEndpoint({ path: '/m', query: `?${'x'.repeat(9000)}` }, sealFor('a'))).toBeUndefined();
  });
});
