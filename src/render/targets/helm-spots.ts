import type { Spots } from './kubernetes-spots.ts';
import { Verbatim } from './yaml-text.ts';

/** JSON is YAML on one line: whatever a value is, it cannot break out of its place. */
const value = (path: string): Verbatim => new Verbatim(`{{ toJson .Values.${path} }}`);
/** Numbers of values are floating: printed as they are, large ones would have an exponent. */
const count = (path: string): Verbatim => new Verbatim(`{{ int .Values.${path} }}`);
const where = (condition: string, yes: string, no: string): Verbatim =>
  new Verbatim(`{{ if ${condition} }}${yes}{{ else }}${no}{{ end }}`);

const isKept = '.Values.persistence.enabled';
const stateName = '{{ printf "%s-state" .Release.Name | quote }}';

/** The places of manifests, filled by the values of a chart (`helm-values.ts`). `null` is what is not there. */
export const helmSpots: Spots = {
  name: (ending) =>
    new Verbatim(
      ending === undefined
        ? '{{ .Release.Name | quote }}'
        : `{{ printf "%s-${ending}" .Release.Name | quote }}`,
    ),
  image: new Verbatim(
    '{{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}',
  ),
  pullPolicy: value('image.pullPolicy'),
  replicas: where('.Values.autoscaling.enabled', 'null', '{{ int .Values.replicas }}'),
  strategy: where(
    isKept,
    '{"type":"Recreate"}',
    '{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":0}}',
  ),
  resources: value('resources'),
  config: new Verbatim('{{ toYaml .Values.config | toJson }}'),
  state: {
    persistentVolumeClaim: where(isKept, `{"claimName":${stateName}}`, 'null'),
    emptyDir: where(isKept, 'null', '{}'),
  },
  claim: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: value('persistence.size') } },
    storageClassName: where(
      '.Values.persistence.storageClass',
      '{{ toJson .Values.persistence.storageClass }}',
      'null',
    ),
  },
  service: {
    type: value('service.type'),
    trafficPolicy: where('eq .Values.service.type "ClusterIP"', 'null', 'Local'),
    annotations: value('service.annotations'),
  },
  scaling: {
    least: count('autoscaling.minReplicas'),
    most: count('autoscaling.maxReplicas'),
    streams: new Verbatim('{{ int .Values.autoscaling.openStreams | quote }}'),
  },
  gateway: { name: value('gateway.name'), listener: value('gateway.listener') },
};
