import { strictTransport } from '../../http/strict-transport.ts';
import { formatAuthority } from '../../lib/authority.ts';
import { browserHeaders, endpointMethods, preflightSeconds } from '../../mcp/browser-access.ts';
import { PARAM_HEADER_PREFIX } from '../../mcp/headers.ts';
import { escapePattern, hasPublicName, loginPaths } from '../browser-rules.ts';
import { toUpstreamHost } from '../authority.ts';
import { toCertificateName } from '../certificate-name.ts';
import { claimedForwards, claimedHeaders, claimedMembers } from '../claimed-headers.ts';
import type { Front, FrontRoute, FrontUpstream } from '../front.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { seconds, word } from './nginx-syntax.ts';

const methods = endpointMethods.join(', ');
const AUTHZ_LOCATION = '/_breakwater/authz';
const breakwater = 'breakwater';

/** One group of servers a route, and one for Breakwater where it decides or answers. */
export function buildUpstreams(front: Front): readonly TaggedLine[] {
  const groups = front.routes.map(({ upstreams }, index) =>
    buildGroup(toGroupName(index), upstreams.map(toServer), front),
  );
  if (front.authz === undefined) return groups;
  return [...groups, buildGroup(breakwater, [formatAuthority(front.authz.host, front.authz.port)], front)];
}

function buildGroup(name: string, servers: readonly string[], { timeouts }: Front): TaggedLine {
  return block(`upstream ${name}`, [
    ...(servers.length > 1 ? [line('ip_hash', { why: 'session-affinity' })] : []),
    ...servers.map((server) => line(`server ${server}${servers.length > 1 ? '' : ' max_fails=0'}`)),
    line('keepalive 64', { why: 'upstream-keep-alive' }),
    line(`keepalive_timeout ${seconds(timeouts.upstreamIdle)}`, {
      note: 'shorter than the 5 s of uvicorn and Node, or a call meets a connection that is just being closed',
    }),
  ]);
}

const toGroupName = (index: number): string => `mcp_${index + 1}`;

function toServer(upstream: FrontUpstream): string {
  const address =
    upstream.kind === 'unix'
      ? word(`unix:${upstream.socketPath}`)
      : formatAuthority(upstream.host, upstream.port);
  return upstream.weight === 1 ? address : `${address} weight=${upstream.weight}`;
}

/** Exactly the path, with and without a slash at its end. The path for the upstream is written out, so that no spelling of it passes. */
export function buildEndpoints(front: Front): readonly TaggedLine[] {
  return front.routes.flatMap((route, index) => {
    const [upstream] = route.upstreams;
    if (upstream === undefined) return [];
    const endpoint = block(
      `location = ${word(route.path)}`,
      buildEndpoint(front, route, { upstream, group: toGroupName(index) }),
      { why: 'exact-path' },
    );
    if (route.path === '/') return [endpoint];
    // Within the server: a redirect for the client would lose the body of a POST.
    const withSlash = block(
      `location = ${word(`${route.path}/`)}`,
      [line(`rewrite ^ ${word(route.path)} last`)],
      {
        why: 'no-slash-redirect',
      },
    );
    return [endpoint, withSlash];
  });
}

interface Target {
  readonly upstream: FrontUpstream;
  readonly group: string;
}

function buildEndpoint(front: Front, route: FrontRoute, { upstream, group }: Target): readonly TaggedLine[] {
  const isDirect = front.mode === 'direct';
  const asks = isDirect && route.protected && front.authz !== undefined;
  return [
    ...(isDirect ? [...guardBrowsers(), guardMethods()] : []),
    ...(asks ? askWhoCalls() : []),
    line(`proxy_pass ${word(`${isSecure(upstream) ? 'https' : 'http'}://${group}${upstream.path}`)}`, {
      why: 'path-kept',
    }),
    line('proxy_set_header Connection ""', { why: 'upstream-keep-alive' }),
    ...(isSecure(upstream) ? verifyUpstream(upstream) : []),
    line(`proxy_set_header Host ${isDirect ? toUpstreamHost(upstream) : '$http_host'}`, {
      why: 'host-header',
    }),
    ...(isDirect
      ? [
          line('proxy_set_header Origin ""', {
            note: 'it was checked above, and the server knows only its own',
          }),
          line('proxy_set_header Accept-Encoding ""', { why: 'no-compression' }),
        ]
      : []),
    ...(asks
      ? [
          line('proxy_set_header Authorization $for_upstream', { why: 'access-control' }),
          line('proxy_set_header X-API-Key ""'),
        ]
      : []),
    ...overwriteClaims(),
    ...(isDirect ? answerBrowsers(front, asks) : []),
  ];
}

/** What is the same wherever nginx asks another server. */
export function buildProxy({ timeouts }: Front): readonly TaggedLine[] {
  return [
    line('proxy_http_version 1.1', { why: 'upstream-keep-alive' }),
    line('proxy_buffering off', { why: 'unbuffered' }),
    line(`proxy_read_timeout ${seconds(timeouts.stream)}`, { why: 'long-streams' }),
    line('proxy_socket_keepalive on', { why: 'socket-keep-alive' }),
    line(`proxy_connect_timeout ${seconds(timeouts.connect)}`),
    line('proxy_next_upstream off', { why: 'no-retries' }),
    line('proxy_intercept_errors off', { why: 'own-errors' }),
    line('proxy_cache off', { why: 'no-cache' }),
    line('proxy_redirect off'),
    line(
      'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset',
      {
        note: 'what the server answers steers nothing here',
      },
    ),
  ];
}

function isSecure(upstream: FrontUpstream): boolean {
  return upstream.kind === 'tcp' && upstream.secure;
}

function verifyUpstream(upstream: FrontUpstream): readonly TaggedLine[] {
  if (upstream.kind === 'unix') return [];
  return [
    line('proxy_ssl_verify on', { note: 'nginx checks no certificate otherwise' }),
    line(`proxy_ssl_trusted_certificate ${word(upstream.ca ?? '/etc/ssl/certs/ca-certificates.crt')}`),
    line(`proxy_ssl_name ${word(toCertificateName(upstream.host))}`),
    line('proxy_ssl_server_name on'),
    line('proxy_ssl_verify_depth 3'),
  ];
}

/** The headers of MCP alone; `*` would leave out Authorization. */
export function mapAllowedHeaders(): TaggedLine {
  const names = [...browserHeaders.map(escapePattern), `${PARAM_HEADER_PREFIX}[a-z0-9_-]+`].join('|');
  return block('map $http_access_control_request_headers $allowed_headers', [
    line(`"~*^ *(?:${names}) *(?:, *(?:${names}) *)*$" $http_access_control_request_headers`),
    line('default ""'),
  ]);
}

function guardBrowsers(): readonly TaggedLine[] {
  return [
    block('if ($origin_answer = refused)', [line('return 403')], { why: 'origin-guard' }),
    block(
      'if ($request_method = OPTIONS)',
      [
        line(`add_header Allow "${methods}"`),
        line('add_header Access-Control-Allow-Origin $cors_origin'),
        line(`add_header Access-Control-Allow-Methods "${methods}"`),
        line('add_header Access-Control-Allow-Headers $allowed_headers'),
        line(`add_header Access-Control-Max-Age ${preflightSeconds}`),
        line('add_header Vary Origin'),
        line('return 204'),
      ],
      { why: 'cors' },
    ),
  ];
}

function guardMethods(): TaggedLine {
  return block(
    `if ($request_method !~ "^(${endpointMethods.filter((method) => method !== 'OPTIONS').join('|')})$")`,
    [line('return 405')],
    { why: 'methods' },
  );
}

function askWhoCalls(): readonly TaggedLine[] {
  return [
    line(`auth_request ${AUTHZ_LOCATION}`, { why: 'access-control' }),
    line('auth_request_set $challenge $upstream_http_www_authenticate'),
    line('auth_request_set $for_upstream $upstream_http_x_breakwater_authorization', {
      note: 'empty, or what the server is shown in place of what the caller showed',
    }),
  ];
}

/** Inside a location its own headers take the place of all those of the server, HSTS too. */
function answerBrowsers(front: Front, asks: boolean): readonly TaggedLine[] {
  return [
    line('add_header Access-Control-Allow-Origin $cors_origin always', { why: 'cors' }),
    line('add_header Access-Control-Expose-Headers $exposed_headers always'),
    line('add_header Vary Origin always'),
    ...(hasPublicName(front)
      ? [
          line(`add_header Strict-Transport-Security "${strictTransport}" always`, {
            note: 'again: headers of a location take the place of those of the server',
          }),
        ]
      : []),
    ...(asks ? [line('add_header WWW-Authenticate $step_up always')] : []),
    line('proxy_hide_header Access-Control-Allow-Origin'),
    line('proxy_hide_header Access-Control-Allow-Credentials'),
    line('proxy_hide_header Access-Control-Expose-Headers'),
    line('proxy_hide_header Strict-Transport-Security'),
  ];
}

/** A header that is set to nothing is not sent. */
function overwriteClaims(): readonly TaggedLine[] {
  const identities = [...claimedHeaders, ...claimedMembers].filter(
    (name) => !['Forwarded', 'X-Real-IP'].includes(name) && !name.startsWith('X-Forwarded-'),
  );
  const forwards = [...claimedForwards, ...claimedMembers.filter((name) => name.startsWith('X-Forwarded-'))];
  return [
    line('proxy_set_header X-Forwarded-For $remote_addr', { why: 'forwarded-headers' }),
    line('proxy_set_header X-Forwarded-Proto $scheme'),
    line('proxy_set_header X-Forwarded-Host $http_host'),
    line('proxy_set_header X-Real-IP $remote_addr'),
    line('proxy_set_header Forwarded ""'),
    ...forwards.map((name) => line(`proxy_set_header ${name} ""`)),
    ...identities.map((name, index) =>
      line(`proxy_set_header ${name} ""`, index === 0 ? { why: 'identity-headers' } : {}),
    ),
  ];
}

/** The question to Breakwater: everything of the request but its body. */
export function buildAuthz(front: Front): readonly TaggedLine[] {
  if (front.authz === undefined || !front.routes.some((route) => route.protected)) return [];
  return [
    block(`location = ${AUTHZ_LOCATION}`, [
      line('internal'),
      line(`proxy_pass http://${breakwater}/authz`),
      line('proxy_pass_request_body off'),
      line('proxy_set_header Content-Length ""'),
      line('proxy_read_timeout 10s', { note: 'whoever is asked answers at once, or not at all' }),
      line('proxy_set_header Host $http_host'),
      line('proxy_set_header X-Original-Method $request_method'),
      line('proxy_set_header X-Original-URI $request_uri'),
      ...nameTheClient(),
    ]),
  ];
}

/** OAuth metadata and the pages of the authorization server, which Breakwater answers. */
export function buildLoginPages(front: Front): readonly TaggedLine[] {
  const paths = front.routes.flatMap(({ metadataPaths }) => metadataPaths);
  if (paths.length === 0) return [];
  const [upstream] = front.routes[0]?.upstreams ?? [];
  const isFront = front.mode === 'front';
  const target = isFront ? `https://${toGroupName(0)}` : `http://${breakwater}`;
  const lines = [
    line(`proxy_pass ${target}`),
    ...(isFront && upstream !== undefined ? verifyUpstream(upstream) : []),
    line('proxy_set_header Host $http_host'),
    ...nameTheClient(),
  ];
  const exact = [...new Set([...paths, ...loginPaths.exact])].map(escapePattern);
  const pattern = `^(?:${[...exact, `${escapePattern(loginPaths.prefix)}.*`].join('|')})$`;
  // The `$` at its end is no variable, which `word` could not tell.
  return [block(`location ~ "${pattern.replaceAll('"', '\\"')}"`, lines, { why: 'metadata-path' })];
}

function nameTheClient(): readonly TaggedLine[] {
  return [
    line('proxy_set_header Connection ""'),
    line('proxy_set_header X-Forwarded-For $remote_addr'),
    line('proxy_set_header X-Forwarded-Host $http_host'),
    line('proxy_set_header X-Forwarded-Proto $scheme'),
    line('proxy_set_header X-Forwarded-Method ""'),
    line('proxy_set_header X-Forwarded-Uri ""'),
    line('proxy_set_header Forwarded ""'),
  ];
}
