import { describe, expect, it } from 'vitest';
import { printConfig } from '../../src/config/print.ts';
import { configOf, loadText, problemsOf } from './load-text.ts';

async function upstreamsOf(text: string): Promise<unknown> {
  const config = await configOf(text);
  return config.routes[0]?.upstreams.map(({ target, weight }) =>
    target.kind === 'unix' ? [target.socketPath, weight] : [target.port, target.path, weight],
  );
}

describe('the servers of a route', () => {
  it.each([
    ['8000', [[8000, '/mcp', 1]]],
    ['{ url: 8000 }', [[8000, '/mcp', 1]]],
    ['[8000]', [[8000, '/mcp', 1]]],
    [
      '[8000, "127.0.0.1:8001/b"]',
      [
        [8000, '/mcp', 1],
        [8001, '/b', 1],
      ],
    ],
    [
      '[{ url: 8000, weight: 3 }, 8001, { url: 8002, weight: 0 }]',
      [
        [8000, '/mcp', 3],
        [8001, '/mcp', 1],
        [8002, '/mcp', 0],
      ],
    ],
    [
      '[8000, { url: "unix:/run/b.sock" }]',
      [
        [8000, '/mcp', 1],
        ['/run/b.sock', 1],
      ],
    ],
  ])('%s are read', async (written, upstreams) => {
    expect(await upstreamsOf(`routes: [{ upstream: ${written} }]\n`)).toEqual(upstreams);
  });

  it('are balanced by what is under way, without limits, unless the route says something else', async () => {
    const [usual] = (await configOf('routes: [{ upstream: [1, 2] }]\n')).routes;
    expect(usual).toMatchObject({ balance: 'least_requests', upstreamLimits: undefined });
    const text =
      'routes: [{ upstream: [1, 2], balance: round_robin, upstream_limits: { connections: 7, queue_timeout: 3s } }]\n';
    const [other] = (await configOf(text)).routes;
    expect(other).toMatchObject({
      balance: 'round_robin',
      upstreamLimits: { connections: 7, queue: 100, queueTimeout: 3000 },
    });
  });

  it.each([
    ['[]', 'E_CONFIG_VALUE: `routes[0].upstream` is too small'],
    ['[8000, 8000]', 'E_CONFIG_CONFLICT: `http://127.0.0.1:8000/mcp` is named twice'],
    [
      '[8000, { url: "http://127.0.0.1:8000/mcp", weight: 2 }]',
      'E_CONFIG_CONFLICT: `http://127.0.0.1:8000/mcp` is named twice',
    ],
    [
      '[{ url: 8000, weight: 0 }, { url: 8001, weight: 0 }]',
      'E_CONFIG_CONFLICT: no server of the route takes new sessions',
    ],
    ['{ url: 8000, weight: 0 }', 'E_CONFIG_CONFLICT: no server of the route takes new sessions'],
    ['[8000, { url: 8001, weight: -1 }]', 'E_CONFIG_VALUE: `routes[0].upstream[1].weight` is too small'],
    ['[8000, { url: 8001, weight: 1.5 }]', 'E_CONFIG_TYPE: `routes[0].upstream[1].weight` is a number'],
    ['[8000, "ftp://x"]', 'E_CONFIG_UPSTREAM: `routes[0].upstream[1]` has a scheme that is not spoken'],
    [
      '[8000, { url: 8001, wieght: 1 }]',
      'E_CONFIG_UNKNOWN_KEY: `wieght` is not a setting of `routes[0].upstream[1]`',
    ],
    ['[8000, 8443]', 'E_CONFIG_UPSTREAM_LOOP: `routes[0].upstream[1]` is the gateway itself'],
  ])('%s are a mistake', async (written, problem) => {
    expect(await problemsOf(`routes: [{ upstream: ${written} }]\n`)).toEqual([problem]);
  });

  it('are a mistake at its place', async () => {
    const loaded = await loadText('routes:\n  - upstream:\n      - 8000\n      - 8001\n      - 8000\n');
    expect(loaded).toMatchObject({ ok: false, error: [{ line: 5, secondary: { line: 3 } }] });
  });

  it.each([
    'routes: [{ upstream: [8000, 8001] }]\n',
    'routes: [{ upstream: [{ url: 8000, weight: 3 }, 8001], balance: round_robin }]\n',
    'routes: [{ upstream: 8000, upstream_limits: { connections: 3, queue: 0, queue_timeout: 2s } }]\n',
  ])('mean the same when they are printed and read again: %j', async (text) => {
    const loaded = await loadText(text);
    if (!loaded.ok) throw new Error('it is valid');
    const { config, provenance } = loaded.value;
    expect(await configOf(printConfig(config, provenance))).toEqual(config);
  });

  it('are one for a target of the command line', async () => {
    const config = await configOf('routes: [{ upstream: [1, 2] }]\n', { flags: { target: '8000' } });
    expect(config.routes[0]?.upstreams).toHaveLength(1);
  });
});
