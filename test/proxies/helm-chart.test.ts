import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderHelm } from '../../src/render/targets/helm.ts';
import { renderKubernetes } from '../../src/render/targets/kubernetes.ts';
import type { RenderedFile } from '../../src/render/rendered.ts';
import { clusterOf, clusterTexts, keptText, scaledText } from '../render/sample-cluster.ts';
import { findSchemaProblems, readManifests, type Manifest } from '../support/kubernetes-schemas.ts';
import { findHelm, toProgramPath } from '../support/programs.ts';
import { createEngineFolder } from '../support/proxy-engine.ts';

const helm = findHelm();
const title = helm.kind === 'missing' ? `a chart (${helm.reason})` : 'a chart';

interface Answer {
  readonly status: number | null;
  readonly output: string;
}

/** Writes the chart, changed where `change` says so, and asks Helm about it. */
async function ask(
  text: string,
  command: (folder: string) => readonly string[],
  change: (file: RenderedFile) => string = ({ text: same }) => same,
): Promise<Answer> {
  const chart = renderHelm(await clusterOf(text));
  if (!chart.ok) throw new Error(JSON.stringify(chart.error));
  await using folder = await createEngineFolder();
  const paths: string[] = [];
  for (const file of chart.value.files) paths.push(await folder.write(`chart/${file.path}`, change(file)));
  const root = (paths[0] ?? '').replace(/\/Chart\.yaml$/, '');
  const { status, stdout, stderr } = spawnSync(toProgramPath(helm), command(root), { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const template =
  (...args: readonly string[]) =>
  (folder: string): readonly string[] => ['template', 'breakwater', folder, ...args];

/** What stays of a manifest when values that are not there, and what a chart says besides, are left out. */
function toEssence(manifest: Manifest): unknown {
  return JSON.parse(
    JSON.stringify(manifest, (key, value: unknown) => {
      if (value === null || key === 'imagePullPolicy') return undefined;
      if (key === 'annotations' && JSON.stringify(value) === '{}') return undefined;
      // One is printed by Helm, with its keys in another order.
      return key === 'breakwater.yaml' && typeof value === 'string' ? parse(value) : value;
    }),
  );
}

const byKind = (manifests: readonly Manifest[]): unknown[] =>
  manifests.toSorted((left, right) => left.kind.localeCompare(right.kind)).map(toEssence);

describe.skipIf(helm.kind === 'missing')(title, () => {
  it.each(Object.entries(clusterTexts))(
    'of a %s gateway has nothing that Helm objects to',
    async (_name, text) => {
      const { status, output } = await ask(text, (folder) => ['lint', '--strict', folder]);
      expect([status, output]).toEqual([0, expect.stringContaining('1 chart(s) linted, 0 chart(s) failed')]);
    },
  );

  it.each(Object.entries(clusterTexts))(
    'of a %s gateway makes the manifests that are rendered without it',
    async (_name, text) => {
      const { status, output } = await ask(text, template('--set', 'gateway.enabled=true'));
      expect([status, output]).toEqual([0, expect.any(String)]);
      const made = readManifests(output);
      expect(made.map(findSchemaProblems)).toEqual(made.map(() => ''));
      const plain = renderKubernetes(await clusterOf(text));
      if (!plain.ok) throw new Error(JSON.stringify(plain.error));
      expect(byKind(made)).toEqual(byKind(plain.value.files.flatMap((file) => readManifests(file.text))));
    },
  );

  it('two pods for one volume: is refused, and so is a state without its volume', async () => {
    const shared = await ask(scaledText, template('--set', 'persistence.enabled=true'));
    expect([shared.status, shared.output]).toEqual([
      1,
      expect.stringContaining('one pod alone can have the volume'),
    ]);
    const one = ['persistence.enabled=true', 'autoscaling.enabled=false', 'replicas=1'].join(',');
    const alone = await ask(scaledText, template('--set', one));
    expect([alone.status, alone.output]).toEqual([
      0,
      expect.stringContaining('"claimName":"breakwater-state"'),
    ]);
    const lost = await ask(keptText, template('--set', 'persistence.enabled=false'));
    expect([lost.status, lost.output]).toEqual([
      1,
      expect.stringContaining('persistence.enabled has to be true'),
    ]);
  });

  it.each([
    ['a misspelt name', 'replica=2'],
    ['a value of another kind', 'replicas=many'],
    ['a type that there is not', 'service.type=External'],
  ])('refuses %s', async (_what, set) => {
    const { status, output } = await ask(scaledText, template('--set', set));
    expect([status, output]).toEqual([
      1,
      expect.stringContaining("don't meet the specifications of the schema"),
    ]);
  });

  it('template injection: values stay in their places, whatever they are', async () => {
    const hostile = [
      ['service.type', 'ClusterIP'],
      [
        'image.repository',
        String.raw`x"
kind: Secret #{{ .Values }}`,
      ],
      [
        'gateway.name',
        String.raw`a
---
kind: Secret`,
      ],
      ['service.annotations.note', '{{ fail "read as an action" }}'],
    ].flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
    const args = ['--set', 'gateway.enabled=true', ...hostile];
    const { status, output } = await ask(scaledText, template(...args));
    expect([status, output]).toEqual([0, expect.any(String)]);
    const kinds = readManifests(output).map(({ kind }) => kind);
    const untouched = await ask(scaledText, template('--set', 'gateway.enabled=true'));
    expect(kinds).toEqual(readManifests(untouched.output).map(({ kind }) => kind));
  });

  it('notices a broken template', async () => {
    const { status } = await ask(
      scaledText,
      (folder) => ['lint', '--strict', folder],
      ({ path, text }) => (path === 'templates/service.yaml' ? text.replace('{{ toJson', '{{ toJsn') : text),
    );
    expect(status).toBe(1);
  });
});
