import { isLoopbackHost } from '../../lib/networks.ts';
import type { Cluster } from '../cluster.ts';
import { noted, type YamlMapping } from './yaml-text.ts';

/** How the node asks a pod. */
export type ProbePlace =
  | { readonly kind: 'http'; readonly scheme: 'HTTP' | 'HTTPS'; readonly port: 'http' | 'https' }
  /** Only whether a connection is accepted. */
  | { readonly kind: 'tcp' };

/** The node shows neither a PROXY header nor a certificate, and comes by the address of the pod. */
export function findProbePlace(cluster: Cluster): ProbePlace {
  const { plainHttp, isProxyProtocol, needsCertificate } = cluster;
  if (isProxyProtocol) return { kind: 'tcp' };
  if (plainHttp !== undefined && !isLoopbackHost(plainHttp.host))
    return { kind: 'http', scheme: 'HTTP', port: 'http' };
  return needsCertificate ? { kind: 'tcp' } : { kind: 'http', scheme: 'HTTPS', port: 'https' };
}

export function buildProbes(cluster: Cluster): YamlMapping {
  const place = findProbePlace(cluster);
  const isEarly = cluster.mayLackCertificate && place.kind === 'http' && place.scheme === 'HTTPS';
  const alive = toQuestion(isEarly ? { kind: 'tcp' } : place, '/healthz');
  const start = { ...alive, periodSeconds: 1, failureThreshold: 60 };
  return {
    startupProbe: isEarly
      ? noted(
          'not over TLS: while the first certificate is obtained no handshake ends well, and the pod would be killed for it',
          start,
        )
      : start,
    readinessProbe: noted(
      '`/readyz` fails while there is no certificate, and from the moment the pod begins to drain',
      {
        ...toQuestion(place, '/readyz'),
        periodSeconds: 5,
        timeoutSeconds: 3,
        failureThreshold: 2,
      },
    ),
    livenessProbe: noted(
      'not `/readyz`: a pod that drains would be killed for it, with the calls that it finishes',
      {
        ...alive,
        periodSeconds: 10,
        timeoutSeconds: 5,
        failureThreshold: 3,
      },
    ),
  };
}

function toQuestion(place: ProbePlace, path: string): YamlMapping {
  if (place.kind === 'tcp') return { tcpSocket: { port: 'https' } };
  return { httpGet: { path, port: place.port, scheme: place.scheme } };
}
