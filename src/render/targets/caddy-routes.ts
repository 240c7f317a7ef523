import { formatAuthority } from '../../lib/authority.ts';
import { formatDuration } from '../../lib/duration.ts';
import {
  browserHeaders,
  endpointMethods,
  exposedHeaders,
  preflightSeconds,
} from '../../mcp/browser-access.ts';
import { PARAM_HEADER_PREFIX } from '../../mcp/headers.ts';
import { escapePattern, loginPaths, toOriginPattern } from '../browser-rules.ts';
import { claimedForwards, claimedHeaders, claimedMembers, claimedPrefixes } from '../claimed-headers.ts';
import type { Front, FrontAddress, FrontRoute, FrontUpstream } from '../front.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { word } from './caddy-lines.ts';

const methods = endpointMethods.join(', ');

/**
 * All that happens to requests for one endpoint, in this order: `handle` would sort it, and ask about the rewritten path. `index` keeps
 * the names of matchers apart.
 */
export function buildEndpoint(front: Front, route: FrontRoute, index: number): readonly TaggedLine[] {
  const name = `@endpoint${index + 1}`;
  const isDirect = front.mode === 'direct';
  return [
    ...matchExactly(name, route.path),
    block(`route ${name}`, [
      ...(isDirect ? [...guardOrigin(front), ...answerBrowsers(), ...guardMethods()] : []),
      ...limitBody(front.limits.bodyBytes),
      line('import claims'),
      ...(isDirect && route.protected && front.authz !== undefined ? [askWhoCalls(front, front.authz)] : []),
      ...passToUpstream(front, route),
    ]),
  ];
}

/** OAuth metadata and the pages of the authorization server, which Breakwater answers. */
export function buildLoginPages(front: Front): readonly TaggedLine[] {
  const breakwater = toBreakwater(front);
  const paths = front.routes.flatMap(({ metadataPaths }) => metadataPaths);
  if (breakwater === undefined || !front.routes.some((route) => route.protected)) return [];
  const words = [...new Set([...paths, ...loginPaths.exact]), `${loginPaths.prefix}*`].map((path) =>
    word(path),
  );
  return [
    line(`@login path ${words.join(' ')}`, { why: 'metadata-path' }),
    block('route @login', [
      ...limitBody(front.limits.bodyBytes),
      line('import claims'),
      block(`reverse_proxy ${dial(breakwater)}`, [
        ...believeProxies(front),
        ...overwriteAddress(front),
        ...hideOwnHeaders(),
        transport(front, breakwater),
      ]),
    ]),
  ];
}

/** Breakwater itself: what it listens on for this engine. */
function toBreakwater({ mode, authz, routes }: Front): FrontUpstream | undefined {
  if (mode === 'front') return routes[0]?.upstreams[0];
  return authz === undefined
    ? undefined
    : { kind: 'tcp', secure: false, ...authz, path: '/', ca: undefined, weight: 1 };
}

function matchExactly(name: string, path: string): readonly TaggedLine[] {
  const both = path === '/' ? '/' : `${path} ${path}/`;
  const pattern = path === '/' ? '^/(\\?.*)?$' : `^${escapePattern(path)}/?(\\?.*)?$`;
  return [
    block(
      name,
      [
        line(`path ${both}`),
        line(`vars_regexp {http.request.uri} ${word(pattern)}`, {
          note: 'as it is spelled: `path` alone also takes /MCP, //mcp and /%6dcp, which what stands behind may read differently',
        }),
      ],
      { why: 'exact-path' },
    ),
  ];
}

function guardOrigin(front: Front): readonly TaggedLine[] {
  const pattern = word(toOriginPattern(front));
  return [
    block('@foreign', [line('header Origin *'), line(`not header_regexp Origin ${pattern}`)], {
      why: 'origin-guard',
    }),
    line('respond @foreign 403'),
  ];
}

function answerBrowsers(): readonly TaggedLine[] {
  const names = [...browserHeaders.map(escapePattern), `${PARAM_HEADER_PREFIX}[a-z0-9_-]+`].join('|');
  return [
    line('@browser header Origin *', { why: 'cors' }),
    block('header @browser', [
      line('Access-Control-Allow-Origin {http.request.header.Origin}'),
      line(`Access-Control-Expose-Headers "${exposedHeaders}"`),
      line('+Vary Origin'),
    ]),
    block('@preflight', [
      line('method OPTIONS'),
      line('header Origin *'),
      line('header Access-Control-Request-Method *'),
    ]),
    block('route @preflight', [
      line(`@known header_regexp Access-Control-Request-Headers \`(?i)^ *(${names}) *(, *(${names}) *)*$\``, {
        note: 'the headers of MCP alone; `*` would leave out Authorization',
      }),
      line('header @known Access-Control-Allow-Headers {http.request.header.Access-Control-Request-Headers}'),
      line(`header Access-Control-Allow-Methods "${methods}"`),
      line(`header Access-Control-Max-Age ${preflightSeconds}`),
      line('respond 204'),
    ]),
  ];
}

function guardMethods(): readonly TaggedLine[] {
  return [
    line('@options method OPTIONS'),
    block('route @options', [line(`header Allow "${methods}"`), line('respond 204')]),
    line(`@method not method ${endpointMethods.join(' ')}`, { why: 'methods' }),
    block('route @method', [line(`header Allow "${methods}"`), line('respond 405')]),
  ];
}

function limitBody(bytes: number): readonly TaggedLine[] {
  const length = '{http.request.header.Content-Length}';
  return [
    line(`@large expression \`${length} != "" && int(${length}) > ${bytes}\``, {
      note: 'a length that is announced: Caddy 2.6 answers 502 to what `request_body` cuts',
    }),
    line('respond @large 413'),
    block('request_body', [line(`max_size ${bytes}`)], { why: 'body-limit' }),
  ];
}

/** Deletes what clients write about themselves; a snippet that every handler imports. */
export function buildClaims({ trustedProxies }: Front): TaggedLine {
  const forwards =
    trustedProxies.length === 0
      ? ['X-Forwarded*']
      : [...claimedForwards, ...claimedMembers.filter((member) => member.startsWith('X-Forwarded-'))];
  const names = [
    ...claimedHeaders,
    ...claimedPrefixes.map((prefix) => `${prefix}*`),
    'X-Breakwater-*',
    'X_*',
  ];
  return block('(claims)', [
    ...forwards.map((name, index) =>
      line(`request_header -${name}`, index === 0 ? { why: 'forwarded-headers' } : {}),
    ),
    ...names.map((name, index) =>
      line(`request_header -${name}`, index === 0 ? { why: 'identity-headers' } : {}),
    ),
  ]);
}

/** As `forward_auth` does, spelled out: its `copy_headers` keeps what the client wrote where the answer names no header (Caddy before 2.11). */
function askWhoCalls(front: Front, authz: FrontAddress): TaggedLine {
  const replaced = '{http.reverse_proxy.header.X-Breakwater-Authorization}';
  return block(
    `reverse_proxy ${dial({ kind: 'tcp', secure: false, ...authz, path: '/', ca: undefined, weight: 1 })}`,
    [
      line('method GET'),
      line('rewrite /authz'),
      ...believeProxies(front),
      line('header_up X-Forwarded-Method {http.request.method}'),
      line('header_up X-Forwarded-Uri {http.request.uri}'),
      block('@replaced', [line('status 2xx'), line('header X-Breakwater-Authorization *')]),
      block('handle_response @replaced', [
        line('request_header -X-Api-Key'),
        line(`request_header Authorization ${replaced}`),
      ]),
      line('@granted status 2xx'),
      block('handle_response @granted', [
        line('request_header -X-Api-Key', {
          note: "the caller's credentials are for this door, not for what is behind it",
        }),
        line('request_header -Authorization'),
      ]),
    ],
    { why: 'access-control' },
  );
}

function passToUpstream(front: Front, route: FrontRoute): readonly TaggedLine[] {
  const [first] = route.upstreams;
  if (first === undefined) return [];
  const isDirect = front.mode === 'direct';
  const rewrite = isDirect ? [line(`rewrite * ${word(first.path)}`, { why: 'path-kept' })] : [];
  return [
    ...rewrite,
    block(
      `reverse_proxy ${route.upstreams.map(dial).join(' ')}`,
      [
        ...(route.upstreams.length > 1 ? [line('lb_policy ip_hash', { why: 'session-affinity' })] : []),
        ...believeProxies(front),
        ...overwriteAddress(front),
        ...(isDirect
          ? [
              line(
                `header_up Host ${first.kind === 'unix' ? 'localhost' : '{http.reverse_proxy.upstream.hostport}'}`,
                {
                  why: 'host-header',
                },
              ),
              line('header_up -Origin'),
            ]
          : [
              line('header_up Host {http.request.hostport}', {
                note: 'Breakwater compares the public name with the Origin of browsers; from 2.11 on Caddy would write its own name for Breakwater instead',
              }),
            ]),
        line('header_up -Accept-Encoding', { why: 'no-compression' }),
        ...(isDirect ? [line('header_down -Access-Control-*')] : []),
        ...hideOwnHeaders(),
        transport(front, first),
      ],
      {
        why: 'unbuffered',
        note: 'Caddy passes event streams on as they come; `flush_interval -1` would also keep calls of clients that left (2.6)',
      },
    ),
  ];
}

function believeProxies({ trustedProxies }: Front): readonly TaggedLine[] {
  if (trustedProxies.length === 0) return [];
  return [line(`trusted_proxies ${trustedProxies.map((each) => word(each)).join(' ')}`)];
}

/** Behind another proxy the address is its own, and the client's stands in X-Forwarded-For. */
function overwriteAddress({ trustedProxies }: Front): readonly TaggedLine[] {
  return trustedProxies.length === 0 ? [line('header_up X-Real-IP {http.request.remote.host}')] : [];
}

function hideOwnHeaders(): readonly TaggedLine[] {
  return [line('header_down -Strict-Transport-Security')];
}

function transport({ mode, timeouts }: Front, upstream: FrontUpstream): TaggedLine {
  const secure = upstream.kind === 'tcp' && upstream.secure;
  // Not the public name: the local authority signs for names of this machine alone.
  const serverName = mode === 'front' && upstream.kind === 'tcp' ? upstream.host : undefined;
  return block('transport http', [
    ...(secure
      ? [
          line('tls'),
          ...(upstream.ca === undefined
            ? []
            : [
                line(`tls_trusted_ca_certs ${word(upstream.ca)}`, {
                  note: 'the root of whoever signed for Breakwater; without it anything on that port could read tokens',
                }),
              ]),
          ...(serverName === undefined ? [] : [line(`tls_server_name ${word(serverName)}`)]),
        ]
      : []),
    line('versions 1.1', {
      note: 'one connection a stream: HTTP/2 would put all of them in the hands of one',
    }),
    line('compression off'),
    line(`dial_timeout ${formatDuration(timeouts.connect)}`),
    line(`keepalive ${formatDuration(timeouts.upstreamIdle)}`, { why: 'upstream-keep-alive' }),
    line('keepalive_idle_conns_per_host 64'),
    line('keepalive_interval 30s', { why: 'socket-keep-alive' }),
  ]);
}

function dial(upstream: FrontUpstream): string {
  if (upstream.kind === 'unix') return word(`unix/${upstream.socketPath}`);
  return word(formatAuthority(upstream.host, upstream.port));
}
