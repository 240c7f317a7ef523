import { styleText } from 'node:util';
import type { RouteConfig } from '../../config/config.ts';
import { formatUpstream } from '../../config/file-form.ts';
import { listServerLists, listTargets } from '../../config/split.ts';
import type { LaunchFacts, RouteFacts } from '../../gateway/launch.ts';

export interface BannerOptions {
  readonly version: string;
  /** Milliseconds from the start of the command. */
  readonly readyIn: number;
  readonly colour: boolean;
  readonly now: number;
  /** Where commands have to be told to look; undefined when they look there anyway. */
  readonly stateDir: string | undefined;
}

const MAX_ROUTES = 3;
const DAY = 86_400_000;

/** The first screen of `up`: who can reach it, the URL, what protects it, what to do next; at most 12 lines. */
export function buildBanner(facts: LaunchFacts, options: BannerOptions): string {
  const shown = facts.routes.slice(0, MAX_ROUTES);
  const rows: [string, string][] = [];
  for (const { url, route } of shown) rows.push(['URL', `${url}  ->  ${describeServers(route)}`]);
  if (facts.routes.length > shown.length) rows.push(['', `and ${facts.routes.length - shown.length} more`]);
  rows.push(['TLS', describeCertificate(facts, options.now)], ['Access', describeAccess(facts)]);
  for (const each of shown) for (const text of describeOutages(each)) rows.push(['Warning', text]);
  if (facts.createdKey !== undefined)
    rows.push(['API key', `${facts.createdKey}  (shown once: keep it now)`]);
  if (facts.authorityFile !== undefined) {
    const where = options.stateDir === undefined ? '' : ` --state-dir ${options.stateDir}`;
    rows.push(
      ['Trust', `NODE_EXTRA_CA_CERTS=${facts.authorityFile}`],
      ['', `or for browsers and all else: breakwater certs trust${where}`],
    );
  }
  const head = `${facts.audience}  breakwater ${options.version}  ready in ${Math.round(options.readyIn)} ms`;
  const lines = rows.map(([name, text]) => `  ${paint(name.padEnd(9), 'dim', options)}${text}`);
  return `${paint(head, facts.audience === 'PRIVATE' ? 'green' : 'yellow', options)}\n${lines.join('\n')}\n`;
}

/** Servers that are down, and what becomes of the calls for each: others of its list get them. */
function describeOutages({ route, reachability }: RouteFacts): readonly string[] {
  let at = 0;
  return listServerLists(route).flatMap(({ upstreams }) => {
    const states = reachability.slice(at, at + upstreams.length);
    at += upstreams.length;
    const effect = states.every(({ kind }) => kind === 'down')
      ? 'calls answer 502 until it starts'
      : 'calls go to the others until it starts';
    return states.flatMap((state, place) => {
      const target = upstreams[place]?.target;
      if (state.kind === 'up' || target === undefined) return [];
      return [`${formatUpstream(target)} is down (${state.reason}): ${effect}`];
    });
  });
}

function describeServers(route: RouteConfig): string {
  const [first, ...others] = listTargets(route).map(formatUpstream);
  return others.length === 0 ? `${first}` : `${first} and ${others.length} more`;
}

function describeCertificate(facts: LaunchFacts, now: number): string {
  const { authorities, awaitedCertificates: awaited, certificateEnds: ends } = facts;
  const [authority] = authorities;
  if (authority !== undefined && awaited.length > 0) {
    return `obtaining a certificate for ${awaited.join(', ')} from ${authority}; calls are refused until it is there`;
  }
  const life = ends === undefined ? '' : `, valid for ${Math.floor((ends - now) / DAY)} more days`;
  if (authority !== undefined) return `${authority}${life}, renews by itself`;
  return facts.authorityFile === undefined
    ? `certificate files${life}`
    : `certificate of the local CA${life}, renews by itself`;
}

function describeAccess({ routes, needsClientCertificate }: LaunchFacts): string {
  const auths = routes.map(({ route }) => route.auth);
  const count = (method: 'keys' | 'certificates' | 'oauth'): number =>
    auths.filter((auth) => auth.kind === 'required' && auth[method] !== undefined).length;
  const ways: readonly (readonly [name: string, routes: number])[] = [
    ['login (OAuth)', count('oauth')],
    ['API key', count('keys')],
    ['client certificate', count('certificates')],
  ];
  const used = ways.filter(([, some]) => some > 0);
  const [only] = used;
  if (only === undefined) {
    return needsClientCertificate
      ? 'client certificate, checked on every connection'
      : 'open: whoever can reach this address can call every tool';
  }
  if (used.every(([, some]) => some === routes.length)) {
    return `${used.map(([name]) => name).join(' or ')}, checked on every call`;
  }
  const locked = used.map(([name, some]) => `${name} on ${some} of ${routes.length} routes`).join(', ');
  const rest = needsClientCertificate ? 'the others open to every client certificate' : 'the others open';
  return auths.some((auth) => auth.kind === 'none') ? `${locked}, ${rest}` : locked;
}

function paint(text: string, style: 'dim' | 'green' | 'yellow', options: BannerOptions): string {
  return options.colour ? styleText(style, text, { validateStream: false }) : text;
}
