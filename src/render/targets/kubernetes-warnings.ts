import { isWildcard } from '../../config/listeners.ts';
import { formatAuthority } from '../../lib/authority.ts';
import type { Cluster } from '../cluster.ts';
import type { RenderWarning } from '../rendered.ts';
import { findProbePlace } from './kubernetes-probes.ts';
import { streamMetric } from './kubernetes-scaling.ts';
import { listSecretNames } from './kubernetes-secrets.ts';

/** What a cluster cannot do, or has to be told by a person. */
export function listClusterWarnings(cluster: Cluster, release: string): readonly RenderWarning[] {
  return [
    ...warnOfPlaces(cluster),
    ...warnOfState(cluster),
    ...warnOfSurroundings(cluster),
    ...warnOfPreparations(cluster, release),
  ];
}

/** What is on this machine is not in a pod. */
function warnOfPlaces({ listen, servers, logPath, dnsCommand }: Cluster): readonly RenderWarning[] {
  const of = (kind: Cluster['servers'][number]['kind']): Cluster['servers'] =>
    servers.filter((server) => server.kind === kind);
  const warnings: RenderWarning[] = [
    ...of('loopback').map(({ path, host, port, upstreamPath }) => ({
      requirement: 'path-kept' as const,
      message: `the MCP server of \`${path}\` is at ${formatAuthority(host, port)}, which in a pod is the pod itself: set \`upstream: http://NAME_OF_ITS_SERVICE:${port}${upstreamPath}\`, or every call is answered with 502`,
    })),
    ...of('unix').map(({ path, host }) => ({
      requirement: 'path-kept' as const,
      message: `the socket \`${host}\` of \`${path}\` is not in the pod: every call is answered with 502; let the server listen on a port, behind a Service`,
    })),
  ];
  if (!isWildcard(listen.host))
    warnings.push({
      requirement: 'upstream-hidden',
      message: `Breakwater listens on ${listen.host}, which is no address that the cluster reaches a pod at: set \`listen: 0.0.0.0:${listen.port}\``,
    });
  if (logPath !== undefined)
    warnings.push({
      requirement: 'secret-free-logs',
      message: `the access log goes to standard error, where the cluster collects it: \`${logPath}\` would be lost with each pod`,
    });
  if (dnsCommand !== undefined)
    warnings.push({
      requirement: 'certificate-chain',
      message: `\`${dnsCommand}\` has to be in the image: without it no certificate is obtained`,
    });
  return warnings;
}

function warnOfState({ kept, isSealed, isLimited }: Cluster): readonly RenderWarning[] {
  if (kept.length > 0)
    return [
      {
        requirement: 'short-reload',
        message: `there is one pod and no autoscaler, because its volume holds ${toList(kept)}: while it moves to another node, or starts again, nobody is served`,
      },
    ];
  const warnings: RenderWarning[] = [];
  if (isSealed)
    warnings.push({
      requirement: 'session-affinity',
      message:
        'each pod seals the ids of sessions with a key of its own, which ends with it: the Service keeps the clients of one address on one pod, and a client that comes from another address, or after its pod has ended, gets 404 and has to begin a new session',
    });
  if (isLimited)
    warnings.push({
      requirement: 'rate-limit',
      message:
        'each pod counts for itself: a caller whose connections reach all pods has as many times its limits',
    });
  return warnings;
}

function warnOfSurroundings(cluster: Cluster): readonly RenderWarning[] {
  const { isProxyProtocol, connections, kept, workers } = cluster;
  const warnings: RenderWarning[] = [
    {
      requirement: 'slow-clients',
      message: `a manifest cannot set how many files a pod may open: ${connections} connections need ${connections * 2 + 64}, and where the container runtime allows fewer, fewer connections are taken, as Breakwater says when it starts`,
    },
  ];
  if (kept.length === 0)
    warnings.push({
      requirement: 'long-streams',
      message: `Breakwater does not publish \`${streamMetric}\` itself yet: until something in the cluster does, the autoscaler goes by CPU, which quiet streams take none of, and never takes a pod away`,
    });
  if (workers === 'auto')
    warnings.push({
      requirement: 'rate-limit',
      message:
        '`workers: auto` is a process for each core of the node, whatever the pod asks for: set a number, or pods take more memory and processor time than the cluster has put aside for them',
    });
  if (isProxyProtocol)
    warnings.push({
      requirement: 'forwarded-headers',
      message:
        'whether the load balancer sends the PROXY header is set by an annotation that each cloud calls otherwise: without it every connection is refused',
    });
  if (findProbePlace(cluster).kind === 'tcp')
    warnings.push({
      requirement: 'own-errors',
      message:
        'nodes cannot show the PROXY header or the certificate that the listener demands: they see only whether a pod accepts connections, and a pod without a certificate gets traffic',
    });
  return warnings;
}

function warnOfPreparations(cluster: Cluster, release: string): readonly RenderWarning[] {
  const names = listSecretNames(cluster, release);
  return [
    {
      requirement: 'current-directives',
      message: `there is no public image: build one with \`breakwater render docker\`, and push it to where the cluster finds it, or no pod starts`,
    },
    ...(names.length === 0
      ? []
      : [
          {
            requirement: 'secret-free-logs' as const,
            message: `no pod starts before ${toList(names.map((name) => `\`${name}\``))} ${names.length === 1 ? 'exists' : 'exist'}: the command stands in what was rendered`,
          },
        ]),
  ];
}

function toList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
