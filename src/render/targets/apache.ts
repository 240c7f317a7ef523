import { formatAuthority, toBracketedHost } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { tls12Suites } from '../../tls/handshake/policy.ts';
import { escapePattern, toNamePattern } from '../browser-rules.ts';
import { warnOfAnyName, warnOfListedNames, warnOfSilence } from '../common-warnings.ts';
import type { Front, FrontAddress } from '../front.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { findUnwritable, toUnsupported } from '../unsupported.ts';
import { buildGuards, buildHeaders, buildProxies } from './apache-routes.ts';
import { pattern, printApache, toApacheWord, toSeconds, word } from './apache-syntax.ts';

const suites = tls12Suites.join(':');
/** What `a2enmod` turns on. */
const modules = [
  'ssl',
  'http2',
  'proxy',
  'proxy_http',
  'headers',
  'rewrite',
  'reqtimeout',
  'setenvif',
  'remoteip',
];

/**
 * A site for Apache httpd from 2.4 on. Fails where callers have to be known in mode `direct`: Apache has nobody to ask; and for replicas,
 * since its balancer keeps no MCP session.
 */
export function renderApache(front: Front): Result<Rendered, Diagnostic[]> {
  const problems = [
    ...findUnwritable(front, 'Apache', (text) => toApacheWord(text) !== undefined),
    ...front.routes.flatMap(({ path, protected: isProtected, upstreams }) => {
      const found: Diagnostic[] = [];
      if (front.mode === 'direct' && isProtected)
        found.push(
          toUnsupported(
            `Apache has no way to ask another program who may call \`${path}\``,
            'render with `--mode front`: Breakwater behind it decides',
          ),
        );
      if (upstreams.length > 1)
        found.push(
          toUnsupported(
            `the balancer of Apache would break the sessions of \`${path}\`: it keeps to cookies, which MCP clients do not have`,
            'name one server, or use HAProxy',
          ),
        );
      return found;
    }),
  ];
  if (problems.length > 0) return fail(problems);
  const text = printApache(buildApache(front));
  return ok({ files: [{ path: 'breakwater.conf', text }], warnings: listWarnings(front) });
}

export function buildApache(front: Front): readonly TaggedLine[] {
  return [
    ...modules.map((name) =>
      block(`IfModule !${name}_module`, [line(`Error "this site needs: a2enmod ${modules.join(' ')}"`)]),
    ),
    ...buildListens(front),
    line(`GracefulShutdownTimeout ${toSeconds(front.timeouts.drain)}`, { why: 'short-reload' }),
    line(`LimitRequestFieldSize ${front.limits.headBytes}`, {
      why: 'header-room',
      note: 'for all sites: a head is read before its site is known',
    }),
    line(`LimitRequestLine ${front.limits.headBytes}`),
    line('LimitRequestFields 128'),
    line('LogFormat "%h %t \\"%m %U\\" %>s %B %D" mcp', { why: 'secret-free-logs' }),
    ...buildStrangers(front),
    buildSecureHost(front),
    ...buildPlainHost(front),
  ];
}

/** Debian's `ports.conf` listens on the usual ports, and twice is an error. */
function buildListens({ listen, plainHttp }: Front): readonly TaggedLine[] {
  return [listen, plainHttp].flatMap((address) =>
    address === undefined || address.port === 80 || address.port === 443
      ? []
      : [line(`Listen ${formatAuthority(address.host, address.port)}`)],
  );
}

/** Any address: a site is chosen by its name, once the connection is there. */
const toHost = ({ port }: FrontAddress): string => `VirtualHost *:${port}`;

function buildTls({ certificate, tlsPolicy, http2, limits }: Front): readonly TaggedLine[] {
  return [
    line(`Protocols ${http2 ? 'h2 http/1.1' : 'http/1.1'}`, { why: 'http2' }),
    ...(http2 ? [line(`H2MaxSessionStreams ${limits.http2Streams}`)] : []),
    line('SSLEngine on'),
    line(`SSLCertificateFile ${word(certificate.cert)}`, { why: 'certificate-chain' }),
    line(`SSLCertificateKeyFile ${word(certificate.key)}`),
    line(`SSLProtocol -all ${tlsPolicy === 'modern' ? '+TLSv1.3' : '+TLSv1.2 +TLSv1.3'}`, {
      why: 'tls-policy',
    }),
    ...(tlsPolicy === 'modern' ? [] : [line(`SSLCipherSuite ${suites}`)]),
    line('SSLHonorCipherOrder off'),
    line('SSLSessionTickets off'),
  ];
}

function buildNames({ names }: Front): readonly TaggedLine[] {
  const [first, ...others] = names.map(toBracketedHost);
  if (first === undefined) return [];
  // A name of Apache is neither a pattern nor an address in brackets; an alias may be both.
  const isPlain = !/[*[]/.test(first);
  const alias = isPlain ? others : [first, ...others];
  return [
    line(`ServerName ${isPlain ? first : 'endpoint.invalid'}`),
    ...(alias.length > 0 ? [line(`ServerAlias ${alias.join(' ')}`)] : []),
  ];
}

/** The first site takes whoever asks for another name. */
function buildStrangers(front: Front): readonly TaggedLine[] {
  if (front.names.length === 0) return [];
  const refuse = [line('RewriteEngine On'), line('RewriteRule ^ - [R=421,L]')];
  return [
    block(toHost(front.listen), [line('ServerName stranger.invalid'), ...buildTls(front), ...refuse], {
      why: 'host-guard',
    }),
    ...(front.plainHttp === undefined
      ? []
      : [block(toHost(front.plainHttp), [line('ServerName stranger.invalid'), ...refuse])]),
  ];
}

function buildSecureHost(front: Front): TaggedLine {
  const { limits, timeouts } = front;
  return block(toHost(front.listen), [
    ...buildNames(front),
    ...buildTls(front),
    line('CustomLog ${APACHE_LOG_DIR}/mcp.log mcp'),
    line(
      `RequestReadTimeout handshake=10 header=${toSeconds(timeouts.head)} body=${toSeconds(timeouts.body)},MinRate=500`,
      {
        why: 'slow-clients',
      },
    ),
    line(`Timeout ${toSeconds(timeouts.stream)}`, { why: 'long-streams' }),
    line(`ProxyTimeout ${toSeconds(timeouts.stream)}`),
    line('KeepAlive On', { why: 'client-keep-alive' }),
    line(`KeepAliveTimeout ${toSeconds(timeouts.idle)}`),
    line('MaxKeepAliveRequests 0'),
    line(`LimitRequestBody ${limits.bodyBytes}`, { why: 'body-limit' }),
    line('SetEnv no-gzip 1', { why: 'no-compression' }),
    line('ProxyRequests Off'),
    line('ProxyErrorOverride Off', { why: 'own-errors' }),
    ...believeProxies(front),
    ...checkName(front),
    line(`RewriteCond expr "%{HTTP:Content-Length} -gt ${limits.bodyBytes}"`, {
      note: 'at once: the limit above would first wait for the body',
    }),
    line('RewriteRule ^ - [R=413,L]'),
    ...buildGuards(front),
    ...buildHeaders(front),
    ...buildProxies(front),
  ]);
}

/** A wildcard of Apache takes any number of labels, one of a certificate takes one. */
function checkName(front: Front): readonly TaggedLine[] {
  const names = toNamePattern(front);
  if (names === undefined || !front.names.some((name) => name.startsWith('*.')))
    return [line('RewriteEngine On')];
  return [
    line('RewriteEngine On'),
    line(`RewriteCond %{HTTP_HOST} !${pattern(`^${names}(:[0-9]+)?$`)} [NC]`.replace('!"', '"!')),
    line('RewriteRule ^ - [R=421,L]'),
  ];
}

function believeProxies({ trustedProxies }: Front): readonly TaggedLine[] {
  if (trustedProxies.length === 0) return [];
  return [
    line('RemoteIPHeader X-Forwarded-For', { why: 'forwarded-headers' }),
    ...trustedProxies.map((proxy) => line(`RemoteIPTrustedProxy ${word(proxy)}`)),
  ];
}

/** Plain HTTP: pages are sent to HTTPS, calls are refused, since they have shown their token already. */
function buildPlainHost(front: Front): readonly TaggedLine[] {
  const { plainHttp, publicUrl, names } = front;
  if (plainHttp === undefined) return [];
  const { port } = new URL(publicUrl);
  const target = names.length > 1 ? `https://%{SERVER_NAME}${port === '' ? '' : `:${port}`}` : publicUrl;
  return [
    block(
      toHost(plainHttp),
      [
        ...buildNames(front),
        line('RewriteEngine On'),
        line('RewriteCond %{REQUEST_URI} ^/\\.well-known/acme-challenge/'),
        line('RewriteRule ^ - [L]'),
        line('RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$ [OR]'),
        line('RewriteCond %{HTTP:Authorization} !^$ [OR]'),
        line(`RewriteCond %{HTTP:Accept} ${escapePattern('text/event-stream')}`),
        line('RewriteRule ^ - [F,L]'),
        line(`RewriteRule ^ ${target}%{REQUEST_URI} [R=308,L]`),
      ],
      { why: 'http-redirect' },
    ),
  ];
}

function listWarnings(front: Front): readonly RenderWarning[] {
  return [
    {
      requirement: 'long-streams',
      message:
        'Apache keeps a thread for each open stream: `MaxRequestWorkers`, 150 by itself, is how many streams and calls it has room for',
    },
    {
      requirement: 'rate-limit',
      message: 'Apache counts no connections by address: one client can take all its threads',
    },
    ...warnOfListedNames(front, 'Apache'),
    ...warnOfAnyName(front, 'Apache'),
    ...warnOfSilence(front, 'Apache'),
  ];
}
