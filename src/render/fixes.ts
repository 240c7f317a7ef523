import type { Front } from './front.ts';
import type { RequirementId } from './requirements.ts';
import type { TaggedLine } from './tagged-lines.ts';
import { buildApache } from './targets/apache.ts';
import { printApache } from './targets/apache-syntax.ts';
import { buildCaddy } from './targets/caddy.ts';
import { printCaddy } from './targets/caddy-lines.ts';
import { buildHaproxy, printHaproxy } from './targets/haproxy.ts';
import { buildNginx } from './targets/nginx.ts';
import { printNginx } from './targets/nginx-syntax.ts';

/** Engines whose lines know what they are for. */
export type FixedEngine = 'nginx' | 'caddy' | 'apache' | 'haproxy';

/** What a fix has to be told of the endpoint. */
export interface FixedEndpoint {
  /** Public name. */
  readonly name: string;
  /** Public path, without a slash at its end. */
  readonly path: string;
}

/** More lines are a configuration and no fix. */
const mostLines = 24;

/**
 * The lines that `render` writes for a requirement, inside the blocks they belong to: the same code path, so that a fix is never another
 * than what is rendered. Empty where the engine has no line for it.
 */
export function fixFor(
  engine: FixedEngine,
  requirement: RequirementId,
  endpoint: FixedEndpoint,
): readonly string[] {
  const front = buildExample(endpoint);
  const kept = pick(buildLines(engine, front), requirement);
  if (kept.length === 0) return [];
  const rows = print(engine, kept)
    .split('\n')
    .filter((row) => row.trim() !== '');
  return rows.length > mostLines ? [...rows.slice(0, mostLines), '…'] : rows;
}

function buildLines(engine: FixedEngine, front: Front): readonly TaggedLine[] {
  switch (engine) {
    case 'nginx':
      return buildNginx(front, { dialect: '1.25' });
    case 'caddy':
      return buildCaddy(front);
    case 'apache':
      return buildApache(front);
    case 'haproxy':
      return buildHaproxy(front);
  }
}

function print(engine: FixedEngine, lines: readonly TaggedLine[]): string {
  switch (engine) {
    case 'nginx':
      return printNginx(lines);
    case 'caddy':
      return printCaddy(lines);
    case 'apache':
      return printApache(lines);
    case 'haproxy':
      return printHaproxy(lines);
  }
}

/** The tree with nothing left but the lines of a requirement and the blocks around them; comments go, since the finding says why. */
function pick(lines: readonly TaggedLine[], requirement: RequirementId): readonly TaggedLine[] {
  const told = new Set<string>();
  const kept = lines.flatMap(({ text, why, block: inner }): readonly TaggedLine[] => {
    if (why === requirement) return [inner === undefined ? { text } : { text, block: strip(inner) }];
    const below = inner === undefined ? [] : pick(inner, requirement);
    return below.length === 0 ? [] : [{ text, block: below }];
  });
  // A front has several servers that say the same.
  return kept.filter((each) => {
    const form = JSON.stringify(each);
    return !told.has(form) && told.add(form);
  });
}

function strip(lines: readonly TaggedLine[]): readonly TaggedLine[] {
  return lines.map(({ text, block: inner }) =>
    inner === undefined ? { text } : { text, block: strip(inner) },
  );
}

/** A front with one route to a server on this machine, and the limits and time-outs of the defaults. */
function buildExample({ name, path }: FixedEndpoint): Front {
  return {
    mode: 'direct',
    listen: { host: '0.0.0.0', port: 443 },
    plainHttp: { host: '0.0.0.0', port: 80 },
    names: [name],
    publicUrl: `https://${name}`,
    routes: [
      {
        path,
        upstreams: [
          {
            kind: 'tcp',
            secure: false,
            host: '127.0.0.1',
            port: 8000,
            path: '/mcp',
            ca: undefined,
            weight: 1,
          },
        ],
        protected: true,
        metadataPaths: [
          '/.well-known/oauth-protected-resource',
          `/.well-known/oauth-protected-resource${path === '/' ? '' : path}`,
        ],
      },
    ],
    certificate: {
      cert: `/etc/letsencrypt/live/${name}/fullchain.pem`,
      key: `/etc/letsencrypt/live/${name}/privkey.pem`,
    },
    tlsPolicy: 'intermediate',
    http2: true,
    origins: ['https://app.example.com'],
    trustedProxies: [],
    limits: {
      headBytes: 65_536,
      bodyBytes: 16_777_216,
      connections: 10_000,
      connectionsPerAddress: 256,
      http2Streams: 100,
    },
    timeouts: {
      head: 10_000,
      body: 60_000,
      idle: 75_000,
      connect: 5000,
      stream: 86_400_000,
      upstreamIdle: 4000,
      drain: 30_000,
    },
    authz: { host: '127.0.0.1', port: 9180 },
  };
}
