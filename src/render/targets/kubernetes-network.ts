import { isIP } from 'node:net';
import { isLoopbackHost } from '../../lib/networks.ts';
import type { Cluster } from '../cluster.ts';
import { buildLabels, type Spots } from './kubernetes-spots.ts';
import { noted, type YamlMapping, type YamlValue } from './yaml-text.ts';

/** Addresses that a cloud gives its machines their credentials at, and others that are of one link alone. */
const linkLocal = { v4: ['169.254.0.0/16'], v6: ['fe80::/10', 'fd00:ec2::254/128'] } as const;
const namespaceLabel = 'kubernetes.io/metadata.name';

export function buildEntrance(cluster: Cluster, spots: Spots): YamlMapping {
  const { publicPort, plainHttp, isProvenOverNetwork, isSealed, kept } = cluster;
  const { type, trafficPolicy, annotations } = spots.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: spots.name(), labels: buildLabels(spots), annotations },
    spec: {
      type: noted(
        'on layer 4: a load balancer that ends TLS sees tokens, and cuts streams by its own time-outs',
        type,
      ),
      externalTrafficPolicy: noted(
        'with `Cluster` all clients come from the addresses of nodes: `limits.connections_per_address` and logs hold one for another',
        trafficPolicy,
      ),
      ...(isSealed && kept.length === 0
        ? {
            sessionAffinity: noted(
              'the id of a session is sealed with a key of its pod: on another one it is unknown (404)',
              'ClientIP',
            ),
          }
        : {}),
      ...(isProvenOverNetwork
        ? {
            publishNotReadyAddresses: noted(
              'without a certificate the pod is not ready, and the authority has to reach it to give one',
              true,
            ),
          }
        : {}),
      selector: buildLabels(spots),
      ports: [
        { name: 'https', port: publicPort, targetPort: 'https', protocol: 'TCP' },
        ...(plainHttp === undefined
          ? []
          : [{ name: 'http', port: plainHttp.port, targetPort: 'http', protocol: 'TCP' }]),
      ],
    },
  };
}

export function buildNetworkPolicy(cluster: Cluster, spots: Spots): YamlMapping {
  const { listen, plainHttp } = cluster;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: spots.name(), labels: buildLabels(spots) },
    spec: {
      podSelector: { matchLabels: buildLabels(spots) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: toPorts([listen.port, ...(plainHttp === undefined ? [] : [plainHttp.port])]) }],
      egress: noted(
        'who breaks in reaches what Breakwater talks to, and nothing else of the cluster. Ports are those of pods, where a Service\nhas another',
        [
          {
            to: noted('DNS, and the cache of it that some clusters have on each node', [
              { namespaceSelector: { matchLabels: { [namespaceLabel]: 'kube-system' } } },
              { ipBlock: { cidr: '169.254.20.10/32' } },
            ]),
            ports: [
              { protocol: 'UDP', port: 53 },
              { protocol: 'TCP', port: 53 },
            ],
          },
          ...listWays(cluster).map(({ what, to, port }) => ({ to: noted(what, to), ports: toPorts([port]) })),
        ],
      ),
    },
  };
}

interface Way {
  readonly what: string;
  readonly to: readonly YamlMapping[];
  readonly port: number;
}

/** One rule a place and port; what leads to the same is told together. */
function listWays({ servers, asks }: Cluster): readonly Way[] {
  const peers = [
    ...servers
      .filter(({ kind }) => kind === 'name' || kind === 'address')
      .map(({ host, port, path }) => ({ what: `MCP server of \`${path}\``, host, port })),
    ...asks.filter(({ host }) => host === undefined || !isLoopbackHost(host)),
  ];
  const ways = new Map<string, { to: readonly YamlMapping[]; port: number; told: Set<string> }>();
  for (const { what, host, port } of peers) {
    const to = host === undefined ? anywhere : toPeers(host);
    const key = JSON.stringify([to, port]);
    const way = ways.get(key) ?? { to, port, told: new Set() };
    way.told.add(what);
    ways.set(key, way);
  }
  return [...ways.values()].map(({ to, port, told }) => ({ to, port, what: [...told].join(', ') }));
}

const anywhere: readonly YamlMapping[] = [
  { ipBlock: { cidr: '0.0.0.0/0', except: linkLocal.v4 } },
  { ipBlock: { cidr: '::/0', except: linkLocal.v6 } },
];

const serviceName = /^[a-z0-9-]+(?:\.(?<namespace>[a-z0-9-]+)(?<svc>\.svc(?:\.[a-z0-9.-]+)?)?)?$/;

/** Policies know addresses and namespaces, and no names of hosts. */
function toPeers(host: string): readonly YamlMapping[] {
  const family = isIP(host);
  if (family !== 0) return [{ ipBlock: { cidr: `${host}/${family === 4 ? 32 : 128}` } }];
  const found = serviceName.exec(host)?.groups;
  if (found === undefined) return anywhere;
  const { namespace, svc } = found;
  if (namespace === undefined) return [{ podSelector: {} }];
  const inNamespace = { namespaceSelector: { matchLabels: { [namespaceLabel]: namespace } } };
  // `tools.example` is a service of the namespace `example`, or a name of the internet.
  return svc === undefined ? [inNamespace, ...anywhere] : [inNamespace];
}

function toPorts(ports: readonly number[]): readonly YamlValue[] {
  return ports.map((port) => ({ protocol: 'TCP', port }));
}

/** The way in for clusters with the Gateway API, in place of a load balancer of the Service's own. */
export function buildGatewayRoute(cluster: Cluster, spots: Spots): YamlMapping {
  const { names, publicPort } = cluster;
  const isByName = names.length > 0;
  const about = isByName
    ? 'Needs the Gateway API 1.5 or later, and a listener with `protocol: TLS` and `tls.mode: Passthrough`.\n' +
      'Not HTTPRoute: there TLS ends at the Gateway, so that Breakwater would see neither the certificates of clients\n' +
      'nor their requests as they were sent, and what the Gateway sends on would have no TLS.'
    : 'No `domains` are configured, so that there are no names to choose by: needs a TCP listener of its own port, and the\n' +
      'experimental channel of the Gateway API.';
  return {
    apiVersion: noted(
      about +
        '\nClients come from the addresses of the Gateway: let it send the PROXY header (`proxy_protocol`, `trusted_proxies`), or\n' +
        '`limits.connections_per_address` counts them all as one.',
      `gateway.networking.k8s.io/${isByName ? 'v1' : 'v1alpha2'}`,
    ),
    kind: isByName ? 'TLSRoute' : 'TCPRoute',
    metadata: { name: spots.name(), labels: buildLabels(spots) },
    spec: {
      parentRefs: [
        {
          name: noted('your Gateway, and its listener', spots.gateway.name),
          sectionName: spots.gateway.listener,
        },
      ],
      hostnames: isByName ? names : undefined,
      rules: [{ backendRefs: [{ name: spots.name(), port: publicPort }] }],
    },
  };
}
