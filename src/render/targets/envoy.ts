import { isIP } from 'node:net';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { tls12Suites } from '../../tls/handshake/policy.ts';
import { warnOfAnyName, warnOfSilence } from '../common-warnings.ts';
import type { Front, FrontAddress } from '../front.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { findOpenRoutes, findUnwritable, toGroup } from '../unsupported.ts';
import { buildClusters } from './envoy-clusters.ts';
import { buildFilters } from './envoy-filters.ts';
import { buildPlainRoutes, buildRoutes } from './envoy-routes.ts';
import { because, noted, printYaml, type YamlValue } from './yaml-text.ts';

/** Patterns are of our own making, and RE2 takes time in proportion to what it reads. */
const maxPatternSize = 16_384;

const typePrefix = 'type.googleapis.com/envoy.';

/** A static bootstrap for Envoy from 1.35 on. Fails where a protected route would be open. */
export function renderEnvoy(front: Front): Result<Rendered, Diagnostic[]> {
  const problems = [
    ...findUnwritable(front, 'Envoy', (text) => !/\p{Cc}/u.test(text)),
    ...findOpenRoutes(front, 'Envoy'),
    ...front.routes.flatMap((route) => {
      const group = toGroup(route, 'Envoy');
      return group.ok ? [] : [group.error];
    }),
  ];
  if (problems.length > 0) return fail(problems);
  const text = printYaml({
    layered_runtime: noted(
      'with the default of 100, a handful of names and origins is refused as too long a pattern',
      {
        layers: [
          { name: 'patterns', static_layer: { re2: { max_program_size: { error_level: maxPatternSize } } } },
        ],
      },
    ),
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type': `${typePrefix}extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: because('slow-clients', front.limits.connections),
          },
        },
      ],
    },
    static_resources: {
      listeners: [
        buildListener(front, 'secure', front.listen),
        ...(front.plainHttp === undefined ? [] : [buildListener(front, 'plain', front.plainHttp)]),
      ],
      clusters: buildClusters(front),
    },
  });
  return ok({ files: [{ path: 'envoy.yaml', text }], warnings: listWarnings(front) });
}

function buildListener(front: Front, name: 'secure' | 'plain', address: FrontAddress): YamlValue {
  const isSecure = name === 'secure';
  return {
    name,
    address: {
      socket_address: {
        address: address.host,
        port_value: address.port,
        ...(address.host === '::' ? { ipv4_compat: true } : {}),
      },
    },
    per_connection_buffer_limit_bytes: 262_144,
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: buildConnectionManager(front, isSecure),
          },
        ],
        ...(isSecure ? { transport_socket: buildTls(front) } : {}),
      },
    ],
  };
}

function buildConnectionManager(front: Front, isSecure: boolean): YamlValue {
  const { http2, limits, timeouts, trustedProxies } = front;
  const longest = `${timeouts.stream / 1000}s`;
  return {
    '@type': `${typePrefix}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: isSecure ? 'secure' : 'plain',
    codec_type: isSecure && http2 ? 'AUTO' : 'HTTP1',
    ...(trustedProxies.length === 0
      ? { use_remote_address: because('forwarded-headers', true) }
      : {
          original_ip_detection_extensions: because('forwarded-headers', [
            {
              name: 'envoy.http.original_ip_detection.xff',
              typed_config: {
                '@type': `${typePrefix}extensions.http.original_ip_detection.xff.v3.XffConfig`,
                xff_trusted_cidrs: { cidrs: trustedProxies.map(toRange) },
              },
            },
          ]),
        }),
    server_header_transformation: 'PASS_THROUGH',
    normalize_path: because('exact-path', false),
    max_request_headers_kb: because('header-room', Math.min(8192, Math.ceil(limits.headBytes / 1024))),
    http2_protocol_options: { max_concurrent_streams: limits.http2Streams },
    common_http_protocol_options: {
      idle_timeout: because('slow-clients', `${timeouts.idle / 1000}s`),
      max_headers_count: because('header-room', 200),
    },
    request_headers_timeout: `${timeouts.head / 1000}s`,
    request_timeout: noted('for the request alone; answers have no limit', `${timeouts.body / 1000}s`),
    stream_idle_timeout: because('long-streams', longest),
    drain_timeout: because('short-reload', `${timeouts.drain / 1000}s`),
    http_filters: buildFilters(front, isSecure),
    route_config: isSecure ? buildRoutes(front) : buildPlainRoutes(front),
  };
}

function buildTls({ certificate, tlsPolicy, http2 }: Front): YamlValue {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${typePrefix}extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      disable_stateless_session_resumption: noted(
        'keys of tickets that nobody renews would open recorded connections',
        true,
      ),
      common_tls_context: {
        tls_params: because('tls-policy', {
          tls_minimum_protocol_version: tlsPolicy === 'modern' ? 'TLSv1_3' : 'TLSv1_2',
          tls_maximum_protocol_version: 'TLSv1_3',
          ...(tlsPolicy === 'modern' ? {} : { cipher_suites: tls12Suites }),
        }),
        tls_certificates: [
          {
            certificate_chain: because('certificate-chain', { filename: certificate.cert }),
            private_key: { filename: certificate.key },
          },
        ],
        alpn_protocols: because('http2', http2 ? ['h2', 'http/1.1'] : ['http/1.1']),
      },
    },
  };
}

function toRange(text: string): YamlValue {
  const [address = '', bits] = text.split('/');
  return { address_prefix: address, prefix_len: Number(bits ?? (isIP(address) === 6 ? 128 : 32)) };
}

function listWarnings(front: Front): readonly RenderWarning[] {
  const warnings: RenderWarning[] = [...warnOfAnyName(front, 'Envoy')];
  for (const { path, upstreams } of front.routes)
    if (upstreams.length > 1)
      warnings.push({
        requirement: 'session-affinity',
        message: `Envoy writes the address of the MCP server into the session ids of \`${path}\`, readable for clients; it can say which servers there are`,
      });
  if (front.mode === 'front')
    warnings.push({
      requirement: 'access-control',
      message:
        'Envoy cannot verify the certificate of the local authority, whose name constraints its TLS library refuses: a program of this machine that takes the port of Breakwater while it is down sees the tokens',
    });
  if (front.mode === 'direct')
    warnings.push({
      requirement: 'rate-limit',
      message:
        'Envoy counts connections, but not the calls of one client: one client in a loop can take the server from everyone',
    });
  return [...warnings, ...warnOfSilence(front, 'Envoy')];
}
