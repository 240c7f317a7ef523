import type { Diagnostic } from '../lib/diagnostic.ts';
import { suggestion } from '../lib/suggestion.ts';
import type { Origin, SourceTree } from './source-tree.ts';

/** The settings of the command line; absent ones leave the other sources alone. */
export interface ConfigFlags {
  /** A port, `host:port`, URL or Unix socket. */
  readonly target?: string;
  readonly domain?: readonly string[];
  readonly listen?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly email?: string;
  readonly staging?: boolean;
  readonly acceptTerms?: boolean;
  /**
   * `none` is the default of routes that say nothing, and opens none that is locked in the file.
   * `oauth` adds access tokens to that default and locks routes that the file leaves open.
   * `key` is answered by whoever can make keys; see `LoadedConfig.authRequested`.
   */
  readonly auth?: 'key' | 'oauth' | 'none';
  readonly workers?: string;
  readonly stateDir?: string;
  readonly dangerAllowPublic?: boolean;
}

export type Environment = { readonly [name: string]: string | undefined };

const prefix = 'BREAKWATER_';
const scalars: readonly (readonly [string, ...string[]])[] = [
  ['listen'],
  ['public_url'],
  ['plain_http'],
  ['authz'],
  ['http2'],
  ['proxy_protocol'],
  ['workers'],
  ['state_dir'],
  ['state', 'redis'],
  ['danger_allow_public'],
  ['tls', 'cert'],
  ['tls', 'key'],
  ['tls', 'policy'],
  ['tls', 'acme', 'directory'],
  ['tls', 'acme', 'email'],
  ['tls', 'acme', 'accept_terms'],
  ['tls', 'acme', 'staging'],
];
const names: ReadonlyMap<string, readonly string[]> = new Map(
  scalars.map((path) => [prefix + path.join('_').toUpperCase(), path]),
);
// Docker links and Kubernetes set such names for every service that is called `breakwater`.
const serviceNames = /^BREAKWATER_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_\w+)?|NAME|ENV_\w+)$/;

/** Lays `BREAKWATER_*` over the file. Empty variables count as absent; unknown ones are warnings. */
export function overlayEnvironment(tree: SourceTree, environment: Environment): Diagnostic[] {
  return Object.entries(environment).flatMap(([name, text]): Diagnostic[] => {
    if (text === undefined || text === '' || !name.startsWith(prefix)) return [];
    const path = names.get(name);
    if (path !== undefined) {
      const value = text === 'true' ? true : text === 'false' ? false : text;
      tree.set(path, value, { kind: 'environment', name });
      return [];
    }
    if (serviceNames.test(name)) return [];
    const meant = suggestion(name, names.keys());
    return [
      {
        severity: 'warning',
        code: 'E_CONFIG_UNKNOWN_KEY',
        message: `\`${name}\` is not a setting and has no effect`,
        file: `${name} (environment)`,
        fix: meant === undefined ? `use one of ${[...names.keys()].join(', ')}` : `use \`${meant}\``,
      },
    ];
  });
}

/** Lays the command line over file and environment. */
export function overlayFlags(tree: SourceTree, flags: ConfigFlags): Diagnostic[] {
  const set = (path: readonly PropertyKey[], value: unknown, name: string): void => {
    if (value !== undefined) tree.set(path, value, { kind: 'flag', name });
  };
  set(['domains'], flags.domain, '--domain');
  set(['listen'], flags.listen, '--listen');
  set(['tls', 'cert'], flags.cert, '--cert');
  set(['tls', 'key'], flags.key, '--key');
  set(['tls', 'acme', 'email'], flags.email, '--email');
  set(['tls', 'acme', 'staging'], flags.staging, '--staging');
  set(['tls', 'acme', 'accept_terms'], flags.acceptTerms, '--accept-terms');
  set(['auth'], flags.auth === 'none' ? 'none' : undefined, '--auth');
  if (flags.auth === 'oauth') overlayOAuth(tree);
  set(['workers'], flags.workers, '--workers');
  set(['state_dir'], flags.stateDir, '--state-dir');
  set(['danger_allow_public'], flags.dangerAllowPublic, '--danger-allow-public');
  return flags.target === undefined ? [] : overlayTarget(tree, flags.target);
}

/** What the file says of access tokens stays; no route stays open. */
function overlayOAuth(tree: SourceTree): void {
  const origin: Origin = { kind: 'flag', name: '--auth' };
  const auth = tree.get(['auth']);
  if (typeof auth !== 'object' || auth === null) {
    if (auth !== 'oauth') tree.set(['auth'], 'oauth', origin);
  } else if (tree.get(['auth', 'oauth']) === undefined) {
    tree.set(['auth', 'oauth'], true, origin);
  }
  const routes = tree.get(['routes']);
  if (!Array.isArray(routes)) return;
  for (const index of routes.keys()) {
    const path = ['routes', index, 'auth'];
    if (tree.get(path) === 'none') tree.set(path, 'oauth', origin);
  }
}

function overlayTarget(tree: SourceTree, target: string): Diagnostic[] {
  const routes = tree.root['routes'];
  if (Array.isArray(routes) && routes.length > 1) {
    return [
      {
        severity: 'error',
        code: 'E_CONFIG_CONFLICT',
        message: 'TARGET names one MCP server, but the configuration has several routes',
        file: 'TARGET (command line)',
        fix: 'leave TARGET out, or use a configuration with one route',
        secondary: { ...tree.place(['routes']), label: `${routes.length} routes` },
      },
    ];
  }
  if (routes === undefined || (Array.isArray(routes) && routes.length === 0)) tree.root['routes'] = [{}];
  tree.set(['routes', 0, 'upstream'], target, { kind: 'flag', name: 'TARGET' });
  return [];
}
