import { describe, expect, it } from 'vitest';
import { mergeDescriptions, type DescribedWorker } from '../../../src/gateway/workers/merge-descriptions.ts';

const one: DescribedWorker = {
  pid: 1,
  state: 'running',
  urls: ['https://localhost/mcp'],
  certificates: [],
  connections: 3,
  upstreamConnections: 2,
  limits: 'shared',
  sessions: { live: 1, revived: 2, ended: 3 },
  open: [
    { route: '/mcp', what: 'call', endless: false, count: 2, oldestSeconds: 4 },
    { route: '/mcp', what: 'stream', endless: true, count: 1, oldestSeconds: 60 },
  ],
  servers: [],
  workers: [],
};
const other: DescribedWorker = {
  ...one,
  pid: 2,
  state: 'draining',
  limits: 'alone',
  open: [{ route: '/mcp', what: 'stream', endless: true, count: 5, oldestSeconds: 9 }],
};

describe('what several workers say of themselves', () => {
  it('is added up, and each of them stands in it too', () => {
    expect(mergeDescriptions([one, other])).toEqual({
      urls: one.urls,
      certificates: [],
      connections: 6,
      upstreamConnections: 4,
      limits: 'alone',
      sessions: { live: 2, revived: 4, ended: 6 },
      open: [
        { route: '/mcp', what: 'stream', endless: true, count: 6, oldestSeconds: 60 },
        { route: '/mcp', what: 'call', endless: false, count: 2, oldestSeconds: 4 },
      ],
      servers: [],
      workers: [
        { pid: 1, state: 'running', connections: 3, open: 3 },
        { pid: 2, state: 'draining', connections: 3, open: 5 },
      ],
    });
  });

  it('is nothing where nobody answers', () => {
    expect(mergeDescriptions([])).toMatchObject({ urls: [], connections: 0, limits: 'own', workers: [] });
  });
});
