import type { Cluster } from '../cluster.ts';
import { buildResources } from './kubernetes.ts';
import { replicaRange, toStreamTarget } from './kubernetes-sizes.ts';
import { noted, type YamlMapping } from './yaml-text.ts';

/** What whoever installs the chart may change; `helm-spots.ts` says where each value goes. */
export function buildValues(cluster: Cluster): YamlMapping {
  const isScaled = cluster.kept.length === 0;
  return {
    image: noted('made with `breakwater render docker`, and pushed to where the cluster finds it', {
      repository: 'breakwater',
      tag: noted('the version of the chart, where it is empty', ''),
      pullPolicy: 'IfNotPresent',
    }),
    replicas: noted('of no meaning with `autoscaling`', isScaled ? replicaRange.least : 1),
    autoscaling: {
      enabled: noted(
        'by `breakwater_open_streams`, which something in the cluster has to serve, and by CPU',
        isScaled,
      ),
      minReplicas: replicaRange.least,
      maxReplicas: replicaRange.most,
      openStreams: noted(
        'half of `limits.connections`: open streams stay where they are, a new pod takes only those to come',
        toStreamTarget(cluster),
      ),
    },
    resources: buildResources(cluster),
    persistence: {
      enabled: noted(
        isScaled
          ? 'nothing in the state has to outlive a pod but the keys of session ids; with a volume there is one pod'
          : `the volume holds ${cluster.kept.join(', ')}: there can be one pod`,
        !isScaled,
      ),
      size: '1Gi',
      storageClass: noted('that of the cluster, where it is empty', ''),
    },
    service: {
      type: noted('`LoadBalancer`, `NodePort`, or `ClusterIP` behind a Gateway', 'LoadBalancer'),
      annotations: noted(
        'how your cloud is told to send the PROXY header, or to stay inside, for example',
        {},
      ),
    },
    networkPolicy: { enabled: true },
    gateway: {
      enabled: noted('a route of the Gateway API, to a listener that passes TLS through', false),
      name: 'gateway',
      listener: 'mcp',
    },
    config: noted(
      'breakwater.yaml. Ports, files, secrets and the ways of the network policy follow what it was when the chart was rendered:\n' +
        'after a change of those, render again.',
      cluster.files.settings,
    ),
  };
}

/** The JSON Schema of the values, which `helm` holds them against. */
export function buildValuesSchema(): object {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const count = { type: 'integer', minimum: 1 };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the Breakwater chart',
    ...toObject({
      image: toObject({
        repository: { type: 'string', minLength: 1 },
        tag: text,
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      }),
      replicas: count,
      autoscaling: toObject({ enabled: flag, minReplicas: count, maxReplicas: count, openStreams: count }),
      resources: { type: 'object' },
      persistence: toObject({ enabled: flag, size: text, storageClass: text }),
      service: toObject({
        type: { enum: ['LoadBalancer', 'NodePort', 'ClusterIP'] },
        annotations: { type: 'object', additionalProperties: text },
      }),
      networkPolicy: toObject({ enabled: flag }),
      gateway: toObject({ enabled: flag, name: text, listener: text }),
      config: { type: 'object', required: ['routes'] },
    }),
  };
}

/** Unknown names are mistakes, as in `breakwater.yaml`; `global` is what Helm gives to charts inside of others. */
function toObject(properties: Readonly<Record<string, object>>): object {
  return {
    type: 'object',
    properties: { ...properties, global: { type: 'object' } },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
