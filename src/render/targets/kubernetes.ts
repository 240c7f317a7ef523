import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Cluster } from '../cluster.ts';
import type { Rendered } from '../rendered.ts';
import { toUnsupported } from '../unsupported.ts';
import { buildEntrance, buildGatewayRoute, buildNetworkPolicy } from './kubernetes-network.ts';
import { buildAutoscaler, buildDisruptionBudget } from './kubernetes-scaling.ts';
import { listSecretCommands } from './kubernetes-secrets.ts';
import { replicaRange, toMemory, toProcesses, toStreamTarget } from './kubernetes-sizes.ts';
import type { Spots } from './kubernetes-spots.ts';
import { listClusterWarnings } from './kubernetes-warnings.ts';
import { buildClaim, buildConfigMap, buildDeployment } from './kubernetes-workload.ts';
import { noted, printYaml, printYamlDocuments, type YamlMapping, type YamlValue } from './yaml-text.ts';

const release = 'breakwater';

/** Manifests of everything but the secrets, and a route for clusters with the Gateway API. */
export function renderKubernetes(cluster: Cluster): Result<Rendered, Diagnostic[]> {
  const problems = [...findUnwritable(cluster), ...findPasswords(cluster)];
  if (problems.length > 0) return fail(problems);
  const spots = buildSpots(cluster);
  const isScaled = cluster.kept.length === 0;
  const [first, ...others]: readonly [YamlMapping, ...YamlMapping[]] = [
    buildConfigMap(spots),
    ...(isScaled ? [] : [buildClaim(spots)]),
    buildDeployment(cluster, spots),
    buildEntrance(cluster, spots),
    buildNetworkPolicy(cluster, spots),
    buildDisruptionBudget(spots),
    ...(isScaled ? [buildAutoscaler(spots)] : []),
  ];
  return ok({
    files: [
      { path: 'kubernetes.yaml', text: printYamlDocuments([tellSecrets(cluster, first), ...others]) },
      { path: 'gateway-route.yaml', text: printYamlDocuments([buildGatewayRoute(cluster, spots)]) },
    ],
    warnings: listClusterWarnings(cluster, release),
  });
}

/**
 * Texts that no manifest can hold: readers of YAML 1.1 end a line at these characters, and what follows would be a part of the
 * manifest (manifest injection).
 */
export function findUnwritable({ files, names }: Cluster): readonly Diagnostic[] {
  const { settings, pairs, secrets, texts } = files;
  const paths = [
    ...pairs.flatMap(({ cert, key }) => [cert, key]),
    ...[...secrets, ...texts].map(({ path }) => path),
  ];
  const strange = [
    ...[printYaml(settings), ...names].filter((text) =>
      /[^\P{Cc}\n\t]|[\u2028\u2029\uFEFF]|\p{Cs}/u.test(text),
    ),
    // They stand in comments too, where a line break ends the comment.
    ...paths.filter((path) => /[\p{Cc}\u2028\u2029\uFEFF]/u.test(path)),
  ];
  return strange.length === 0
    ? []
    : [
        toUnsupported(
          'the configuration has control characters or line separators in a name, which cannot be written in a manifest',
          'take them out',
        ),
      ];
}

/**
 * A password in an address would be read by whoever may read a ConfigMap, and by everyone with the repository that it is kept in
 * (secret disclosure).
 */
export function findPasswords({ files }: Cluster): readonly Diagnostic[] {
  return /:\/\/[^/\s]*@/.test(JSON.stringify(files.settings))
    ? [
        toUnsupported(
          'an address in the configuration has a user name or a password in it, which everyone who reads the ConfigMap would see',
          'name the password by a variable or a file, of which a Secret is made',
        ),
      ]
    : [];
}

/** Over the first line: a manifest with secrets in it ends in version control, and one with empty places would overwrite them. */
function tellSecrets(cluster: Cluster, first: YamlMapping): YamlMapping {
  const commands = listSecretCommands(cluster, { release, kubectl: 'kubectl' });
  const { apiVersion } = first;
  if (commands.length === 0 || apiVersion === undefined) return first;
  const note = [
    'Secrets are not made here: they would end in version control, and applying this again would overwrite them.',
    'Pods wait until there are:',
    ...commands.map((command) => `  ${command}`),
  ];
  return { ...first, apiVersion: noted(note.join('\n'), apiVersion) };
}

function buildSpots(cluster: Cluster): Spots {
  const isScaled = cluster.kept.length === 0;
  return {
    name: (ending) => (ending === undefined ? release : `${release}-${ending}`),
    image: noted(
      'made with `breakwater render docker`: put the name of your registry before it',
      `breakwater:${cluster.version}`,
    ),
    pullPolicy: undefined,
    replicas: isScaled ? undefined : 1,
    strategy: buildStrategy(isScaled),
    resources: buildResources(cluster),
    config: printYaml(cluster.files.settings),
    state: isScaled
      ? {
          emptyDir: noted(
            'nothing in it has to outlive a pod but the keys of session ids: with those go its sessions',
            {},
          ),
        }
      : {
          persistentVolumeClaim: noted(`it holds ${cluster.kept.join(', ')}`, {
            claimName: `${release}-state`,
          }),
        },
    claim: {
      accessModes: noted('one pod at a time: two would each keep their own in the same place', [
        'ReadWriteOnce',
      ]),
      resources: { requests: { storage: '1Gi' } },
    },
    service: { type: 'LoadBalancer', trafficPolicy: 'Local', annotations: undefined },
    scaling: {
      ...replicaRange,
      streams: String(toStreamTarget(cluster)),
    },
    gateway: { name: 'gateway', listener: 'mcp' },
  };
}

function buildStrategy(isScaled: boolean): YamlMapping {
  return isScaled
    ? { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
    : { type: noted('the volume is for one pod: a second one would wait for it for ever', 'Recreate') };
}

export function buildResources(cluster: Cluster): YamlValue {
  const { request, limit } = toMemory(cluster);
  return {
    requests: {
      cpu: noted('a core for each process that carries traffic', String(toProcesses(cluster).carrying)),
      memory: noted('for all `limits.connections` with quiet streams', `${request}Mi`),
    },
    limits: noted(
      'memory alone, for all connections with readers that are slow, and all bodies: new work is refused (503) before it runs out.\n' +
        'Not CPU: a throttled process sends heartbeats late, and streams are cut',
      { memory: `${limit}Mi` },
    ),
  };
}
