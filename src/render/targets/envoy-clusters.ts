import { isIP } from 'node:net';
import type { Front, FrontUpstream } from '../front.ts';
import { because, noted, type YamlValue } from './yaml-text.ts';

/** Where Debian, Ubuntu and Alpine keep the roots of the system. */
const systemRoots = '/etc/ssl/certs/ca-certificates.crt';

/** One cluster a route, and `breakwater` for whoever decides on callers and answers the OAuth paths. */
export function buildClusters(front: Front): readonly YamlValue[] {
  const { authz, mode, routes } = front;
  const clusters = routes.map(({ upstreams }, index) =>
    buildCluster(front, `endpoint${index + 1}`, upstreams),
  );
  if (mode === 'front' || authz === undefined) return clusters;
  const breakwater: FrontUpstream = {
    kind: 'tcp',
    secure: false,
    ...authz,
    path: '/',
    ca: undefined,
    weight: 1,
  };
  return [...clusters, buildCluster(front, 'breakwater', [breakwater])];
}

function buildCluster(front: Front, name: string, upstreams: readonly FrontUpstream[]): YamlValue {
  const { limits, timeouts } = front;
  const [first] = upstreams;
  const hasNames = upstreams.some((upstream) => upstream.kind === 'tcp' && isIP(upstream.host) === 0);
  return {
    name,
    type: hasNames ? 'STRICT_DNS' : 'STATIC',
    connect_timeout: `${timeouts.connect / 1000}s`,
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: upstreams.map((upstream) => ({
            endpoint: { address: toAddress(upstream) },
            ...(upstream.weight === 1 ? {} : { load_balancing_weight: upstream.weight }),
          })),
        },
      ],
    },
    circuit_breakers: noted(
      'each open stream is a request: with the default of 1024, the next one gets 503',
      {
        thresholds: [
          {
            max_connections: limits.connections,
            max_pending_requests: limits.connections,
            max_requests: limits.connections,
            max_retries: because('no-retries', 0),
          },
        ],
      },
    ),
    upstream_connection_options: {
      tcp_keepalive: because('socket-keep-alive', {
        keepalive_time: 30,
        keepalive_interval: 10,
        keepalive_probes: 3,
      }),
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        common_http_protocol_options: {
          idle_timeout: because('upstream-keep-alive', `${timeouts.upstreamIdle / 1000}s`),
        },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    ...(first?.kind === 'tcp' && first.secure ? { transport_socket: buildTls(front, first) } : {}),
  };
}

function buildTls({ mode }: Front, upstream: Extract<FrontUpstream, { kind: 'tcp' }>): YamlValue {
  const { host, ca } = upstream;
  const isAddress = isIP(host) !== 0;
  const contextType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const tls = { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' }, alpn_protocols: ['http/1.1'] };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': contextType,
      ...(isAddress ? {} : { sni: host }),
      common_tls_context:
        mode === 'front'
          ? noted(
              'not verified: the TLS library of Envoy refuses the name constraints of the local authority; the connection stays on this machine',
              tls,
            )
          : {
              ...tls,
              validation_context: noted(
                'without it Envoy believes any certificate: anything on that port could read tokens',
                {
                  trusted_ca: { filename: ca ?? systemRoots },
                  match_typed_subject_alt_names: [
                    { san_type: isAddress ? 'IP_ADDRESS' : 'DNS', matcher: { exact: host } },
                  ],
                },
              ),
            },
    },
  };
}

function toAddress(upstream: FrontUpstream): YamlValue {
  return upstream.kind === 'unix'
    ? { pipe: { path: upstream.socketPath } }
    : { socket_address: { address: upstream.host, port_value: upstream.port } };
}
