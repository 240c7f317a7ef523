import { createH1Load } from '../load.ts';
import type { Row } from './row.ts';
import { createThroughputRow } from './throughput.ts';

/** A small call over HTTP/1.1, passed through without access control. */
export const bareH1: Row = createThroughputRow(
  {
    id: 'bare-h1',
    title: 'call over HTTP/1.1, 32 connections',
    targets: [
      { peer: 'nginx', ratio: 0.4 },
      { peer: 'caddy', ratio: 2 },
    ],
  },
  (directory) => createH1Load(directory, 32),
);
