import { describe, expect, it } from 'vitest';
import { renderHelm } from '../../../src/render/targets/helm.ts';
import { renderKubernetes } from '../../../src/render/targets/kubernetes.ts';
import { readGolden } from '../golden-file.ts';
import { clusterOf, clusterTexts } from '../sample-cluster.ts';

const engines = { kubernetes: renderKubernetes, helm: renderHelm };
const table = Object.entries(engines).flatMap(([engine, render]) =>
  Object.entries(clusterTexts).map(([name, text]) => [`${engine}/${name}`, text, render] as const),
);

describe.each(table)('%s', (name, text, render) => {
  it('is rendered as its goldens say, each time', async () => {
    const rendered = render(await clusterOf(text));
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    const { files, warnings } = rendered.value;
    for (const { path, text: found } of files) expect(found).toBe(await readGolden(`${name}/${path}`, found));
    const told = warnings.map(({ requirement, message }) => `${requirement}: ${message}\n`).join('');
    expect(told).toBe(await readGolden(`${name}/warnings`, told));
    expect(render(await clusterOf(text))).toEqual(rendered);
  });
});
