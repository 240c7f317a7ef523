import { styleText } from 'node:util';
import type { RouteConfig } from '../../config/config.ts';
import type { LaunchFacts, RouteFacts } from '../../gateway/launch.ts';

export interface BannerOptions {
  readonly version: string;
  /** Milliseconds from the start of the command. */
  readonly readyIn: number;
  readonly colour: boolean;
  readonly now: number;
}

const MAX_ROUTES = 3;
const DAY = 86_400_000;

/** The first screen of `up`: who can reach it, the URL, what protects it, what to do next; at most 12 lines. */
export function buildBanner(facts: LaunchFacts, options: BannerOptions): string {
  const shown = facts.routes.slice(0, MAX_ROUTES);
  const rows: [string, string][] = [];
  for (const { url, route } of shown) rows.push(['URL', `${url}  ->  ${describeUpstream(route)}`]);
  if (facts.routes.length > shown.length) rows.push(['', `and ${facts.routes.length - shown.length} more`]);
  rows.push(['TLS', describeCertificate(facts, options.now)], ['Access', describeAccess(facts.routes)]);
  for (const { reachability, route } of shown) {
    if (reachability.kind === 'up') continue;
    rows.push([
      'Warning',
      `${describeUpstream(route)} is down (${reachability.reason}): calls answer 502 until it starts`,
    ]);
  }
  if (facts.createdKey !== undefined)
    rows.push(['API key', `${facts.createdKey}  (shown once: keep it now)`]);
  if (facts.authorityFile !== undefined) rows.push(['Trust', `NODE_EXTRA_CA_CERTS=${facts.authorityFile}`]);
  const head = `${facts.audience}  breakwater ${options.version}  ready in ${Math.round(options.readyIn)} ms`;
  const lines = rows.map(([name, text]) => `  ${paint(name.padEnd(9), 'dim', options)}${text}`);
  return `${paint(head, facts.audience === 'PRIVATE' ? 'green' : 'yellow', options)}\n${lines.join('\n')}\n`;
}

function describeUpstream({ upstream }: RouteConfig): string {
  if (upstream.kind === 'unix') return `unix:${upstream.socketPath}:${upstream.path}`;
  const host = upstream.host.includes(':') ? `[${upstream.host}]` : upstream.host;
  return `${upstream.secure ? 'https' : 'http'}://${host}:${upstream.port}${upstream.path}`;
}

function describeCertificate(facts: LaunchFacts, now: number): string {
  const days = facts.certificateEnds === undefined ? 0 : Math.floor((facts.certificateEnds - now) / DAY);
  return facts.authorityFile === undefined
    ? `certificate files, valid for ${days} more days`
    : `certificate of the local CA, valid for ${days} more days, renews by itself`;
}

function describeAccess(routes: readonly RouteFacts[]): string {
  const locked = routes.filter(({ route }) => route.auth.kind === 'keys').length;
  if (locked === routes.length) return 'API key, checked on every call';
  if (locked === 0) return 'open: whoever can reach this address can call every tool';
  return `API key on ${locked} of ${routes.length} routes, the others open`;
}

function paint(text: string, style: 'dim' | 'green' | 'yellow', options: BannerOptions): string {
  return options.colour ? styleText(style, text, { validateStream: false }) : text;
}
