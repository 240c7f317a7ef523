import { formatAuthority } from '../../lib/authority.ts';
import { toUpstreamHost } from '../authority.ts';
import { toCertificateName } from '../certificate-name.ts';
import type { Front, FrontRoute, FrontUpstream } from '../front.ts';
import { block, line, type TaggedLine } from '../tagged-lines.ts';
import { format, word } from './haproxy-syntax.ts';

export const toBackendName = (index: number): string => `mcp_${index + 1}`;

/** HAProxy knows no larger weights; only their proportion counts. */
const LARGEST_WEIGHT = 256;

/** The servers of each route. */
export function buildBackends(front: Front): readonly TaggedLine[] {
  return front.routes.map((route, index) =>
    block(`backend ${toBackendName(index)}`, buildBackend(front, route)),
  );
}

function buildBackend(front: Front, { path, upstreams }: FrontRoute): readonly TaggedLine[] {
  const [first] = upstreams;
  const isDirect = front.mode === 'direct';
  const heaviest = Math.max(...upstreams.map(({ weight }) => weight));
  return [
    ...(upstreams.length > 1
      ? [
          line('balance leastconn'),
          line('stick-table type string len 256 size 100k expire 24h', { why: 'session-affinity' }),
          line('stick match req.fhdr(mcp-session-id)'),
          line('stick store-response res.fhdr(mcp-session-id)'),
        ]
      : []),
    line('http-reuse safe', { why: 'upstream-keep-alive' }),
    ...(isDirect && first !== undefined
      ? [
          line(`http-request set-path ${format(first.path)}`, { why: 'path-kept' }),
          line(`http-request set-header Host ${toUpstreamHost(first)}`, { why: 'host-header' }),
        ]
      : [
          line(`http-request set-path ${format(path)} if { path ${word(`${path}/`)} }`, { why: 'path-kept' }),
        ]),
    ...upstreams.map((upstream, index) => line(toServer(upstream, index, { front, heaviest }))),
  ];
}

function toServer(
  upstream: FrontUpstream,
  index: number,
  { front: { timeouts, routes }, heaviest }: { readonly front: Front; readonly heaviest: number },
): string {
  // Closed here before the 5 s of uvicorn and Node, or a call meets a connection that is just being closed.
  const scale = Math.min(1, LARGEST_WEIGHT / heaviest);
  const weight = heaviest === 1 ? '' : ` weight ${Math.max(1, Math.round(upstream.weight * scale))}`;
  const common = `pool-purge-delay ${timeouts.upstreamIdle}ms${weight}`;
  const check = routes.some(({ upstreams }) => upstreams.length > 1) ? ' check' : '';
  const name = `server s${index + 1}`;
  if (upstream.kind === 'unix') return `${name} ${word(`unix@${upstream.socketPath}`)} ${common}${check}`;
  const address = `${name} ${formatAuthority(upstream.host, upstream.port)} ${common}${check}`;
  if (!upstream.secure) return address;
  const roots = upstream.ca ?? '/etc/ssl/certs/ca-certificates.crt';
  const checked = word(toCertificateName(upstream.host));
  return `${address} ssl verify required ca-file ${word(roots)} sni str(${checked}) verifyhost ${checked} alpn http/1.1`;
}
