import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../../src/lib/diagnostic.ts';
import type { Result } from '../../../src/lib/result.ts';
import type { Rendered } from '../../../src/render/rendered.ts';
import { renderApache } from '../../../src/render/targets/apache.ts';
import { renderCaddy } from '../../../src/render/targets/caddy.ts';
import { renderCompose } from '../../../src/render/targets/compose.ts';
import { renderDocker } from '../../../src/render/targets/docker.ts';
import { renderEnvoy } from '../../../src/render/targets/envoy.ts';
import { renderHaproxy } from '../../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../../src/render/targets/nginx.ts';
import { renderSystemd } from '../../../src/render/targets/systemd.ts';
import { renderTraefik } from '../../../src/render/targets/traefik.ts';
import { readGolden } from '../golden-file.ts';
import { breakwaterFront, directFront, fullFront } from '../sample-fronts.ts';
import { localService, publicService } from '../sample-service.ts';

const fronts = { direct: directFront, front: breakwaterFront, full: fullFront };
const services = { public: publicService, local: localService };
// Traefik cannot connect to the Unix socket of the full one.
const tcpFronts = { ...fronts, full: { ...fullFront, routes: fullFront.routes.slice(0, 2) } };

/** Everybody may call, as engines need it that have nobody to ask. */
const openFronts = {
  direct: { ...directFront, routes: directFront.routes.map((route) => ({ ...route, protected: false })) },
  front: breakwaterFront,
};

const table: readonly (readonly [name: string, render: () => Result<Rendered, Diagnostic[]>])[] = [
  ...Object.entries(fronts).map(([name, front]) => [`caddy/${name}`, () => renderCaddy(front)] as const),
  ...Object.entries(fronts).map(([name, front]) => [`envoy/${name}`, () => renderEnvoy(front)] as const),
  ...Object.entries(tcpFronts).map(
    ([name, front]) => [`traefik/${name}`, () => renderTraefik(front)] as const,
  ),
  ...Object.entries(fronts).flatMap(([name, front]) =>
    (['1.22', '1.25'] as const).map(
      (dialect) => [`nginx-${dialect}/${name}`, () => renderNginx(front, { dialect })] as const,
    ),
  ),
  ...Object.entries(openFronts).flatMap(([name, front]) => [
    [`haproxy/${name}`, () => renderHaproxy(front)] as const,
    [`apache/${name}`, () => renderApache(front)] as const,
  ]),
  ...Object.entries(services).flatMap(([name, service]) => [
    [`systemd/${name}`, () => renderSystemd(service)] as const,
    [`systemd/${name}-sockets`, () => renderSystemd(service, { sockets: true })] as const,
    [`docker/${name}`, () => renderDocker(service)] as const,
    [`compose/${name}`, () => renderCompose(service)] as const,
  ]),
];

describe.each(table)('%s', (name, render) => {
  it('is rendered as its goldens say', async () => {
    const rendered = render();
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    const { files, warnings } = rendered.value;
    for (const { path, text } of files) expect(text).toBe(await readGolden(`${name}/${path}`, text));
    const told = warnings.map(({ requirement, message }) => `${requirement}: ${message}\n`).join('');
    expect(told).toBe(await readGolden(`${name}/warnings`, told));
  });

  it('comes out the same each time', () => {
    expect(render()).toEqual(render());
  });
});
