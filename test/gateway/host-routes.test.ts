import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnnouncedPaths } from '../../src/gateway/announced-paths.ts';
import type { Destination } from '../../src/gateway/exchange.ts';
import { createRouteTable, type OwnPaths, type RouteTable } from '../../src/gateway/routes.ts';
import { parseAuthority } from '../../src/http/grammar.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { at, buildRoute, buildServers, noOwnPaths, toTestAccess } from '../support/routes.ts';

type Places = readonly (readonly [host: string | undefined, path: string])[];

/** A table whose routes lead to servers of their own: the first to port 8000, the second to 8001. */
function createTable(places: Places, own: OwnPaths = noOwnPaths): RouteTable {
  const clock = new ManualClock();
  return createRouteTable(
    places.map(([publicHost, path], index) =>
      buildRoute(8000 + index, {
        path,
        upstreamPath: path,
        ...(publicHost === undefined ? {} : { publicHost }),
      }),
    ),
    (config) => ({ servers: buildServers(config, clock), splits: [], access: toTestAccess(config.auth) }),
    { ...own, announced: new AnnouncedPaths() },
  );
}

function idAt(table: RouteTable, authority: string, path = '/mcp'): string | undefined {
  const found: Destination = table.find(at(path, authority));
  return found.kind === 'mcp' ? found.route.id : undefined;
}

describe('a path with several hosts', () => {
  const table = createTable([
    ['a.example.com', '/mcp'],
    ['*.example.com', '/mcp'],
    ['2001:db8::7', '/mcp'],
    ['192.0.2.7', '/mcp'],
    ['b.example.com', '/b'],
    [undefined, '/mcp'],
    [undefined, '/x'],
  ]);

  it.each([
    ['a.example.com', 'a.example.com/mcp'],
    ['a.example.com:8443', 'a.example.com/mcp'],
    ['a.example.com:1', 'a.example.com/mcp'],
    ['b.example.com', '*.example.com/mcp'],
    ['a_b.example.com:443', '*.example.com/mcp'],
    ['[2001:db8::7]', '[2001:db8::7]/mcp'],
    ['[2001:db8::7]:8443', '[2001:db8::7]/mcp'],
    ['192.0.2.7:80', '192.0.2.7/mcp'],
    ['localhost', '/mcp'],
    ['example.com', '/mcp'],
    // What is spelled otherwise is another host; whether it is served at all is for the guard to say.
    ['a.example.com.', '/mcp'],
    ['a.a.example.com', '/mcp'],
    ['.example.com', '/mcp'],
    ['*.example.com', '/mcp'],
    ['a.example.com.evil.test', '/mcp'],
    ['xa.example.comx', '/mcp'],
    ['[2001:db8:0::7]', '/mcp'],
    ['2001:db8::7', '/mcp'],
    ['192.0.2.07', '/mcp'],
    ['__proto__', '/mcp'],
    ['constructor', '/mcp'],
  ])('%s leads to %s', (authority, id) => {
    expect(idAt(table, authority)).toBe(id);
    // The same again: what was found is remembered.
    expect(idAt(table, authority)).toBe(id);
    expect(idAt(table, authority, '/mcp/')).toBe(id);
  });

  it('leaves other paths to the routes of any host, and to nobody where there are none', () => {
    expect(idAt(table, 'a.example.com', '/x')).toBe('/x');
    expect(idAt(table, 'b.example.com', '/b')).toBe('b.example.com/b');
    for (const authority of ['a.example.com', 'localhost'])
      expect(table.find(at('/b', authority))).toEqual({ kind: 'unknown' });
    expect(table.find(at('/healthz', 'a.example.com'))).toEqual({ kind: 'health' });
    expect(table.find(at('a.example.com/mcp', 'localhost'))).toEqual({ kind: 'unknown' });
    expect(table.find(at('a.example.com/mcp', 'a.example.com'))).toEqual({ kind: 'unknown' });
  });

  it('is found among many authorities, which are not all remembered', () => {
    for (let port = 1; port < 500; port++)
      expect(idAt(table, `a.example.com:${port}`)).toBe('a.example.com/mcp');
  });

  it('control: without routes for hosts no host counts', () => {
    const plain = createTable([[undefined, '/mcp']]);
    for (const authority of ['a.example.com', 'localhost', '']) expect(idAt(plain, authority)).toBe('/mcp');
  });
});

describe('host-spelling: a route that is for one host', () => {
  const table = createTable([
    ['a.example.com', '/mcp'],
    [undefined, '/mcp'],
  ]);
  const piece = fc.constantFrom(
    'a',
    'A',
    '.',
    '..',
    'example',
    'com',
    'a.example.com',
    '%61',
    '%2e',
    ':',
    ':8443',
    ':0',
    '-',
    '_',
    '@',
    '/',
    '\\',
    '[',
    ']',
    '::1',
    'xn--',
    'ａ',
    'а',
    ' ',
    '\t',
    '\0',
    ',',
    '#',
    '?',
    '*',
  );

  it('is found by that host alone, whatever stands in Host or :authority', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.boolean(), (pieces, isWhole) => {
        // As the grammar of both protocols hands it on, or not at all.
        const authority = parseAuthority(isWhole ? `a.example.com${pieces.join('')}` : pieces.join(''));
        if (authority === undefined) return;
        const isIts = /^a\.example\.com(?::\d+)?$/.test(authority);
        found += Number(isIts);
        expect(idAt(table, authority)).toBe(isIts ? 'a.example.com/mcp' : '/mcp');
      }),
      { numRuns: 5000 },
    );
    // The control: it is found at all.
    expect(found).toBeGreaterThan(0);
  });
});

describe('the metadata of resources with hosts', () => {
  const well = '/.well-known/oauth-protected-resource';
  const table = createTable(
    [
      ['a.example.com', '/mcp'],
      ['b.example.com', '/mcp'],
      [undefined, '/mcp'],
      [undefined, '/x'],
    ],
    {
      documents: new Map([
        [`a.example.com${well}/mcp`, 'a'],
        [`a.example.com${well}`, 'a'],
        [`${well}/mcp`, 'any'],
        [`${well}/x`, 'x'],
        [well, 'any'],
      ]),
      login: ['/.well-known/oauth-authorization-server', '/oauth/'],
    },
  );
  const documentAt = (authority: string, path: string): string | undefined => {
    const found = table.find(at(path, authority));
    return found.kind === 'resource-metadata' ? found.document : undefined;
  };

  it('are those of the host, and at no other', () => {
    expect(documentAt('a.example.com', `${well}/mcp`)).toBe('a');
    expect(documentAt('a.example.com:8443', well)).toBe('a');
    expect(documentAt('c.example.com', `${well}/mcp`)).toBe('any');
    expect(documentAt('c.example.com', well)).toBe('any');
    expect(documentAt('a.example.com', `${well}/x`)).toBe('x');
    expect(table.find(at('/oauth/token', 'a.example.com'))).toEqual({ kind: 'login' });
  });

  it('mixed-up-resource: a route that takes no tokens is not described by the metadata of another', () => {
    for (const path of [`${well}/mcp`, `${well}/mcp/`, well])
      expect(documentAt('b.example.com', path), path).toBeUndefined();
  });
});

describe('an announced path of a route with a host', () => {
  const publicAuthority = 'a.example.com';
  const build = (): RouteTable =>
    createTable(
      [
        ['a.example.com', '/sse'],
        ['b.example.com', '/sse'],
        ['*.example.com', '/wild'],
        [undefined, '/any'],
      ],
      { documents: new Map(), login: ['/oauth/'] },
    );

  it('is opened at its host alone, each with its own', () => {
    const table = build();
    const [a, b] = table.routes;
    if (a === undefined || b === undefined) throw new Error('several routes');
    expect(
      table.announce({ route: a, server: a.servers.first, uri: '/messages/?s=1', publicAuthority }),
    ).toMatchObject({
      path: '/messages/',
    });
    expect(idAt(table, 'a.example.com', '/messages/')).toBe('a.example.com/sse');
    expect(idAt(table, 'b.example.com', '/messages/')).toBeUndefined();
    table.announce({
      route: b,
      server: b.servers.first,
      uri: '/messages/?s=2',
      publicAuthority: 'b.example.com',
    });
    expect(idAt(table, 'a.example.com', '/messages/')).toBe('a.example.com/sse');
    expect(idAt(table, 'b.example.com', '/messages/')).toBe('b.example.com/sse');
    expect(idAt(table, 'localhost', '/messages/')).toBeUndefined();
  });

  it('path-takeover: comes behind all that is configured, for its host, its wildcard or any', () => {
    const table = build();
    const [a] = table.routes;
    if (a === undefined) throw new Error('several routes');
    for (const uri of ['/wild', '/any', '/oauth/token', '/healthz', '/sse'])
      table.announce({ route: a, server: a.servers.first, uri, publicAuthority });
    expect(idAt(table, 'a.example.com', '/wild')).toBe('*.example.com/wild');
    expect(idAt(table, 'a.example.com', '/any')).toBe('/any');
    expect(table.find(at('/oauth/token', 'a.example.com'))).toEqual({ kind: 'login' });
    expect(table.find(at('/healthz', 'a.example.com'))).toEqual({ kind: 'health' });
    expect(table.find(at('/sse', 'a.example.com'))).toMatchObject({ transport: 'streamable-http' });
    // The control: what is nobody's is opened.
    table.announce({ route: a, server: a.servers.first, uri: '/free', publicAuthority });
    expect(idAt(table, 'a.example.com', '/free')).toBe('a.example.com/sse');
  });
});
