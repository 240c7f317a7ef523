import { dirname } from 'node:path';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { tls12Suites } from '../../tls/handshake/policy.ts';
import { strictTransport } from '../../http/strict-transport.ts';
import { formatAuthority } from '../../lib/authority.ts';
import {
  browserHeaders,
  endpointMethods,
  exposedHeaders,
  preflightSeconds,
} from '../../mcp/browser-access.ts';
import { PARAM_HEADER_PREFIX } from '../../mcp/headers.ts';
import {
  escapePattern,
  hasPublicName,
  loginPaths,
  toNamePattern,
  toOriginPattern,
} from '../browser-rules.ts';
import { claimedForwards, claimedHeaders, claimedPrefixes } from '../claimed-headers.ts';
import { warnOfAddressCertificates, warnOfAnyName, warnOfSilence } from '../common-warnings.ts';
import type { Front } from '../front.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { block, line, printTaggedLines, type LineSyntax, type TaggedLine } from '../tagged-lines.ts';
import { findUnwritable, toGroup, toUnsupported } from '../unsupported.ts';
import { buildBackends, toBackendName } from './haproxy-backends.ts';
import { toHaproxyWord, word } from './haproxy-syntax.ts';

const syntax: LineSyntax = {
  indent: '    ',
  end: '',
  open: (text) => text,
  close: () => undefined,
  width: 120,
};
const suites = tls12Suites.join(':');
const methods = endpointMethods.join(', ');

/**
 * A whole haproxy.cfg, for HAProxy from 2.6 on. Fails where callers have to be known in mode `direct`: HAProxy has nobody to ask.
 */
export function renderHaproxy(front: Front): Result<Rendered, Diagnostic[]> {
  const problems = [
    ...findUnwritable(front, 'HAProxy', (text) => toHaproxyWord(text) !== undefined),
    ...front.routes.flatMap((route) => {
      if (front.mode === 'direct' && route.protected)
        return [
          toUnsupported(
            `HAProxy has no way to ask another program who may call \`${route.path}\``,
            'render with `--mode front`: Breakwater behind it decides',
          ),
        ];
      const group = toGroup(route, 'HAProxy');
      return group.ok ? [] : [group.error];
    }),
  ];
  if (problems.length > 0) return fail(problems);
  const text = printHaproxy(buildHaproxy(front));
  return ok({ files: [{ path: 'haproxy.cfg', text }], warnings: listWarnings(front) });
}

export function printHaproxy(lines: readonly TaggedLine[]): string {
  return printTaggedLines(lines, syntax);
}

export function buildHaproxy(front: Front): readonly TaggedLine[] {
  return [
    buildGlobal(front),
    buildDefaults(front),
    buildSecureFrontend(front),
    ...buildPlainFrontend(front),
    ...buildBackends(front),
  ];
}

function buildGlobal({ limits, timeouts, tlsPolicy }: Front): TaggedLine {
  return block('global', [
    line('log stdout format raw local0'),
    line(`maxconn ${limits.connections}`, { why: 'slow-clients' }),
    line(`hard-stop-after ${timeouts.drain}ms`, { why: 'short-reload' }),
    // A head has to fit into a buffer, less what HAProxy keeps of it for itself.
    line(`tune.bufsize ${Math.max(32_768, limits.headBytes * 2)}`, { why: 'header-room' }),
    line('tune.http.maxhdr 128'),
    line(`tune.h2.max-concurrent-streams ${limits.http2Streams}`),
    line(
      `ssl-default-bind-options ssl-min-ver ${tlsPolicy === 'modern' ? 'TLSv1.3' : 'TLSv1.2'} no-tls-tickets`,
      {
        why: 'tls-policy',
      },
    ),
    ...(tlsPolicy === 'modern' ? [] : [line(`ssl-default-bind-ciphers ${suites}`)]),
  ]);
}

function buildDefaults({ timeouts }: Front): TaggedLine {
  return block('defaults', [
    line('mode http'),
    line('log global'),
    line('log-format "%ci:%cp [%tr] %ft %b/%s %Tr/%Ta %ST %B %HM %HP"', { why: 'secret-free-logs' }),
    line(`timeout connect ${timeouts.connect}ms`),
    line(`timeout http-request ${timeouts.head}ms`, { why: 'slow-clients' }),
    line(`timeout http-keep-alive ${timeouts.idle}ms`),
    line(`timeout client ${timeouts.stream}ms`, { why: 'long-streams' }),
    line(`timeout server ${timeouts.stream}ms`),
    line(`timeout tunnel ${timeouts.stream}ms`),
    line('option http-keep-alive', { why: 'upstream-keep-alive' }),
    line('option clitcpka', { why: 'socket-keep-alive' }),
    line('option srvtcpka'),
    line('retries 0', { why: 'no-retries' }),
    line('no option redispatch'),
  ]);
}

function buildSecureFrontend(front: Front): TaggedLine {
  const { listen, certificate, http2, limits } = front;
  const address = formatAuthority(listen.host, listen.port);
  const pem = `${dirname(certificate.cert)}/haproxy.pem`;
  return block('frontend mcp_https', [
    line(`bind ${address} ssl crt ${word(pem)} alpn ${http2 ? 'h2,http/1.1' : 'http/1.1'}`, {
      why: 'http2',
      note: `HAProxy reads certificate, chain and key from one file: cat ${certificate.cert} ${certificate.key} > ${pem}`,
    }),
    line('stick-table type ipv6 size 100k expire 1m store conn_cur', { why: 'rate-limit' }),
    line('tcp-request connection track-sc0 src'),
    line(`tcp-request connection reject if { sc0_conn_cur gt ${limits.connectionsPerAddress} }`),
    ...guardHost(front),
    ...believeProxies(front),
    ...limitBody(front),
    ...nameEndpoints(front),
    ...(front.mode === 'direct' ? guardBrowsers(front) : []),
    ...overwriteClaims(front),
    ...(hasPublicName(front)
      ? [line(`http-response set-header Strict-Transport-Security "${strictTransport}"`, { why: 'hsts' })]
      : []),
    ...front.routes.map((_route, index) =>
      line(`use_backend ${toBackendName(index)} if endpoint_${index + 1}`),
    ),
    ...(front.mode === 'front' && hasLogin(front) ? [line(`use_backend ${toBackendName(0)} if login`)] : []),
  ]);
}

function hasLogin({ routes }: Front): boolean {
  return routes.some(({ metadataPaths }) => metadataPaths.length > 0);
}

/** Compared as it is spelled: `path` of HAProxy decodes nothing. */
function nameEndpoints(front: Front): readonly TaggedLine[] {
  const { routes } = front;
  const endpoints = routes.map(({ path }, index) =>
    line(
      `acl endpoint_${index + 1} path ${path === '/' ? '/' : `${word(path)} ${word(`${path}/`)}`}`,
      index === 0 ? { why: 'exact-path' } : {},
    ),
  );
  const names = routes.map((_route, index) => `!endpoint_${index + 1}`);
  const paths = [...new Set([...routes.flatMap(({ metadataPaths }) => metadataPaths), ...loginPaths.exact])];
  const login =
    front.mode === 'front' && hasLogin(front)
      ? [
          line(`acl login path ${paths.map(word).join(' ')}`, { why: 'metadata-path' }),
          line(`acl login path_beg ${loginPaths.prefix}`),
        ]
      : [];
  const others = login.length > 0 ? [...names, '!login'] : names;
  return [...endpoints, ...login, line(`http-request return status 404 if ${others.join(' ')}`)];
}

function guardHost(front: Front): readonly TaggedLine[] {
  const pattern = toNamePattern(front);
  if (pattern === undefined) return [];
  return [
    line(`acl known_host req.fhdr(host),host_only,lower -m reg ${word(`^${pattern}$`)}`, {
      why: 'host-guard',
    }),
    line('http-request return status 421 unless known_host'),
  ];
}

function believeProxies({ trustedProxies }: Front): readonly TaggedLine[] {
  if (trustedProxies.length === 0) return [];
  return [
    line(
      `http-request set-src req.hdr_ip(x-forwarded-for,-1) if { src ${trustedProxies.map(word).join(' ')} }`,
      {
        why: 'forwarded-headers',
      },
    ),
  ];
}

function limitBody({ limits }: Front): readonly TaggedLine[] {
  return [
    line(`http-request return status 413 if { req.hdr_val(content-length) gt ${limits.bodyBytes} }`, {
      why: 'body-limit',
    }),
  ];
}

function guardBrowsers(front: Front): readonly TaggedLine[] {
  const names = [...browserHeaders.map(escapePattern), `${PARAM_HEADER_PREFIX}[a-z0-9_-]+`].join('|');
  const cors = [
    'hdr Access-Control-Allow-Origin "%[var(txn.origin)]"',
    `hdr Access-Control-Allow-Methods "${methods}"`,
    `hdr Access-Control-Max-Age ${preflightSeconds}`,
    'hdr Vary Origin',
    `hdr Allow "${methods}"`,
  ];
  const known = `{ req.fhdr(access-control-request-headers) -m reg -i ${word(`^ *(${names}) *(, *(${names}) *)*$`)} }`;
  return [
    line('acl from_page req.fhdr(origin) -m found', { why: 'origin-guard' }),
    line(`acl known_origin req.fhdr(origin) -m reg ${word(toOriginPattern(front))}`),
    line('http-request return status 403 if from_page !known_origin'),
    line('http-request return status 403 if { req.fhdr_cnt(origin) gt 1 }'),
    line('http-request set-var(txn.origin) req.fhdr(origin) if from_page', { why: 'cors' }),
    line(
      `http-request return status 204 hdr Access-Control-Allow-Headers "%[req.fhdr(access-control-request-headers)]" ${cors.join(' ')} if { method OPTIONS } from_page ${known}`,
    ),
    line(`http-request return status 204 ${cors.join(' ')} if { method OPTIONS } from_page`),
    line(`http-request return status 204 hdr Allow "${methods}" if { method OPTIONS }`),
    line(
      `http-request return status 405 hdr Allow "${methods}" unless { method ${endpointMethods.join(' ')} }`,
      {
        why: 'methods',
      },
    ),
    line('http-response del-header Access-Control- -m beg'),
    line(
      'http-response set-header Access-Control-Allow-Origin "%[var(txn.origin)]" if { var(txn.origin) -m found }',
    ),
    line(
      `http-response set-header Access-Control-Expose-Headers "${exposedHeaders}" if { var(txn.origin) -m found }`,
    ),
    line('http-response add-header Vary Origin if { var(txn.origin) -m found }'),
  ];
}

function overwriteClaims(front: Front): readonly TaggedLine[] {
  const isDirect = front.mode === 'direct';
  return [
    line('http-request del-header X-Forwarded- -m beg', { why: 'forwarded-headers' }),
    line('http-request del-header X-Forwarded'),
    line('http-request set-header X-Forwarded-For %[src]'),
    line('http-request set-header X-Forwarded-Proto https'),
    line('http-request set-header X-Forwarded-Host %[req.fhdr(host)]'),
    ...claimedHeaders.map((name, index) =>
      line(`http-request del-header ${name}`, index === 0 ? { why: 'identity-headers' } : {}),
    ),
    ...claimedPrefixes
      .filter((prefix) => !claimedForwards.includes(prefix))
      .map((prefix) => line(`http-request del-header ${prefix} -m beg`)),
    line('http-request del-header _ -m sub', {
      note: 'some servers take X_Forwarded_For for X-Forwarded-For, and Breakwater refuses such names',
    }),
    line('http-request set-header X-Real-IP %[src]'),
    ...(isDirect
      ? [
          line('http-request del-header Origin', {
            note: 'it was checked above, and the server knows only its own',
          }),
          line('http-request del-header Accept-Encoding', { why: 'no-compression' }),
        ]
      : []),
  ];
}

/** Plain HTTP: pages are sent to HTTPS, calls are refused, since they have shown their token already. */
function buildPlainFrontend(front: Front): readonly TaggedLine[] {
  const { plainHttp, publicUrl, names } = front;
  if (plainHttp === undefined) return [];
  const { port } = new URL(publicUrl);
  const target =
    names.length === 0 ? publicUrl : `https://%[req.fhdr(host),host_only]${port === '' ? '' : `:${port}`}`;
  return [
    block('frontend mcp_http', [
      line(`bind ${formatAuthority(plainHttp.host, plainHttp.port)}`),
      ...guardHost(front),
      line('acl page method GET HEAD', { why: 'http-redirect' }),
      line('acl call req.fhdr(authorization) -m found'),
      line('acl call req.fhdr(accept) -m sub text/event-stream'),
      line(`http-request redirect code 308 location ${target}%[capture.req.uri] if page !call`),
      line('http-request return status 403'),
    ]),
  ];
}

function listWarnings(front: Front): readonly RenderWarning[] {
  return [
    ...warnOfAnyName(front, 'HAProxy'),
    {
      requirement: 'body-limit',
      message:
        'HAProxy limits bodies by the length that they announce: one without a length passes, and the MCP server has to limit it',
    },
    ...warnOfSilence(front, 'HAProxy'),
    ...warnOfAddressCertificates(front, 'HAProxy'),
  ];
}
