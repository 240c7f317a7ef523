import { createH2Load } from '../load.ts';
import type { Row } from './row.ts';
import { createThroughputRow } from './throughput.ts';

/** The same call over HTTP/2. */
export const bareH2: Row = createThroughputRow(
  { id: 'bare-h2', title: 'call over HTTP/2, 16 connections x 4 streams', targets: [] },
  (directory) => createH2Load(directory, 16, 4),
);
