import { describe, expect, it } from 'vitest';
import { printConfig } from '../../src/config/print.ts';
import { configOf, loadText } from './load-text.ts';

const checked = { interval: 5000, timeout: 2000, rise: 2, fall: 3 };

async function routeOf(
  lines: string,
): Promise<Awaited<ReturnType<typeof configOf>>['routes'][number] | undefined> {
  return (await configOf(`routes:\n  - ${lines}\n`)).routes[0];
}

describe('checks of servers', () => {
  it.each([
    ['one server', 'upstream: 8000', undefined],
    ['several', 'upstream: [8000, 8001]', { check: { kind: 'tcp' }, ...checked }],
    [
      'a name with many addresses',
      'upstream: { url: http://mcp:1, resolve: all }',
      { check: { kind: 'tcp' }, ...checked },
    ],
    ['one that asks for them', 'upstream: 8000\n    health: {}', { check: { kind: 'tcp' }, ...checked }],
    ['several that do not want them', 'upstream: [8000, 8001]\n    health: { check: none }', undefined],
    [
      'a path',
      'upstream: 8000\n    health: { check: http, path: /ready, interval: 1m, rise: 1 }',
      { check: { kind: 'http', path: '/ready' }, ...checked, interval: 60_000, rise: 1 },
    ],
    [
      'a short interval',
      'upstream: 8000\n    health: { check: discover, interval: 1s }',
      { check: { kind: 'discover' }, ...checked, interval: 1000, timeout: 500 },
    ],
  ])('of %s', async (_what, lines, health) => {
    expect((await routeOf(lines))?.health).toEqual(health);
  });

  it('say of a name whether its addresses are servers', async () => {
    const route = await routeOf('upstream: [{ url: http://mcp:1, resolve: all, weight: 2 }, 8000]');
    expect(route?.upstreams.map(({ weight, resolvesAll }) => [weight, resolvesAll])).toEqual([
      [2, true],
      [1, false],
    ]);
  });

  it('mean the same when they are printed and read again', async () => {
    const text = `routes:
  - upstream: [{ url: http://mcp:1, resolve: all, weight: 2 }, 8000]
  - { path: /b, upstream: { url: http://mcp:1, resolve: all } }
  - { path: /c, upstream: [1, 2], health: { check: none } }
  - { path: /d, upstream: 1, health: { check: http, path: /ready, timeout: 100ms } }
`;
    const loaded = await loadText(text);
    if (!loaded.ok) throw new Error('not valid');
    const { config, provenance } = loaded.value;
    const printed = printConfig(config, provenance);
    expect(await configOf(printed)).toEqual(config);
    expect(printed).toContain('resolve: all');
    expect(printed).toContain('check: none');
  });
});
