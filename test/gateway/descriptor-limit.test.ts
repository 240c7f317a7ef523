import { describe, expect, it } from 'vitest';
import { fitConnections, parseDescriptorLimit } from '../../src/gateway/descriptor-limit.ts';
import { buildTestConfig } from '../support/gateway.ts';

const limits = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96500                96500                processes
Max open files            20000                1048576              files
`;
const config = buildTestConfig('/var/lib/breakwater', []);

describe('the limit on open files', () => {
  it('is the soft one', () => expect(parseDescriptorLimit(limits)).toBe(20_000));
  it('may be absent', () => {
    expect(parseDescriptorLimit(limits.replace('20000', 'unlimited'))).toBe(Infinity);
    expect(parseDescriptorLimit('')).toBeUndefined();
  });

  it('that has room changes nothing', () => {
    for (const descriptors of [undefined, Infinity, 40_064]) {
      expect(fitConnections(config, descriptors)).toEqual({ config, warning: undefined });
    }
  });

  it('that is too low lowers the connections, and a warning tells the way out', () => {
    const fitted = fitConnections(config, 1024);
    expect(fitted.config.limits).toEqual({ ...config.limits, connections: 480 });
    expect(fitted.warning).toMatchObject({ severity: 'warning', code: 'E_CONFIG_RISK' });
    expect(fitted.warning?.message).toBe(
      '`limits.connections` is 20000, but the system lets this process open only 1024 files: 480 connections are taken',
    );
    expect(fitted.warning?.fix).toContain('`ulimit -n 40064`');
  });
});
