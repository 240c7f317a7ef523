import { describe, expect, it } from 'vitest';
import { fitWorkers } from '../../src/cli/up/launch.ts';
import { buildTestConfig } from '../support/gateway.ts';

const config = buildTestConfig('/state', []);

describe('the number of workers', () => {
  it('is what the configuration says where a process can have workers', () => {
    const several = { ...config, workers: 4 };
    expect(fitWorkers(several, { canFork: true })).toEqual({ config: several, warning: undefined });
  });

  it('is one in the single executable, with a warning where more are wanted', () => {
    const fitted = fitWorkers({ ...config, workers: 4 }, { canFork: false });
    expect(fitted.config.workers).toBe(1);
    expect(fitted.warning).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('the single executable, which is one process'),
    });
    expect(fitWorkers(config, { canFork: false })).toEqual({ config, warning: undefined });
  });
});
