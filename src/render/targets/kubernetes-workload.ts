import type { Cluster } from '../cluster.ts';
import { podFolders } from '../cluster-files.ts';
import { configInContainer, stateInContainer } from './docker.ts';
import { buildProbes } from './kubernetes-probes.ts';
import { stopDelay, toGracePeriod } from './kubernetes-sizes.ts';
import { buildLabels, type Spots } from './kubernetes-spots.ts';
import { noted, type YamlMapping, type YamlValue } from './yaml-text.ts';

/** The conventional account of images without users; that of `render docker`. */
const account = 65_532;
const firstFreePort = 1024;
/** The upper bits say who may read: owner and group. */
const privateMode = 0o440;

export function buildConfigMap(spots: Spots): YamlMapping {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: spots.name('config'), labels: buildLabels(spots) },
    data: { 'breakwater.yaml': spots.config },
  };
}

export function buildClaim(spots: Spots): YamlMapping {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: spots.name('state'), labels: buildLabels(spots) },
    spec: spots.claim,
  };
}

export function buildDeployment(cluster: Cluster, spots: Spots): YamlMapping {
  const ports = [cluster.listen, ...(cluster.plainHttp === undefined ? [] : [cluster.plainHttp])];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: spots.name(), labels: buildLabels(spots) },
    spec: {
      replicas: spots.replicas,
      strategy: spots.strategy,
      minReadySeconds: noted(
        'clients of an ended pod come back within 11 s: the next one ends after that, not in the same wave',
        15,
      ),
      selector: { matchLabels: buildLabels(spots) },
      template: {
        metadata: { labels: buildLabels(spots) },
        spec: {
          automountServiceAccountToken: noted(
            'Breakwater asks nothing of the cluster: who breaks in finds no token',
            false,
          ),
          enableServiceLinks: noted(
            'the cluster would set variables that begin with `BREAKWATER_`, as settings do',
            false,
          ),
          securityContext: buildPodSecurity(ports.some(({ port }) => port < firstFreePort)),
          terminationGracePeriodSeconds: noted(
            `${stopDelay} s before SIGTERM, then calls may finish for ${cluster.drain / 1000} s; by default the kill comes after 30`,
            toGracePeriod(cluster),
          ),
          topologySpreadConstraints: noted('a node that fails takes a part of the streams, not all', [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: buildLabels(spots) },
            },
          ]),
          containers: [buildContainer(cluster, spots)],
          volumes: buildVolumes(cluster, spots),
        },
      },
    },
  };
}

function buildPodSecurity(isPrivileged: boolean): YamlMapping {
  return {
    runAsNonRoot: noted('who breaks out of the program is nobody outside either', true),
    runAsUser: account,
    runAsGroup: account,
    fsGroup: account,
    fsGroupChangePolicy: noted(
      'with `Always` each start opens the private keys of the state to the group, and Breakwater uses none that others can write: all sessions would be lost',
      'OnRootMismatch',
    ),
    seccompProfile: { type: 'RuntimeDefault' },
    sysctls: isPrivileged
      ? noted('ports below 1024, without root and without a capability', [
          { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' },
        ])
      : undefined,
  };
}

function buildContainer(cluster: Cluster, spots: Spots): YamlMapping {
  const { listen, plainHttp, files } = cluster;
  return {
    name: 'breakwater',
    image: spots.image,
    imagePullPolicy: spots.pullPolicy,
    args: noted(
      'a changed ConfigMap reaches running pods within two minutes: they read it anew, and no stream is cut',
      ['up', '--watch', '--config', configInContainer],
    ),
    env: [
      {
        name: 'BREAKWATER_STATE_DIR',
        value: noted('below the root of the volume, which its group may read', `${stateInContainer}/state`),
      },
      ...files.variables.map((variable) => ({
        name: variable,
        valueFrom: { secretKeyRef: { name: spots.name('secrets'), key: variable } },
      })),
    ],
    ports: [
      { name: 'https', containerPort: listen.port, protocol: 'TCP' },
      ...(plainHttp === undefined ? [] : [{ name: 'http', containerPort: plainHttp.port, protocol: 'TCP' }]),
    ],
    ...buildProbes(cluster),
    lifecycle: {
      preStop: {
        sleep: noted(
          'load balancers still send connections for a moment: without it they are refused. Kubernetes 1.30 or later',
          { seconds: stopDelay },
        ),
      },
    },
    resources: spots.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: noted('nothing that gets in can stay', true),
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      {
        name: 'config',
        mountPath: configInContainer.slice(0, configInContainer.lastIndexOf('/')),
        readOnly: true,
      },
      { name: 'state', mountPath: stateInContainer },
      { name: 'tmp', mountPath: '/tmp' },
      ...files.pairs.map(({ name, folder }) => ({ name, mountPath: folder, readOnly: true })),
      ...(files.secrets.length === 0
        ? []
        : [{ name: 'secrets', mountPath: podFolders.secrets, readOnly: true }]),
      ...(files.texts.length === 0 ? [] : [{ name: 'files', mountPath: podFolders.files, readOnly: true }]),
    ],
  };
}

function buildVolumes({ files }: Cluster, spots: Spots): readonly YamlValue[] {
  const toSecret = (ending: string): YamlMapping => ({
    secretName: spots.name(ending),
    defaultMode: noted('0440: keys are for the account of the pod alone', privateMode),
  });
  return [
    { name: 'config', configMap: { name: spots.name('config') } },
    { name: 'state', ...spots.state },
    { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
    ...files.pairs.map(({ name }) => ({ name, secret: toSecret(name) })),
    ...(files.secrets.length === 0
      ? []
      : [
          {
            name: 'secrets',
            secret: {
              ...toSecret('secrets'),
              items: files.secrets.map(({ key }) => ({ key, path: key })),
            },
          },
        ]),
    ...(files.texts.length === 0 ? [] : [{ name: 'files', configMap: { name: spots.name('files') } }]),
  ];
}
