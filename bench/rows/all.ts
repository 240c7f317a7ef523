import type { Row } from '../row.ts';
import { addedLatency } from './added-latency.ts';
import { bareH1, bareH2, ruledH1, securedCachedH1, securedH1 } from './calls.ts';
import { coldStart } from './cold-start.ts';
import { fanOut } from './fan-out.ts';
import { firstEvent } from './first-event.ts';
import { idleMemory } from './idle-memory.ts';
import { largeBody } from './large-body.ts';
import { workers } from './workers.ts';

/** All rows, in the order of the table. */
export const allRows: readonly Row[] = [
  bareH1,
  bareH2,
  securedH1,
  securedCachedH1,
  ruledH1,
  addedLatency,
  firstEvent,
  idleMemory,
  fanOut,
  largeBody,
  coldStart,
  workers,
];
