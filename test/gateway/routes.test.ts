import { describe, expect, it } from 'vitest';
import { AnnouncedPaths } from '../../src/gateway/announced-paths.ts';
import { createRouteTable, toPublicPath, type OwnPaths, type RouteTable } from '../../src/gateway/routes.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { at, buildRoute, buildServers, noOwnPaths, toTestAccess } from '../support/routes.ts';

type Paths = readonly (readonly [path: string, upstreamPath: string])[];

function createTable(...paths: Paths): RouteTable {
  return createTableWith(paths, noOwnPaths);
}

function createTableWith(paths: Paths, own: OwnPaths): RouteTable {
  const clock = new ManualClock();
  return createRouteTable(
    paths.map(([path, upstreamPath]) => buildRoute(8000, { path, upstreamPath })),
    (route) => ({ servers: buildServers(route, clock), splits: [], access: toTestAccess(route.auth) }),
    { ...own, announced: new AnnouncedPaths() },
  );
}

describe('the paths of a route', () => {
  it('are itself with and without one slash at the end', () => {
    const table = createTable(['/mcp', '/x'], ['/', '/root']);
    expect(table.find(at('/mcp'))).toMatchObject({
      kind: 'mcp',
      upstreamPath: undefined,
      route: { servers: { first: { path: '/x' } } },
      transport: 'streamable-http',
    });
    expect(table.find(at('/mcp/'))).toBe(table.find(at('/mcp')));
    expect(table.find(at('/'))).toMatchObject({
      kind: 'mcp',
      route: { servers: { first: { path: '/root' } } },
    });
    expect(table.find(at('/healthz'))).toEqual({ kind: 'health' });
    expect(table.find(at('/readyz'))).toEqual({ kind: 'readiness' });
    for (const path of [
      '//',
      '/mcp//',
      '/mcp/x',
      '/Mcp',
      '',
      'mcp',
      '/root',
      '/x',
      '/constructor',
      '__proto__',
    ]) {
      expect(table.find(at(path))).toEqual({ kind: 'unknown' });
    }
  });
});

describe('a path of the upstream in public', () => {
  it.each([
    ['/mcp', '/mcp', '/mcp', '/mcp'],
    ['/mcp', '/mcp', '/mcp/', '/mcp'],
    ['/mcp', '/mcp', '/messages/', '/messages/'],
    ['/a/mcp', '/mcp', '/messages', '/a/messages'],
    ['/mcp', '/app/mcp', '/app/messages', '/messages'],
    ['/mcp', '/app/mcp', '/other', '/other'],
    ['/mcp', '/app/mcp', '/application', '/application'],
    ['/public', '/private', '/private', '/public'],
    ['/public', '/private', '/messages', '/public/messages'],
    ['/', '/mcp', '/messages', '/messages'],
    ['/', '/mcp', '/mcp', '/'],
    ['/mcp', '/', '/', '/mcp'],
  ])('of %s before %s: %s is %s', (path, upstreamPath, theirs, ours) => {
    expect(toPublicPath(path, upstreamPath, theirs)).toBe(ours);
  });
});

const publicAuthority = 'mcp.example.com:8443';

describe('the own paths of the gateway', () => {
  const document = '{"resource":"https://mcp.example.com/mcp"}';
  const build = (): RouteTable =>
    createTableWith([['/mcp', '/mcp']], {
      documents: new Map([['/.well-known/oauth-protected-resource/mcp', document]]),
      login: ['/.well-known/oauth-authorization-server', '/oauth/'],
    });

  it('are metadata by their exact text, and the authorization server below its prefix', () => {
    const table = build();
    expect(table.find(at('/.well-known/oauth-protected-resource/mcp'))).toEqual({
      kind: 'resource-metadata',
      document,
    });
    expect(table.find(at('/.well-known/oauth-authorization-server'))).toEqual({ kind: 'login' });
    expect(table.find(at('/oauth/token'))).toEqual({ kind: 'login' });
    for (const path of [
      '/oauth',
      '/OAUTH/token',
      '/x/oauth/token',
      '/.well-known/oauth-authorization-server/x',
    ])
      expect(table.find(at(path)), path).toEqual({ kind: 'unknown' });
  });

  it('path-takeover: are never opened by an announcement', () => {
    const table = build();
    const [route] = table.routes;
    if (route === undefined) throw new Error('one route');
    for (const uri of ['/oauth/token', '/.well-known/oauth-protected-resource/mcp'])
      table.announce({ route, server: route.servers.first, uri, publicAuthority });
    expect(table.find(at('/oauth/token'))).toEqual({ kind: 'login' });
    expect(table.find(at('/.well-known/oauth-protected-resource/mcp'))).toMatchObject({
      kind: 'resource-metadata',
    });
  });
});

describe('an announced path', () => {
  it('is opened for its route, without its query', () => {
    const table = createTable(['/sse', '/sse'], ['/other', '/other']);
    const [route] = table.routes;
    if (route === undefined) throw new Error('two routes');
    expect(
      table.announce({ route, server: route.servers.first, uri: '/messages/?s=1', publicAuthority }),
    ).toEqual({
      path: '/messages/',
      upstreamPath: '/messages/',
      query: '?s=1',
    });
    expect(table.find(at('/messages/'))).toEqual({
      kind: 'mcp',
      route,
      upstreamPath: '/messages/',
      transport: 'http-sse',
    });
    expect(table.find(at('/messages'))).toEqual({ kind: 'unknown' });
  });

  it.each([
    'https://mcp.example.com:8443/messages/?s=1',
    'https://127.0.0.1:8000/messages/?s=1',
    'messages/?s=1',
  ])('may be written as %s', (uri) => {
    const table = createTable(['/sse', '/sse']);
    const [route] = table.routes;
    if (route === undefined) throw new Error('one route');
    expect(table.announce({ route, server: route.servers.first, uri, publicAuthority })).toEqual({
      path: '/messages/',
      upstreamPath: '/messages/',
      query: '?s=1',
    });
  });

  it('path-takeover: never replaces a path that is configured', () => {
    const table = createTable(['/sse', '/sse'], ['/admin', '/secret']);
    const [route] = table.routes;
    if (route === undefined) throw new Error('two routes');
    const before = table.find(at('/admin'));
    for (const path of ['/admin', '/admin/', '/healthz', '/readyz', '/sse'])
      table.announce({ route, server: route.servers.first, uri: path, publicAuthority });
    expect(table.find(at('/admin'))).toBe(before);
    expect(table.find(at('/admin/'))).toBe(before);
    expect(table.find(at('/healthz'))).toEqual({ kind: 'health' });
  });

  it.each([
    'https://elsewhere.example/x',
    '//elsewhere.example/x',
    'https://mcp.example.com/x',
    'http://127.0.0.1:8001/x',
    'http://[',
    'javascript:x',
  ])("%s is somebody else's and stays as it is", (uri) => {
    const table = createTable(['/sse', '/sse']);
    const [route] = table.routes;
    if (route === undefined) throw new Error('one route');
    expect(table.announce({ route, server: route.servers.first, uri, publicAuthority })).toBeUndefined();
    expect(table.find(at('/x'))).toEqual({ kind: 'unknown' });
  });
});
