import { describe, expect, it } from 'vitest';
import type { LimitKey } from '../../src/limits/limit-key.ts';
import { createLimits } from '../../src/limits/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Tenant {
  readonly principalId: string;
  /** Calls a second. */
  readonly rate: number;
}

const quota = { requests: 50, within: 1000 };

/** Ten seconds in steps of 1 ms; which calls of each tenant were let in. Each call runs for 20 ms. */
function runTenants(tenants: readonly Tenant[], per: LimitKey): ReadonlyMap<string, readonly boolean[]> {
  const clock = new ManualClock(0);
  const limits = createLimits({
    rates: [{ per, ...quota, routes: [], tools: [] }],
    concurrency: [{ per, calls: 5, streams: undefined, routes: [] }],
    clock,
  });
  const traces = new Map<string, boolean[]>(tenants.map(({ principalId }) => [principalId, []]));
  for (let millisecond = 0; millisecond < 10_000; millisecond++) {
    for (const { principalId, rate } of tenants) {
      const calls = Math.floor(((millisecond + 1) * rate) / 1000) - Math.floor((millisecond * rate) / 1000);
      for (let call = 0; call < calls; call++) {
        const request = { principalId, client: undefined, address: '192.0.2.1', route: '/mcp' };
        const outcome = limits.enter({ ...request, tool: undefined, isStream: false });
        traces.get(principalId)?.push(outcome.kind === 'ok');
        if (outcome.kind === 'ok') clock.setTimeout(() => outcome.leave(), 20);
      }
    }
    clock.advance(1);
  }
  return traces;
}

const quiet: Tenant = { principalId: 'key:b', rate: 40 };
const greedy: Tenant = { principalId: 'key:a', rate: 100 * quota.requests };

describe('attack: one tenant at 100 times its quota takes what belongs to others (T36)', () => {
  it('changes no admission of another tenant', () => {
    const alone = runTenants([quiet], 'principal').get('key:b');
    const both = runTenants([greedy, quiet], 'principal');
    expect(alone).toHaveLength(400);
    expect(alone?.every(Boolean)).toBe(true);
    expect(both.get('key:b')).toEqual(alone);
    const got = both.get('key:a')?.filter(Boolean).length ?? 0;
    // A full bucket and ten seconds of the rate; five at a time for 20 ms each would allow 2,500.
    expect(got).toBeLessThanOrEqual(50 + 10 * 50);
    expect(got).toBeGreaterThan(10 * 50 - 5);
  });

  it('control: counted together, the greedy one starves the other', () => {
    const both = runTenants([greedy, quiet], 'route');
    expect(both.get('key:b')?.filter(Boolean).length).toBeLessThan(100);
  });
});
