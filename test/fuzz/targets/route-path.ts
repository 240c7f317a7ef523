import { ManualClock } from '../../support/manual-clock.ts';
import { lockWithKey } from '../../support/keys.ts';
import { AnnouncedPaths } from '../../../src/gateway/announced-paths.ts';
import { at, buildRoute, buildServers, noOwnPaths, toTestAccess } from '../../support/routes.ts';
import type { Destination } from '../../../src/gateway/exchange.ts';
import { createRouteTable, type RouteTable } from '../../../src/gateway/routes.ts';
import { parseRequestHead } from '../../../src/http/request-head.ts';
import type { Random } from '../random.ts';
import { readPathInAllWays } from '../reference/path-readings.ts';
import { hold, type FuzzTarget } from '../target.ts';

const limits = { fields: 10, urlBytes: 4096 };
const openPath = '/mcp';
const lockedPath = '/admin/tools';
const publicAuthority = 'mcp.example.com';

/** A target, and an URI that the open route's upstream announces, if any. */
const separator = '\n';

/**
 * The look-up of paths, with an open and a locked route: a path goes to a route only when it is that route's own
 * text, so that whatever an origin could read as the locked path needs the key; no announcement changes that.
 */
export function createRoutePathTarget(create: () => RouteTable = createTable): FuzzTarget {
  return {
    name: 'route-path',
    seeds: [
      '/mcp',
      '/admin/tools',
      '/mcp/../admin/tools',
      '/%61dmin/tools',
      '/mcp\n/admin/tools',
      '/mcp?x=1\nhttp://127.0.0.1:8000/messages/?s=1',
    ],
    tokens: [
      '/',
      '//',
      '..',
      '.',
      '/..',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      '\\',
      ';',
      ';x=1',
      '%00',
      '%25',
      '%252e',
      '%c0%ae',
      '%u002f',
      '?',
      '#',
      'mcp',
      'admin',
      'tools',
      'ADMIN',
      'healthz',
      'readyz',
      '%61',
      '\n',
      'http://127.0.0.1:8000',
      '//evil',
      ' ',
      '\t',
      '%ef%bc%8f',
      '*',
      'https://mcp.example.com',
      '__proto__',
    ],
    generate: (random) => buildPath(random) + (random.oneIn(3) ? `${separator}${buildPath(random)}` : ''),
    maxBytes: 200,
    check(input) {
      const [target = '', ...uris] = input.toString('latin1').split(separator);
      const table = create();
      const [open] = table.routes;
      if (open === undefined) throw new Error('the table has two routes');
      const before = table.find(at(lockedPath));
      // The reader of the event never hands over a line end or NUL.
      for (const uri of uris.filter((text) => !/[\r\0]/.test(text))) {
        const announced = table.announce({ route: open, server: open.servers.first, uri, publicAuthority });
        const text = announced === undefined ? '' : announced.path + announced.query;
        hold(!/[\r\n]/.test(text), 'an announced URI stays on its line', () => announced);
      }
      hold(table.find(at(lockedPath)) === before, 'an announcement takes no configured path', () => uris);
      const head = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 'latin1');
      const end = head.indexOf('\r\n\r\n') + 4;
      const parsed = parseRequestHead(head, 0, end, limits);
      if (!parsed.ok || end !== head.length) return 'refused';
      return checkDestination(parsed.value.path, table.find(at(parsed.value.path)));
    },
  };
}

function checkDestination(path: string, destination: Destination): string {
  const show = (): unknown => ({ path, kind: destination.kind });
  if (destination.kind !== 'mcp') {
    const isConfigured = [openPath, lockedPath].some((own) => path === own || path === `${own}/`);
    hold(!isConfigured, 'each route is found by its own text', show);
    return destination.kind;
  }
  const { route, upstreamPath, transport } = destination;
  if (transport === 'streamable-http') {
    hold(path === route.path || path === `${route.path}/`, 'a route is found by no other text', show);
    hold(upstreamPath === undefined, 'the upstream is asked for its configured path', show);
  } else {
    hold(route.path === openPath, 'an announced path belongs to the route that announced it', show);
  }
  // What is asked of the upstream reads as one path in all ways, so no origin can take it for the locked one.
  const asked = readPathInAllWays(path);
  const isLocked = route.path === lockedPath;
  if (transport === 'streamable-http') {
    hold(
      (asked.has(lockedPath) || asked.has(`${lockedPath}/`)) === isLocked,
      'nothing that reads as the locked path passes as open',
      show,
    );
  }
  return `${route.path} ${transport} ${String(path.endsWith('/'))}`;
}

/** An open and a locked route to one upstream. */
export function createTable(): RouteTable {
  const clock = new ManualClock(0);
  const auth = lockWithKey({ name: 'ci', sha256: '00'.repeat(32) });
  return createRouteTable(
    [buildRoute(8000), buildRoute(8000, { path: lockedPath, upstreamPath: lockedPath, auth })],
    (route) => ({ servers: buildServers(route, clock), splits: [], access: toTestAccess(route.auth) }),
    { ...noOwnPaths, announced: new AnnouncedPaths() },
  );
}

function buildPath(random: Random): string {
  const base = random.pick([openPath, lockedPath, '/healthz', '/messages', '']);
  const parts = [
    '/',
    '/..',
    '/.',
    '//',
    '/%2e%2e',
    ';x',
    '%2f',
    '/admin/tools',
    '/mcp',
    '%5c..',
    '?x=1',
    '/%2e',
    '%00',
    'messages',
    '\\',
  ];
  const text = base + random.repeat(0, 3, () => random.pick(parts));
  if (!random.oneIn(3) || text === '') return text;
  const place = random.below(text.length);
  const unit = text.charAt(place);
  const spelled = random.oneIn(2)
    ? `%${unit.charCodeAt(0).toString(16).padStart(2, '0')}`
    : unit.toUpperCase();
  return text.slice(0, place) + spelled + text.slice(place + 1);
}
