import { describe, expect, it } from 'vitest';
import { AnnouncedPaths } from '../../../src/gateway/announced-paths.ts';
import { createPlainHttpHandler } from '../../../src/gateway/plain-http.ts';
import { alive } from '../../../src/gateway/readiness.ts';
import { createRouteTable } from '../../../src/gateway/routes.ts';
import { buildJsonSchema } from '../../../src/config/schema/document.ts';
import { toRole } from '../../../src/render/cluster-files.ts';
import type { Cluster } from '../../../src/render/cluster.ts';
import type { Rendered } from '../../../src/render/rendered.ts';
import { renderHelm } from '../../../src/render/targets/helm.ts';
import { renderKubernetes } from '../../../src/render/targets/kubernetes.ts';
import { toMemory } from '../../../src/render/targets/kubernetes-sizes.ts';
import { findSchemaProblems, readManifests, type Manifest } from '../../support/kubernetes-schemas.ts';
import { configOf } from '../../config/load-text.ts';
import {
  clusterOf,
  clusterTexts,
  keptText,
  localText,
  planted,
  plantedFiles,
  proxiedText,
  scaledText,
} from '../sample-cluster.ts';

function unwrap(cluster: Cluster): Rendered {
  const rendered = renderKubernetes(cluster);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  return rendered.value;
}

function manifestsOf(cluster: Cluster): readonly Manifest[] {
  return unwrap(cluster).files.flatMap(({ text }) => readManifests(text));
}

function pick(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return found;
}

/** The value at a path of names and positions. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (node, key) =>
      typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[key] : undefined,
    value,
  );
}

const podOf = (manifests: readonly Manifest[]): unknown =>
  at(pick(manifests, 'Deployment'), 'spec', 'template', 'spec');
const containerOf = (manifests: readonly Manifest[]): unknown => at(podOf(manifests), 'containers', 0);

describe.each(Object.entries(clusterTexts))('the manifests of a %s gateway', (_name, text) => {
  it('have no field that Kubernetes does not know, and all that it wants', async () => {
    const manifests = manifestsOf(await clusterOf(text));
    expect(manifests.map(findSchemaProblems)).toEqual(manifests.map(() => ''));
  });

  it('secret disclosure: no file holds what settings only point to, or what a comment said', async () => {
    const cluster = await clusterOf(text);
    const chart = renderHelm(cluster);
    const files = [...unwrap(cluster).files, ...(chart.ok ? chart.value.files : [])];
    const secrets = [...Object.values(planted), ...Object.values(plantedFiles), 'planted-of-comment-0b8e'];
    expect(chart.ok).toBe(true);
    for (const file of files) for (const secret of secrets) expect(file.text).not.toContain(secret);
  });

  it('hold a configuration that means the same as the one they were made of', async () => {
    const cluster = await clusterOf(text);
    const configMap = pick(manifestsOf(cluster), 'ConfigMap');
    const env = { HOME: '/home/op', ...planted };
    const inPod = await configOf(String(at(configMap, 'data', 'breakwater.yaml')), {
      env,
      files: Object.fromEntries(
        cluster.files.secrets.map(({ key, path }) => [
          `/run/breakwater/secrets/${key}`,
          plantedFiles[`/srv/gateway/${path}`] ?? '',
        ]),
      ),
    });
    const here = await configOf(text, { env, files: plantedFiles });
    const inWords = (config: unknown): string =>
      JSON.stringify(config, (key, value: unknown) =>
        // Names of files are what differs, and the state and the log are elsewhere.
        ['cert', 'key', 'ca', 'crl', 'path', 'stateDir', 'access'].includes(key) && typeof value !== 'object'
          ? undefined
          : key === 'access'
            ? undefined
            : value,
      );
    expect(inWords(inPod)).toBe(inWords(here));
  });

  it('kill only after calls had their time', async () => {
    const cluster = await clusterOf(text);
    for (const drain of [500, 30_000, 120_500, 3_600_000]) {
      const manifests = manifestsOf({ ...cluster, drain });
      const grace = Number(at(podOf(manifests), 'terminationGracePeriodSeconds'));
      const delay = Number(at(containerOf(manifests), 'lifecycle', 'preStop', 'sleep', 'seconds'));
      expect(grace - delay).toBeGreaterThan(drain / 1000 + 1);
    }
  });

  it('privilege escalation: pods have no root, no capability, no token and nothing to write to but volumes', async () => {
    const manifests = manifestsOf(await clusterOf(text));
    expect(podOf(manifests)).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(at(containerOf(manifests), 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const sysctls = at(podOf(manifests), 'securityContext', 'sysctls');
    // Only where a port is below 1024.
    expect(sysctls === undefined).toBe(!text.includes(':443') && text !== keptText);
  });

  it('planted keys: nothing opens the files of the state to a group, which Breakwater refuses', async () => {
    const pod = podOf(manifestsOf(await clusterOf(text)));
    expect(at(pod, 'securityContext', 'fsGroupChangePolicy')).toBe('OnRootMismatch');
  });
});

describe('probes', () => {
  it('ask for paths that there are', async () => {
    const own = createRouteTable([], () => expect.unreachable(), {
      documents: new Map(),
      login: [],
      announced: new AnnouncedPaths(),
    });
    const plain = createPlainHttpHandler({
      hostNames: { has: () => false },
      securePort: () => 443,
      readiness: () => alive,
      answerChallenge: () => undefined,
    });
    const askPlain = (path: string): number => {
      let answered = 0;
      const request = { method: 'GET', path, query: '', authority: '10.0.0.1', fields: [] };
      plain(request as never, { send: (status: number) => void (answered = status) } as never);
      return answered;
    };
    for (const text of Object.values(clusterTexts)) {
      const container = containerOf(manifestsOf(await clusterOf(text)));
      for (const [probe, kind] of [
        ['startupProbe', 'health'],
        ['livenessProbe', 'health'],
        ['readinessProbe', 'readiness'],
      ] as const) {
        const path = at(container, probe, 'httpGet', 'path');
        if (typeof path !== 'string') continue;
        expect(own.find({ authority: '10.0.0.1', path }).kind).toBe(kind);
        expect(askPlain(path)).toBe(200);
      }
    }
    // The control: a path that nobody answers.
    expect([own.find({ authority: '10.0.0.1', path: '/health' }).kind, askPlain('/health')]).toEqual([
      'unknown',
      421,
    ]);
  });

  it('go over plain HTTP where that listens, else over TLS', async () => {
    const scaled = await clusterOf(scaledText);
    const ready = (cluster: Cluster): unknown =>
      at(containerOf(manifestsOf(cluster)), 'readinessProbe', 'httpGet');
    expect(ready(scaled)).toEqual({ path: '/readyz', port: 'http', scheme: 'HTTP' });
    const secure = { path: '/readyz', port: 'https', scheme: 'HTTPS' };
    expect(ready({ ...scaled, plainHttp: undefined })).toEqual(secure);
    expect(ready({ ...scaled, plainHttp: { host: '127.0.0.1', port: 80 } })).toEqual(secure);
  });

  it('only connect where the listener demands what a node cannot show, and say so', async () => {
    for (const text of [localText, proxiedText]) {
      const cluster = await clusterOf(text);
      const container = containerOf(manifestsOf(cluster));
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
        expect(at(container, probe)).toMatchObject({ tcpSocket: { port: 'https' } });
      expect(unwrap(cluster).warnings).toContainEqual(expect.objectContaining({ requirement: 'own-errors' }));
    }
  });

  it('restart loop: a pod that waits for its first certificate is not killed for it', async () => {
    const cluster = { ...(await clusterOf(keptText)), plainHttp: undefined };
    const container = containerOf(manifestsOf(cluster));
    expect(at(container, 'livenessProbe', 'tcpSocket')).toEqual({ port: 'https' });
    expect(at(container, 'readinessProbe', 'httpGet', 'path')).toBe('/readyz');
  });
});

describe('replicas', () => {
  it('are many where nothing has to outlive a pod, and grow with open streams', async () => {
    const manifests = manifestsOf(await clusterOf(scaledText));
    expect(at(pick(manifests, 'Deployment'), 'spec', 'replicas')).toBeUndefined();
    expect(at(podOf(manifests), 'volumes', 1)).toEqual({ name: 'state', emptyDir: {} });
    expect(at(pick(manifests, 'HorizontalPodAutoscaler'), 'spec', 'metrics', 0, 'pods')).toEqual({
      metric: { name: 'breakwater_open_streams' },
      target: { type: 'AverageValue', averageValue: '5000' },
    });
    expect(at(pick(manifests, 'Service'), 'spec', 'sessionAffinity')).toBe('ClientIP');
  });

  it('split state: there is one, with a volume, where certificates, keys or accounts are in the state', async () => {
    const cluster = await clusterOf(keptText);
    const manifests = manifestsOf(cluster);
    expect(at(pick(manifests, 'Deployment'), 'spec')).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
    });
    expect(at(podOf(manifests), 'volumes', 1)).toEqual({
      name: 'state',
      persistentVolumeClaim: { claimName: 'breakwater-state' },
    });
    expect(manifests.map(({ kind }) => kind)).toContain('PersistentVolumeClaim');
    expect(manifests.map(({ kind }) => kind)).not.toContain('HorizontalPodAutoscaler');
    expect(unwrap(cluster).warnings).toContainEqual(expect.objectContaining({ requirement: 'short-reload' }));
  });

  it.each([
    [
      'acme',
      'domains: [a.example.com]\ntls: { acme: { accept_terms: true } }\nroutes: [{ upstream: 8000, auth: { keys: stored } }]\n',
    ],
    ['the local authority', 'routes: [{ upstream: 8000 }]\n'],
    ['stored keys', 'tls: { cert: c, key: k }\nroutes: [{ upstream: 8000, auth: { keys: stored } }]\n'],
    [
      'accounts',
      'tls: { cert: c, key: k }\ndomains: [a.example.com]\nroutes: [{ upstream: 8000, auth: oauth }]\n',
    ],
    ['own tokens', 'tls: { cert: c, key: k }\nroutes: [{ upstream: 8000, credentials: { jwt: {} } }]\n'],
  ])('are one for %s', async (_what, text) => {
    expect((await clusterOf(text)).kept).not.toEqual([]);
  });

  it('are many for files and listed keys', async () => {
    expect((await clusterOf('tls: { cert: c, key: k }\nroutes: [{ upstream: 8000 }]\n')).kept).toEqual([]);
    const shared = await clusterOf(
      'domains: [a.example.com]\nstate: { redis: redis://redis.example.com }\ntls: { acme: { accept_terms: true } }\nlimits: { rates: [{ per: address, requests: 9, within: 1m }] }\nroutes: [{ upstream: 8000, auth: { keys: stored } }]\n',
    );
    expect(shared.kept).toEqual([]);
    expect(shared.isLimited).toBe(false);
  });

  it('can be reached by the authority before there is a certificate, and only then', async () => {
    const ready = async (text: string): Promise<unknown> =>
      at(pick(manifestsOf(await clusterOf(text)), 'Service'), 'spec', 'publishNotReadyAddresses');
    expect(await ready(keptText)).toBe(true);
    expect(await ready(scaledText)).toBeUndefined();
  });

  it('have memory for all their connections', async () => {
    const cluster = await clusterOf(scaledText);
    const less = toMemory(cluster);
    const more = toMemory({ ...cluster, connections: cluster.connections * 2 });
    expect(more.request).toBeGreaterThan(less.request);
    expect(less.limit).toBeGreaterThan(less.request);
    // Several workers have a supervisor beside them.
    expect(toMemory({ ...cluster, workers: 4 }).request - less.request).toBe(4 * 128);
    // 160 KiB a connection is the bound of the soak test.
    expect(less.limit).toBeGreaterThan((cluster.connections * 160) / 1024);
  });
});

describe('processes', () => {
  const withWorkers = (workers: string): Promise<Cluster> =>
    clusterOf(`workers: ${workers}\ntls: { cert: c, key: k }\nroutes: [{ upstream: 8000 }]\n`);
  const cpuOf = (cluster: Cluster): unknown =>
    at(containerOf(manifestsOf(cluster)), 'resources', 'requests', 'cpu');

  it('have a core each', async () => {
    expect(cpuOf(await withWorkers('3'))).toBe('3');
  });

  it('are not those of this machine with `auto`, and that is said', async () => {
    const cluster = await withWorkers('auto');
    expect(cpuOf(cluster)).toBe('1');
    const told = unwrap(cluster).warnings.map(({ message }) => message);
    expect(told).toContainEqual(expect.stringContaining('`workers: auto`'));
    expect(at(pick(manifestsOf(cluster), 'ConfigMap'), 'data', 'breakwater.yaml')).toContain(
      'workers: auto\n',
    );
  });

  it('read a changed configuration anew, so that no pod has to end for it', async () => {
    expect(at(containerOf(manifestsOf(await clusterOf(scaledText))), 'args')).toContain('--watch');
  });
});

describe('the network', () => {
  it('upstream exposure: pods reach their servers, issuers and DNS, and no credentials of a cloud', async () => {
    const policy = pick(manifestsOf(await clusterOf(scaledText)), 'NetworkPolicy');
    const egress = at(policy, 'spec', 'egress') as { to: unknown; ports: { port: number }[] }[];
    expect(at(policy, 'spec', 'policyTypes')).toEqual(['Ingress', 'Egress']);
    expect(egress.map(({ ports }) => ports.map(({ port }) => port))).toEqual([
      [53, 53],
      [8000],
      [8443],
      [443],
    ]);
    expect(egress[1]?.to).toEqual([{ podSelector: {} }]);
    expect(egress[2]?.to).toEqual([
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'finance' } } },
    ]);
    for (const { to } of egress.slice(3))
      for (const peer of to as unknown[])
        expect(at(peer, 'ipBlock', 'except')).toEqual(
          expect.arrayContaining([expect.stringMatching(/^(?:169\.254\.0\.0\/16|fd00:ec2::254\/128)$/)]),
        );
  });

  it('lets in the ports that it listens on, and no other', async () => {
    const policy = pick(manifestsOf(await clusterOf(scaledText)), 'NetworkPolicy');
    const port = (number: number): object => ({ protocol: 'TCP', port: number });
    expect(at(policy, 'spec', 'ingress')).toEqual([{ ports: [port(443), port(80)] }]);
  });

  it('source address loss: the Service hands the address of the client on', async () => {
    const service = pick(manifestsOf(await clusterOf(scaledText)), 'Service');
    expect(at(service, 'spec', 'externalTrafficPolicy')).toBe('Local');
  });

  it('takes clients on the public port', async () => {
    const manifests = manifestsOf(await clusterOf(proxiedText));
    expect(at(pick(manifests, 'Service'), 'spec', 'ports', 0)).toMatchObject({
      port: 443,
      targetPort: 'https',
    });
    expect(at(containerOf(manifests), 'ports', 0, 'containerPort')).toBe(8443);
  });

  it('passes TLS through by the names that a handshake can have', async () => {
    const route = pick(manifestsOf(await clusterOf(scaledText)), 'TLSRoute');
    expect(at(route, 'spec', 'hostnames')).toEqual(['mcp.example.com', '*.tools.example.com']);
    expect(pick(manifestsOf(await clusterOf(localText)), 'TCPRoute').apiVersion).toMatch(/alpha/);
  });
});

describe('what is named and not held', () => {
  it('comes from Secrets, which no manifest makes', async () => {
    const cluster = await clusterOf(scaledText);
    const manifests = manifestsOf(cluster);
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
    expect(at(containerOf(manifests), 'env')).toContainEqual({
      name: 'INTROSPECTION',
      valueFrom: { secretKeyRef: { name: 'breakwater-secrets', key: 'INTROSPECTION' } },
    });
    expect(unwrap(cluster).files[0]?.text).toContain(
      "#   kubectl create secret generic breakwater-tls-2 --type=kubernetes.io/tls --from-file=tls.crt='other'\\''s.pem' --from-file=tls.key=other.key\n",
    );
  });

  it('is looked for where it is mounted', async () => {
    const container = containerOf(manifestsOf(await clusterOf(scaledText)));
    const paths = (at(container, 'volumeMounts') as { mountPath: string }[]).map(
      ({ mountPath }) => mountPath,
    );
    const named = JSON.stringify((await clusterOf(scaledText)).files.settings).match(/\/run\/[^"]*/g) ?? [];
    expect(named.length).toBe(6);
    for (const name of named) expect(paths).toContain(name.slice(0, name.lastIndexOf('/')));
  });

  it('is every setting of the schema that names a file or a variable', () => {
    const named: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties, items, anyOf, oneOf, description } = schema as Record<string, unknown>;
      if (
        /\b(?:PEM file|File with|File whose|Environment variable|Directory for|file name)\b/.test(
          typeof description === 'string' ? description : '',
        )
      )
        named.push(path);
      for (const [key, part] of Object.entries(properties ?? {}))
        walk(part, path === '' ? key : `${path}.${key}`);
      walk(items, `${path}.*`);
      for (const part of [...((anyOf ?? []) as unknown[]), ...((oneOf ?? []) as unknown[])]) walk(part, path);
    };
    walk(buildJsonSchema(), '');
    expect(named).toContain('tls.acme.fallback.*.eab.hmac_key_file');
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((path) => toRole(path) === undefined)).toEqual([]);
    // Claims have the names that issuers gave them.
    expect(toRole('routes.*.rules.*.who.claims.value_file')).toBeUndefined();
  });

  it('two files of one name have two keys', async () => {
    const issuers =
      "[{ issuer: 'https://a.example.com', ca: a/ca.pem }, { issuer: 'https://b.example.com', ca: b/ca.pem }]";
    const text = `tls: { cert: c, key: k }\ndomains: [a.example.com]\nroutes: [{ upstream: 8000, auth: { oauth: { issuers: ${issuers} } } }]\n`;
    expect((await clusterOf(text)).files.texts).toEqual([
      { key: 'ca.pem', path: 'a/ca.pem' },
      { key: '2-ca.pem', path: 'b/ca.pem' },
    ]);
  });
});

describe('what cannot be written', () => {
  const route = 'routes: [{ upstream: 8000 }]\n';
  it.each([
    ['line separator', String.raw`"ca\u2028kind: Secret.pem"`],
    ['next line', String.raw`"ca\u0085kind: Secret.pem"`],
    ['carriage return', String.raw`"ca\rkind: Secret.pem"`],
    ['line break', String.raw`"ca\nkind: Secret.pem"`],
  ])('manifest injection by a %s: nothing is rendered', async (_what, name) => {
    const cluster = await clusterOf(`tls: { cert: ${name}, key: k }\n${route}`);
    expect(renderKubernetes(cluster)).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
    expect(renderHelm(cluster).ok).toBe(false);
  });

  it('manifest injection by a value: what looks like a document stays in the configuration', async () => {
    const withChain = (chain: string): Promise<Cluster> =>
      clusterOf(
        `domains: [a.example.com]\ntls: { acme: { accept_terms: true, chain: ${chain} } }\nroutes: [{ upstream: 8000, auth: { keys: stored } }]\n`,
      );
    const kinds = manifestsOf(await withChain('Root')).map(({ kind }) => kind);
    const hostile = manifestsOf(await withChain(String.raw`"x\n---\nkind: Secret\n"`));
    expect(hostile.map(({ kind }) => kind)).toEqual(kinds);
    expect(renderKubernetes(await withChain(String.raw`"x\u2028---\u2028kind: Secret"`)).ok).toBe(false);
  });

  it('secret disclosure: nothing is rendered for an address with a password, and it is not repeated', async () => {
    const cluster = await clusterOf(`tls: { cert: c, key: k }\n${route}`);
    const withAddress = (url: string): Cluster => ({
      ...cluster,
      files: { ...cluster.files, settings: { ...cluster.files.settings, store: { url } } },
    });
    for (const render of [renderKubernetes, renderHelm]) {
      for (const address of [
        'redis://:hunter2@redis.example.com',
        'redis://me:hunter2@redis.example.com/1',
      ]) {
        const rendered = render(withAddress(address));
        expect(rendered).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
        expect(JSON.stringify(rendered)).not.toContain('hunter2');
      }
      expect(render(withAddress('redis://redis.example.com/@1')).ok).toBe(true);
    }
  });

  it('template injection: nothing is rendered for a file whose name is an action', async () => {
    const cluster = await clusterOf(`tls: { cert: '{{ .Values }}', key: k }\n${route}`);
    expect(renderHelm(cluster)).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
    expect(renderKubernetes(cluster).ok).toBe(true);
  });
});

describe('the schemas of Kubernetes', () => {
  it('notice a field that is misspelt, missing or of another kind', async () => {
    const deployment = pick(manifestsOf(await clusterOf(scaledText)), 'Deployment');
    const broken = (text: string, by: string): string =>
      findSchemaProblems(JSON.parse(JSON.stringify(deployment).replace(text, by)) as Manifest);
    expect(broken('"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"')).not.toBe('');
    expect(broken('"selector"', '"selectors"')).not.toBe('');
    expect(broken('"minReadySeconds":15', '"minReadySeconds":"15"')).not.toBe('');
    expect(findSchemaProblems({ apiVersion: 'v1', kind: 'Strange', metadata: { name: 'x' } })).not.toBe('');
  });
});
