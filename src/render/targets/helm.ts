import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Cluster } from '../cluster.ts';
import type { Rendered, RenderedFile } from '../rendered.ts';
import { toUnsupported } from '../unsupported.ts';
import { helmSpots as spots } from './helm-spots.ts';
import { buildValues, buildValuesSchema } from './helm-values.ts';
import { findPasswords, findUnwritable } from './kubernetes.ts';
import { buildEntrance, buildGatewayRoute, buildNetworkPolicy } from './kubernetes-network.ts';
import { buildAutoscaler, buildDisruptionBudget } from './kubernetes-scaling.ts';
import { listSecretCommands } from './kubernetes-secrets.ts';
import { listClusterWarnings } from './kubernetes-warnings.ts';
import { buildClaim, buildConfigMap, buildDeployment } from './kubernetes-workload.ts';
import { printYamlDocuments, type YamlMapping } from './yaml-text.ts';

/** A chart that makes the manifests of `render kubernetes`, with values for what differs from one installation to the next. */
export function renderHelm(cluster: Cluster): Result<Rendered, Diagnostic[]> {
  const problems = [...findUnwritable(cluster), ...findPasswords(cluster), ...findActions(cluster)];
  if (problems.length > 0) return fail(problems);
  return ok({
    files: [
      { path: 'Chart.yaml', text: printYamlDocuments([buildChart(cluster)]) },
      { path: 'values.yaml', text: printYamlDocuments([buildValues(cluster)]) },
      { path: 'values.schema.json', text: `${JSON.stringify(buildValuesSchema(), null, 2)}\n` },
      toTemplate('config', buildConfigMap(spots)),
      toTemplate('state', buildClaim(spots), '.Values.persistence.enabled'),
      withGuards(cluster, toTemplate('deployment', buildDeployment(cluster, spots))),
      toTemplate('service', buildEntrance(cluster, spots)),
      toTemplate('network-policy', buildNetworkPolicy(cluster, spots), '.Values.networkPolicy.enabled'),
      toTemplate('disruption-budget', buildDisruptionBudget(spots)),
      toTemplate('autoscaler', buildAutoscaler(spots), '.Values.autoscaling.enabled'),
      toTemplate('gateway-route', buildGatewayRoute(cluster, spots), '.Values.gateway.enabled'),
      { path: 'templates/NOTES.txt', text: buildNotes(cluster) },
    ],
    warnings: listClusterWarnings(cluster, 'RELEASE'),
  });
}

function buildChart({ version }: Cluster): YamlMapping {
  return {
    apiVersion: 'v2',
    name: 'breakwater',
    description: 'Breakwater, the secure front door for MCP servers',
    type: 'application',
    version,
    appVersion: version,
  };
}

/**
 * Braces in a name would be an action of the template, run by whoever installs the chart (template injection). The configuration
 * itself is a value, which is not read for actions.
 */
function findActions({ files, servers, names, asks, listen }: Cluster): readonly Diagnostic[] {
  const texts = JSON.stringify([files.pairs, files.secrets, files.texts, servers, names, asks, listen]);
  return texts.includes('{{')
    ? [
        toUnsupported(
          'a name with `{{` in it cannot be written in a chart: it would be an action of its templates',
          'rename the file',
        ),
      ]
    : [];
}

function toTemplate(name: string, manifest: YamlMapping, condition?: string): RenderedFile {
  const text = printYamlDocuments([manifest]);
  return {
    path: `templates/${name}.yaml`,
    text: condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`,
  };
}

/** Values that contradict one another end the installation, before pods fight for a volume. */
function withGuards({ kept }: Cluster, { path, text }: RenderedFile): RenderedFile {
  const guards: readonly (readonly [condition: string, message: string])[] = [
    [
      'and .Values.persistence.enabled (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1))',
      'one pod alone can have the volume: set autoscaling.enabled to false and replicas to 1, or persistence.enabled to false',
    ],
    ...(kept.length === 0
      ? []
      : ([
          [
            'not .Values.persistence.enabled',
            `persistence.enabled has to be true: the volume holds ${kept.join(', ')}`,
          ],
        ] as const)),
  ];
  const lines = guards.map(
    ([condition, message]) => `{{- if ${condition} }}{{ fail "${message}" }}{{ end }}\n`,
  );
  return { path, text: `${lines.join('')}${text}` };
}

function buildNotes(cluster: Cluster): string {
  const kubectl = 'kubectl -n {{ .Release.Namespace }}';
  const commands = listSecretCommands(cluster, { release: '{{ .Release.Name }}', kubectl });
  const name = cluster.names.find((each) => !each.startsWith('*')) ?? 'NAME';
  const port = cluster.publicPort === 443 ? '' : `:${cluster.publicPort}`;
  const path = cluster.servers[0]?.path ?? '/mcp';
  return [
    'Breakwater {{ .Chart.AppVersion }} is installed as {{ .Release.Name }}.',
    '',
    ...(commands.length === 0
      ? []
      : ['No pod starts before there are:', ...commands.map((row) => `  ${row}`), '']),
    'Its address, which the names of the configuration have to lead to:',
    `  ${kubectl} get service {{ .Release.Name }}`,
    '',
    'What clients meet there, asked from outside:',
    `  breakwater doctor https://${name}${port}${path}`,
    '',
  ].join('\n');
}
