import type { Diagnostic } from '../../lib/diagnostic.ts';
import { formatDuration } from '../../lib/duration.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { strictTransport } from '../../http/strict-transport.ts';
import { hasPublicName } from '../browser-rules.ts';
import { warnOfAddressAffinity, warnOfAnyName, warnOfSilence } from '../common-warnings.ts';
import type { Front, FrontAddress } from '../front.ts';
import { goSuites } from '../go-suites.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { findOpenRoutes, findUnwritable, toGroup, toUnsupported } from '../unsupported.ts';

import { printCaddy, toCaddyWord, word } from './caddy-lines.ts';
import { buildClaims, buildEndpoint, buildLoginPages } from './caddy-routes.ts';

/**
 * A Caddyfile for Caddy from 2.6 on. Fails where a protected route would be open, and for texts that a Caddyfile cannot hold.
 */
export function renderCaddy(front: Front): Result<Rendered, Diagnostic[]> {
  const problems = [
    ...findUnwritable(front, 'Caddy', (text) => toCaddyWord(text) !== undefined),
    ...findOpenRoutes(front, 'Caddy'),
    ...front.routes.flatMap((route) => {
      const group = toGroup(route, 'Caddy');
      if (!group.ok) return [group.error];
      return group.value.path.includes('%')
        ? [
            toUnsupported(
              `Caddy cannot ask for \`${group.value.path}\`: it decodes or encodes it again, depending on its version`,
              'serve the MCP server at a path without `%`',
            ),
          ]
        : [];
    }),
  ];
  if (problems.length > 0) return fail(problems);
  const text = printCaddy(buildCaddy(front));
  return ok({ files: [{ path: 'Caddyfile', text }], warnings: listWarnings(front) });
}

export function buildCaddy(front: Front): readonly TaggedLine[] {
  return [buildOptions(front), buildClaims(front), buildSite(front), ...buildPlainSite(front)];
}

function buildOptions({ http2, limits, timeouts }: Front): TaggedLine {
  return block('', [
    line('auto_https off', {
      note: 'certificates are given below; else Caddy would redirect calls from plain HTTP, tokens and all',
    }),
    line(`grace_period ${formatDuration(timeouts.drain)}`, { why: 'short-reload' }),
    block('servers', [
      line(`protocols ${http2 ? 'h1 h2' : 'h1'}`, { why: 'http2' }),
      line(`max_header_size ${limits.headBytes}`, { why: 'header-room' }),
      block(
        'timeouts',
        [
          line(`read_header ${formatDuration(timeouts.head)}`),
          line(`read_body ${formatDuration(timeouts.body)}`),
          line(`idle ${formatDuration(timeouts.idle)}`),
        ],
        { why: 'slow-clients', note: 'no `write`: it would end every stream' },
      ),
    ]),
  ]);
}

function buildSite(front: Front): TaggedLine {
  const { certificate, tlsPolicy, http2, listen } = front;
  return block(`https://:${listen.port}`, [
    ...bind(listen),
    block(
      `tls ${word(certificate.cert)} ${word(certificate.key)}`,
      [
        ...(tlsPolicy === 'modern'
          ? [line('protocols tls1.3')]
          : [line('protocols tls1.2 tls1.3'), line(`ciphers ${goSuites.join(' ')}`)]),
        line(`alpn ${http2 ? 'h2 http/1.1' : 'http/1.1'}`),
      ],
      { why: 'tls-policy' },
    ),
    block('route', [
      ...guardHost(front),
      ...(hasPublicName(front)
        ? [line(`header Strict-Transport-Security "${strictTransport}"`, { why: 'hsts' })]
        : []),
      ...front.routes.flatMap((route, index) => buildEndpoint(front, route, index)),
      ...buildLoginPages(front),
      line('respond 404', { why: 'exact-path' }),
    ]),
  ]);
}

/** Plain HTTP: pages are sent to HTTPS, calls are refused, since they have shown their token already. */
function buildPlainSite(front: Front): readonly TaggedLine[] {
  const { plainHttp, names, publicUrl } = front;
  if (plainHttp === undefined) return [];
  // Several names, each sent to itself; `{host}` has no brackets for an address.
  const several = names.length > 1 || names.some((name) => name.startsWith('*.'));
  const { port } = new URL(publicUrl);
  const target =
    several && !names.some((name) => name.includes(':'))
      ? `https://{host}${port === '' ? '' : `:${port}`}{uri}`
      : `${publicUrl}{uri}`;
  return [
    block(`http://:${plainHttp.port}`, [
      ...bind(plainHttp),
      block('route', [
        ...guardHost(front),
        block('@page', [
          line('method GET HEAD'),
          line('not header Authorization *'),
          line('not header Accept *text/event-stream*'),
        ]),
        line(`redir @page \`${target}\` 308`, { why: 'http-redirect' }),
        line('respond 403'),
      ]),
    ]),
  ];
}

function guardHost({ names }: Front): readonly TaggedLine[] {
  if (names.length === 0) return [];
  return [
    line(`@stranger not host ${names.map((name) => word(name)).join(' ')}`, {
      why: 'host-guard',
    }),
    line('respond @stranger 421'),
  ];
}

function bind({ host }: FrontAddress): readonly TaggedLine[] {
  return [line(`bind ${word(host)}`)];
}

function listWarnings(front: Front): readonly RenderWarning[] {
  return [
    ...warnOfAnyName(front, 'Caddy'),
    ...(front.trustedProxies.length === 0 ? warnOfAddressAffinity(front, 'Caddy') : warnOfOneProxy(front)),
    ...warnOfWeights(front),
    ...(front.mode === 'front' ? [] : [uncounted]),
    ...warnOfSilence(front, 'Caddy'),
  ];
}

const uncounted: RenderWarning = {
  requirement: 'rate-limit',
  message: 'Caddy counts neither connections nor calls: one client can take the server from everyone',
};

function warnOfWeights({ routes }: Front): readonly RenderWarning[] {
  return routes
    .filter(({ upstreams }) => new Set(upstreams.map(({ weight }) => weight)).size > 1)
    .map(({ path }) => ({
      requirement: 'session-affinity',
      message: `each server of \`${path}\` gets the same share: Caddy knows no weights where it chooses by address`,
    }));
}

function warnOfOneProxy({ routes }: Front): readonly RenderWarning[] {
  return routes
    .filter(({ upstreams }) => upstreams.length > 1)
    .map(({ path }) => ({
      requirement: 'session-affinity',
      message: `Caddy cannot tell which server began a session of \`${path}\`: it chooses by the address that connects, so that all calls through one proxy go to one server`,
    }));
}
