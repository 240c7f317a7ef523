import { describe, expect, it } from 'vitest';
import { toShareOf } from '../../../src/gateway/workers/share-of.ts';
import { buildTestConfig } from '../../support/gateway.ts';

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
