import { describe, expect, it } from 'vitest';
import { toStatusText } from '../../../src/cli/control/status-text.ts';
import type { GatewayStatus } from '../../../src/gateway/control/status.ts';

const status: GatewayStatus = {
  version: '1.0.0',
  pid: 7,
  state: 'running',
  startedAt: '2027-01-01T00:00:00.000Z',
  config: null,
  urls: [],
  lastReload: null,
  certificates: [],
  connections: 1,
  upstreamConnections: 2,
  limits: 'own',
  sessions: { live: 0, revived: 0, ended: 0 },
  open: [],
  servers: [],
  workers: [],
};

describe('what status says of limits', () => {
  it.each([
    ['own', undefined],
    ['shared', 'Limits       shared with the other replicas'],
    ['alone', 'Limits       of this replica ALONE: Redis cannot be used'],
  ] as const)('%s', (limits, line) => {
    const lines = toStatusText({ ...status, limits }, Date.parse('2027-01-01T01:00:00.000Z')).split('\n');
    expect(lines.find((each) => each.startsWith('Limits'))).toBe(line);
  });
});
