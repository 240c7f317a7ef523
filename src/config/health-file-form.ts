import { formatDuration } from '../lib/duration.ts';
import type { FileMapping } from './file-value.ts';
import type { HealthConfig } from './health-config.ts';

/** Checks of servers in the words of the file. */
export function toHealthForm(health: HealthConfig | undefined): FileMapping {
  if (health === undefined) return { check: 'none' };
  const { check, interval, timeout, rise, fall } = health;
  return {
    check: check.kind,
    ...(check.kind === 'http' ? { path: check.path } : {}),
    interval: formatDuration(interval),
    timeout: formatDuration(timeout),
    rise,
    fall,
  };
}
