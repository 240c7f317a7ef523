import type { Answer, Facts } from './facts.ts';
import { httpFacts } from './reading.ts';

/** What can stand before a server of MCP and shows itself. */
export type FrontName =
  | 'nginx'
  | 'caddy'
  | 'apache'
  | 'haproxy'
  | 'envoy'
  | 'traefik'
  | 'cloudflare'
  | 'alb'
  | 'breakwater';

/** The front, and by what it was recognised (`server: nginx/1.22.1`); no name when nothing gives it away. */
export interface FrontFact {
  readonly name: FrontName | undefined;
  readonly version?: string;
  readonly by?: string;
}

interface Sign {
  readonly name: FrontName;
  readonly find: (answer: Answer) => string | undefined;
}

const field =
  (name: string, pattern = /./) =>
  ({ fields }: Answer): string | undefined => {
    const value = fields[name];
    return value !== undefined && pattern.test(value) ? `${name}: ${value.slice(0, 60)}` : undefined;
  };

const page =
  (pattern: RegExp) =>
  ({ body }: Answer): string | undefined =>
    pattern.exec(body.slice(0, 2000))?.[0];

/** Signs of fronts, the outermost kind first: a CDN stands before a load balancer, and that before a proxy. */
const signs: readonly Sign[] = [
  { name: 'cloudflare', find: field('cf-ray') },
  { name: 'cloudflare', find: field('server', /^cloudflare/i) },
  { name: 'alb', find: field('server', /^awselb/i) },
  { name: 'alb', find: field('set-cookie', /AWSALB/) },
  {
    name: 'breakwater',
    find: page(/"reason":"E_(?:AUTH|ROUTE|METHOD|HOST|ORIGIN|HTTP|MCP|UPSTREAM)_[A-Z_]+"/),
  },
  { name: 'envoy', find: field('server', /^envoy/i) },
  { name: 'envoy', find: field('x-envoy-upstream-service-time') },
  { name: 'nginx', find: field('server', /^(?:nginx|openresty)/i) },
  { name: 'nginx', find: page(/<center>(?:nginx|openresty)[^<]*<\/center>/i) },
  { name: 'apache', find: field('server', /^Apache/) },
  { name: 'apache', find: page(/<address>Apache[^<]*<\/address>/) },
  { name: 'caddy', find: field('via', /Caddy/) },
  { name: 'caddy', find: field('server', /^Caddy/) },
  { name: 'haproxy', find: page(/<html><body><h1>\d{3} [\w ]+<\/h1>\n[\w ,.'()]+\n<\/body><\/html>/) },
  { name: 'traefik', find: field('x-traefik-router') },
];

/** Names the outermost front that shows itself in any answer, ours to unknown paths and errors among them. */
export function recogniseFront(facts: Facts): FrontFact {
  const answers = Object.values(httpFacts(facts)?.exchanges ?? {}).flatMap((each) =>
    each?.outcome === 'answered' ? [each.answer] : [],
  );
  for (const { name, find } of signs) {
    for (const answer of answers) {
      const by = find(answer);
      if (by === undefined) continue;
      const version = /\/(\d+(?:\.\d+)+)/.exec(by)?.[1];
      return { name, by, ...(version === undefined ? {} : { version }) };
    }
  }
  return { name: undefined };
}
