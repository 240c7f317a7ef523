import { strictTransport } from '../../http/strict-transport.ts';
import { formatAuthority } from '../../lib/authority.ts';
import {
  browserHeaders,
  endpointMethods,
  exposedHeaders,
  preflightSeconds,
} from '../../mcp/browser-access.ts';
import { PARAM_HEADER_PREFIX } from '../../mcp/headers.ts';
import { escapePattern, hasPublicName, loginPaths, toOriginPattern } from '../browser-rules.ts';
import { claimedForwards, claimedHeaders, claimedMembers } from '../claimed-headers.ts';
import type { Front, FrontRoute, FrontUpstream } from '../front.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { pattern, toSeconds } from './apache-syntax.ts';

const methods = endpointMethods.join(', ');

/** Origins, methods and preflights; Breakwater looks at them itself where it stands behind. */
export function buildGuards(front: Front): readonly TaggedLine[] {
  if (front.mode === 'front') return [];
  const origins = toOriginPattern(front);
  const names = [...browserHeaders.map(escapePattern), `${PARAM_HEADER_PREFIX}[a-z0-9_-]+`].join('|');
  return [
    line('RewriteCond %{HTTP:Origin} !^$', { why: 'origin-guard' }),
    line(`RewriteCond %{HTTP:Origin} "!${origins}"`),
    line('RewriteRule ^ - [F,L]'),
    line(`SetEnvIf Origin ${pattern(origins)} cors_origin=$1`, { why: 'cors' }),
    line(
      `SetEnvIfNoCase Access-Control-Request-Headers ${pattern(`^( *(?:${names}) *(?:, *(?:${names}) *)*)$`)} cors_headers=$1`,
    ),
    line('Header always unset Access-Control-Allow-Credentials'),
    line('Header always set Access-Control-Allow-Origin "%{cors_origin}e" env=cors_origin'),
    line(`Header always set Access-Control-Expose-Headers "${exposedHeaders}" env=cors_origin`),
    line('Header always merge Vary Origin env=cors_origin'),
    line('Header always set Access-Control-Allow-Headers "%{cors_headers}e" env=cors_headers'),
    line(`Header always set Access-Control-Allow-Methods "${methods}" env=cors_headers`),
    line(`Header always set Access-Control-Max-Age ${preflightSeconds} env=cors_headers`),
    line('RewriteCond %{REQUEST_METHOD} =OPTIONS'),
    line('RewriteRule ^ - [R=204,L]'),
    line(`RewriteCond %{REQUEST_METHOD} !^(${endpointMethods.join('|')})$`, { why: 'methods' }),
    line('RewriteRule ^ - [R=405,L]'),
  ];
}

/** What the upstream is told of the client, and what it is not. */
export function buildHeaders(front: Front): readonly TaggedLine[] {
  const forwards = ['X-Forwarded-Server', ...claimedForwards, ...claimedMembers.filter(isForward)];
  const identities = [...claimedHeaders, ...claimedMembers].filter(
    (name) => !isForward(name) && name !== 'X-Real-IP',
  );
  const isDirect = front.mode === 'direct';
  return [
    line('ProxyAddHeaders Off', { why: 'forwarded-headers' }),
    line('RequestHeader set X-Forwarded-For "expr=%{REMOTE_ADDR}"'),
    line('RequestHeader set X-Forwarded-Proto https'),
    line('RequestHeader set X-Forwarded-Host "expr=%{HTTP_HOST}"'),
    line('RequestHeader set X-Real-IP "expr=%{REMOTE_ADDR}"'),
    ...[...new Set(forwards)].map((name) => line(`RequestHeader unset ${name}`)),
    ...identities.map((name, index) =>
      line(`RequestHeader unset ${name}`, index === 0 ? { why: 'identity-headers' } : {}),
    ),
    ...(isDirect
      ? [
          line('RequestHeader unset Origin', {
            note: 'it was checked above, and the server knows only its own',
          }),
          line('RequestHeader unset Accept-Encoding', { why: 'no-compression' }),
        ]
      : []),
    ...(hasPublicName(front)
      ? [line(`Header always set Strict-Transport-Security "${strictTransport}"`, { why: 'hsts' })]
      : []),
  ];
}

const isForward = (name: string): boolean => name.startsWith('X-Forwarded-');

/** Each endpoint by a pattern that takes nothing below it and nothing beside it. */
export function buildProxies(front: Front): readonly TaggedLine[] {
  const { routes } = front;
  const isDirect = front.mode === 'direct';
  const login = isDirect ? [] : listLoginPaths(front);
  const endpoints = routes.map(({ path }) => (path === '/' ? '/' : `${escapePattern(path)}/?`));
  const [first] = routes[0]?.upstreams ?? [];
  return [
    ...verifyUpstreams(front),
    line(`ProxyPreserveHost ${isDirect ? 'Off' : 'On'}`, { why: 'host-header' }),
    line(`RedirectMatch 404 "^(?!(?:${[...endpoints, ...login].join('|')})$)"`, { why: 'exact-path' }),
    ...routes.flatMap(passRoute),
    ...(login.length > 0 && first !== undefined
      ? [
          line(`RewriteRule "^((?:${login.join('|')}))$" "${toBase(first)}$1" [P,L,NE]`, {
            why: 'metadata-path',
          }),
        ]
      : []),
    ...buildWorkers(front),
  ];
}

/** How the servers are asked; a rule with `P` takes the worker that its URL begins with. */
function buildWorkers(front: Front): readonly TaggedLine[] {
  const upstreams = front.routes.flatMap((route) => route.upstreams);
  return [...new Set(upstreams.map(toBase))].map((base) =>
    block(`Proxy "${base}/"`, [line(`ProxySet ${toParameters(front)}`)], {
      why: 'unbuffered',
      note: '`flushpackets`: events would wait until 8 KiB are there',
    }),
  );
}

function listLoginPaths({ routes }: Front): readonly string[] {
  const paths = routes.flatMap(({ metadataPaths }) => metadataPaths);
  if (paths.length === 0) return [];
  return [
    ...[...new Set([...paths, ...loginPaths.exact])].map(escapePattern),
    `${escapePattern(loginPaths.prefix)}.*`,
  ];
}

function passRoute(route: FrontRoute): readonly TaggedLine[] {
  const [upstream] = route.upstreams;
  if (upstream === undefined) return [];
  const path = route.path === '/' ? '^/$' : `^${escapePattern(route.path)}/?$`;
  return [line(`RewriteRule "${path}" "${toBase(upstream)}${upstream.path}" [P,L,NE]`, { why: 'path-kept' })];
}

function toBase(upstream: FrontUpstream): string {
  if (upstream.kind === 'unix') return `unix:${upstream.socketPath}|http://localhost`;
  return `${upstream.secure ? 'https' : 'http'}://${formatAuthority(upstream.host, upstream.port)}`;
}

/** `ttl` is shorter than the 5 s of uvicorn and Node, or a call meets a connection that is just being closed. */
function toParameters({ timeouts }: Front): string {
  const { connect, stream, upstreamIdle } = timeouts;
  return `connectiontimeout=${toSeconds(connect)} timeout=${toSeconds(stream)} keepalive=On disablereuse=Off ttl=${toSeconds(upstreamIdle)} flushpackets=on retry=0`;
}

function verifyUpstreams({ routes }: Front): readonly TaggedLine[] {
  const secure = routes.flatMap(({ upstreams }) =>
    upstreams.filter((upstream) => upstream.kind === 'tcp' && upstream.secure),
  );
  const [first] = secure;
  if (first === undefined) return [];
  const ca = first.kind === 'tcp' ? first.ca : undefined;
  return [
    line('SSLProxyEngine on'),
    line('SSLProxyVerify require', { note: 'Apache checks no certificate otherwise' }),
    line(`SSLProxyCACertificateFile "${ca ?? '/etc/ssl/certs/ca-certificates.crt'}"`),
    line('SSLProxyCheckPeerName on'),
    line('SSLProxyVerifyDepth 3'),
  ];
}
