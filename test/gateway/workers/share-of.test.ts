import { describe, expect, it } from 'vitest';
import { toShareOf } from '../../../src/gateway/workers/share-of.ts';
import { buildTestConfig } from '../../support/gateway.ts';
import { buildRoute } from '../../support/routes.ts';

const config = buildTestConfig('/state', []);

describe('the share of a worker', () => {
  it('is all of it where there is one', () => {
    expect(toShareOf(config)).toBe(config);
  });

  it('adds up to the whole, and leaves room for connections that come unevenly', () => {
    const { limits } = toShareOf({ ...config, workers: 4 });
    expect(limits.connections).toBe(5000);
    expect(limits.connectionsPerAddress).toBe(568);
    expect(limits.allBodiesBytes).toBe(config.limits.allBodiesBytes / 4);
  });

  it('of connections to a server adds up to no more than the limit, and is one at least', () => {
    const route = (connections: number) => ({
      ...buildRoute(1),
      upstreamLimits: { connections, queue: 10, queueTimeout: 1000 },
    });
    const { routes } = toShareOf({ ...config, workers: 4, routes: [route(11), route(2), buildRoute(1)] });
    expect(routes.map(({ upstreamLimits }) => upstreamLimits)).toEqual([
      { connections: 2, queue: 3, queueTimeout: 1000 },
      { connections: 1, queue: 3, queueTimeout: 1000 },
      undefined,
    ]);
  });

  it('lets a whole body in, and never more than the limit', () => {
    const { limits } = toShareOf({
      ...config,
      workers: 8,
      limits: { ...config.limits, allBodiesBytes: 9_000_000, connectionsPerAddress: 2 },
    });
    expect(limits.allBodiesBytes).toBe(config.limits.bodyBytes);
    expect(limits.connectionsPerAddress).toBe(2);
  });
});
