import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { toCheckoutPath } from './programs.ts';

/** A manifest as Kubernetes reads it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

const manifestSchema: z.ZodType<Manifest> = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

/** The documents of a file, read as YAML 1.1 and strictly, as the tools of Kubernetes do. Those that are empty are left out. */
export function readManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
    const value: unknown = document.toJS();
    return value === null ? [] : [manifestSchema.parse(value)];
  });
}

const definitionNames: Readonly<Record<string, string>> = {
  'apps/v1 Deployment': 'io.k8s.api.apps.v1.Deployment',
  'v1 ConfigMap': 'io.k8s.api.core.v1.ConfigMap',
  'v1 PersistentVolumeClaim': 'io.k8s.api.core.v1.PersistentVolumeClaim',
  'v1 Service': 'io.k8s.api.core.v1.Service',
  'networking.k8s.io/v1 NetworkPolicy': 'io.k8s.api.networking.v1.NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'io.k8s.api.policy.v1.PodDisruptionBudget',
  'autoscaling/v2 HorizontalPodAutoscaler': 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
};

const apiFile = toCheckoutPath('test/fixtures/kubernetes/api-1.37.json');

/** Routes of the Gateway API 1.5 (its API reference); it is no part of Kubernetes. */
const routeSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.strictObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.strictObject({
    parentRefs: z.array(z.strictObject({ name: z.string().min(1), sectionName: z.string().min(1) })).min(1),
    hostnames: z
      .array(z.string().regex(/^(?:\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/))
      .min(1)
      .max(16)
      .optional(),
    rules: z
      .array(
        z.strictObject({
          backendRefs: z.array(z.strictObject({ name: z.string().min(1), port: z.int() })).min(1),
        }),
      )
      .length(1),
  }),
});

const routes: Readonly<Record<string, z.ZodType>> = {
  'gateway.networking.k8s.io/v1 TLSRoute': routeSchema.refine(({ spec }) => spec.hostnames !== undefined),
  'gateway.networking.k8s.io/v1alpha2 TCPRoute': routeSchema.refine(
    ({ spec }) => spec.hostnames === undefined,
  ),
};

/** What is wrong with a manifest by the schemas of Kubernetes 1.37, unknown fields included; nothing where nothing is. */
export function findSchemaProblems(manifest: Manifest): string {
  const name = `${manifest.apiVersion} ${manifest.kind}`;
  const definition = definitionNames[name];
  const schema = routes[name] ?? (definition === undefined ? undefined : toSchema(definition));
  if (schema === undefined) return `there is no schema of ${name}`;
  const result = schema.safeParse(manifest);
  return result.success ? '' : z.prettifyError(result.error);
}

function toSchema(definition: string): z.ZodType {
  const api = JSON.parse(readFileSync(apiFile, 'utf8')) as z.core.JSONSchema.BaseSchema; // Our own fixture.
  return z.fromJSONSchema({ ...api, $ref: `#/$defs/${definition}` });
}
