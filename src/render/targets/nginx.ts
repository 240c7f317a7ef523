import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { tls12Suites } from '../../tls/handshake/policy.ts';
import { strictTransport } from '../../http/strict-transport.ts';
import { formatAuthority, toBracketedHost } from '../../lib/authority.ts';
import { exposedHeaders } from '../../mcp/browser-access.ts';
import { escapePattern, hasPublicName, toOriginPattern } from '../browser-rules.ts';
import {
  warnOfAddressAffinity,
  warnOfAddressCertificates,
  warnOfAnyName,
  warnOfListedNames,
  warnOfSilence,
} from '../common-warnings.ts';
import type { Front, FrontAddress } from '../front.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { findOpenRoutes, findUnwritable, toGroup } from '../unsupported.ts';
import {
  buildAuthz,
  buildEndpoints,
  buildLoginPages,
  buildProxy,
  buildUpstreams,
  mapAllowedHeaders,
} from './nginx-routes.ts';
import { printNginx, seconds, toNginxWord, word } from './nginx-syntax.ts';

/** `http2` is an argument of `listen` before 1.25.1, and a directive of its own from then on. */
export type NginxDialect = '1.22' | '1.25';

export interface NginxOptions {
  readonly dialect: NginxDialect;
}

const suites = tls12Suites.join(':');

/** A whole nginx.conf. Fails where a protected route would be open, and for texts that nginx cannot be given. */
export function renderNginx(front: Front, options: NginxOptions): Result<Rendered, Diagnostic[]> {
  const problems = [
    ...findUnwritable(front, 'nginx', (text) => toNginxWord(text) !== undefined),
    ...findOpenRoutes(front, 'nginx'),
    ...front.routes.flatMap((route) => {
      const group = toGroup(route, 'nginx');
      return group.ok ? [] : [group.error];
    }),
  ];
  if (problems.length > 0) return fail(problems);
  const text = printNginx(buildNginx(front, options));
  return ok({ files: [{ path: 'nginx.conf', text }], warnings: listWarnings(front) });
}

export function buildNginx(front: Front, options: NginxOptions): readonly TaggedLine[] {
  const { limits, timeouts } = front;
  // Each client connection has one to its upstream, and one to whoever decides.
  const connections = limits.connections * 2 + 1024;
  return [
    line('worker_processes auto'),
    line(`worker_rlimit_nofile ${connections + 1024}`),
    line(`worker_shutdown_timeout ${seconds(timeouts.drain)}`, { why: 'short-reload' }),
    block('events', [line(`worker_connections ${connections}`)]),
    block('http', [
      line('server_tokens off'),
      line(
        'log_format mcp \'$remote_addr [$time_local] "$request_method $uri" $status $body_bytes_sent $request_time\'',
        {
          why: 'secret-free-logs',
        },
      ),
      line('access_log /var/log/nginx/access.log mcp'),
      line('default_type application/octet-stream'),
      ...buildSlowClients(front),
      ...believeProxies(front),
      ...buildMaps(front),
      ...buildUpstreams(front),
      ...buildStrangers(front, options),
      buildServer(front, options),
      ...buildPlainServer(front),
    ]),
  ];
}

function buildSlowClients({ limits, timeouts }: Front): readonly TaggedLine[] {
  return [
    line(`client_header_timeout ${seconds(timeouts.head)}`, { why: 'slow-clients' }),
    line(`client_body_timeout ${seconds(timeouts.body)}`),
    line(`keepalive_timeout ${seconds(timeouts.idle)}`),
    line('keepalive_requests 1000000', {
      note: 'a thousand calls would be all that a connection is good for otherwise',
    }),
    line('reset_timedout_connection on'),
    line(`large_client_header_buffers 4 ${Math.ceil(limits.headBytes / 1024)}k`, { why: 'header-room' }),
    line('limit_conn_zone $binary_remote_addr zone=per_address:10m', { why: 'rate-limit' }),
    line(`limit_conn per_address ${limits.connectionsPerAddress}`),
    line('limit_conn_status 503'),
  ];
}

function believeProxies({ trustedProxies }: Front): readonly TaggedLine[] {
  if (trustedProxies.length === 0) return [];
  return [
    ...trustedProxies.map((proxy, index) =>
      line(`set_real_ip_from ${word(proxy)}`, index === 0 ? { why: 'forwarded-headers' } : {}),
    ),
    line('real_ip_header X-Forwarded-For'),
    line('real_ip_recursive on'),
  ];
}

/** What is decided by looking at a header, once for all servers. */
function buildMaps(front: Front): readonly TaggedLine[] {
  const pages = block('map "$request_method:$http_authorization:$http_accept" $is_page', [
    line('"~^(?:GET|HEAD)::(?!.*text/event-stream)" 1'),
    line('default 0'),
  ]);
  if (front.mode === 'front') return front.plainHttp === undefined ? [] : [pages];
  return [
    block(
      'map $http_origin $origin_answer',
      [line('"" ""'), line(`"~${toOriginPattern(front)}" $http_origin`), line('default refused')],
      { why: 'origin-guard' },
    ),
    block('map $origin_answer $cors_origin', [line('refused ""'), line('default $origin_answer')]),
    block('map $origin_answer $exposed_headers', [line('"" ""'), line(`default "${exposedHeaders}"`)]),
    mapAllowedHeaders(),
    ...(front.plainHttp === undefined ? [] : [pages]),
    // The answer 401 brings the challenge by itself, 403 does not.
    ...(front.routes.some((route) => route.protected)
      ? [block('map $status $step_up', [line('403 $challenge'), line('default ""')])]
      : []),
  ];
}

function listenOn({ host, port }: FrontAddress, words: string): string {
  return `listen ${formatAuthority(host, port)}${words}`;
}

function buildTls(
  { certificate, tlsPolicy, http2, limits }: Front,
  { dialect }: NginxOptions,
): readonly TaggedLine[] {
  return [
    ...(http2 && dialect === '1.25' ? [line('http2 on', { why: 'http2' })] : []),
    ...(http2 ? [line(`http2_max_concurrent_streams ${limits.http2Streams}`)] : []),
    line(`ssl_certificate ${word(certificate.cert)}`, { why: 'certificate-chain' }),
    line(`ssl_certificate_key ${word(certificate.key)}`),
    line(tlsPolicy === 'modern' ? 'ssl_protocols TLSv1.3' : 'ssl_protocols TLSv1.2 TLSv1.3', {
      why: 'tls-policy',
    }),
    ...(tlsPolicy === 'modern' ? [] : [line(`ssl_ciphers ${suites}`)]),
    line('ssl_prefer_server_ciphers off'),
    line('ssl_session_cache shared:mcp:10m'),
    line('ssl_session_timeout 1d'),
    line('ssl_session_tickets off'),
  ];
}

function secureListen({ listen, http2 }: Front, { dialect }: NginxOptions, words: string): string {
  return listenOn(listen, ` ssl${http2 && dialect === '1.22' ? ' http2' : ''}${words}`);
}

/** Whoever asks for another name gets nothing of the endpoints. */
function buildStrangers(front: Front, options: NginxOptions): readonly TaggedLine[] {
  if (front.names.length === 0) return [];
  const { plainHttp } = front;
  return [
    block(
      'server',
      [
        line(secureListen(front, options, ' default_server')),
        ...(plainHttp === undefined ? [] : [line(listenOn(plainHttp, ' default_server'))]),
        line('server_name _'),
        ...buildTls(front, options),
        line('return 421'),
      ],
      { why: 'host-guard' },
    ),
  ];
}

function buildServer(front: Front, options: NginxOptions): TaggedLine {
  const { limits } = front;
  return block('server', [
    line(
      secureListen(front, options, front.names.length === 0 ? ' default_server' : ''),
      front.http2 && options.dialect === '1.22' ? { why: 'http2' } : {},
    ),
    line(`server_name ${toServerNames(front)}`),
    ...buildTls(front, options),
    ...(hasPublicName(front)
      ? [line(`add_header Strict-Transport-Security "${strictTransport}" always`, { why: 'hsts' })]
      : []),
    line(`client_max_body_size ${Math.ceil(limits.bodyBytes / 1024)}k`, { why: 'body-limit' }),
    line(`client_body_buffer_size ${Math.min(1024, Math.ceil(limits.bodyBytes / 1024))}k`, {
      note: 'calls up to this size never touch the disk',
    }),
    line('gzip off', { why: 'no-compression' }),
    ...buildProxy(front),
    ...buildEndpoints(front),
    ...buildAuthz(front),
    ...buildLoginPages(front),
    block('location /', [line('return 404')], { why: 'exact-path' }),
  ]);
}

/** A wildcard of nginx takes any number of labels, one of a certificate takes one. */
function toServerNames({ names }: Front): string {
  if (names.length === 0) return '_';
  return names
    .map((name) => {
      if (name.startsWith('*.')) return `~^[a-z0-9_-]+${escapePattern(name.slice(1))}$`;
      return toBracketedHost(name);
    })
    .join(' ');
}

/** Plain HTTP: pages are sent to HTTPS, calls are refused, since they have shown their token already. */
function buildPlainServer(front: Front): readonly TaggedLine[] {
  const { plainHttp, publicUrl, names } = front;
  if (plainHttp === undefined) return [];
  const { port } = new URL(publicUrl);
  const target = names.length === 0 ? publicUrl : `https://$host${port === '' ? '' : `:${port}`}`;
  return [
    block(
      'server',
      [
        line(listenOn(plainHttp, names.length === 0 ? ' default_server' : '')),
        line(`server_name ${toServerNames(front)}`),
        block('location ^~ /.well-known/acme-challenge/', [line('root /var/www/letsencrypt')], {
          note: 'for `certbot certonly --webroot -w /var/www/letsencrypt`',
        }),
        block('location /', [
          block('if ($is_page = 0)', [line('return 403')]),
          line(`return 308 ${target}$request_uri`),
        ]),
      ],
      { why: 'http-redirect' },
    ),
  ];
}

/** Measured with 1.22: the head of an answer stays in the buffer of TLS until something follows it, whatever is configured. */
function warnOfLateHeads({ http2 }: Front): readonly RenderWarning[] {
  if (!http2) return [];
  return [
    {
      requirement: 'unbuffered',
      message:
        'nginx sends the head of a quiet stream over HTTP/2 with its first event: browsers see that it is open when something comes, and not before',
    },
  ];
}

function listWarnings(front: Front): readonly RenderWarning[] {
  return [
    ...warnOfListedNames(front, 'nginx'),
    ...warnOfAnyName(front, 'nginx'),
    ...warnOfAddressAffinity(front, 'nginx'),
    ...warnOfSilence(front, 'nginx'),
    ...warnOfAddressCertificates(front, 'nginx'),
    ...warnOfLateHeads(front),
  ];
}
