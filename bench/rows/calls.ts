import { createH1Load, createH2Load } from '../load.ts';
import type { Row } from '../row.ts';
import { createThroughputRow } from './throughput.ts';

const STREAMS = 4;
const otherConnections = [1, 8, 256];

/** A small call over HTTP/1.1, passed through without access control. */
export const bareH1: Row = createThroughputRow({
  id: 'bare-h1',
  title: 'call over HTTP/1.1, 32 connections',
  check: 'none',
  connections: otherConnections,
  createLoad: (directory) => createH1Load(directory),
  createChangingLoad: (directory) => createH1Load(directory, 'echo', 'changing'),
});

/** The same call over HTTP/2. */
export const bareH2: Row = createThroughputRow({
  id: 'bare-h2',
  title: `call over HTTP/2, 32 connections x ${STREAMS} streams`,
  check: 'none',
  connections: otherConnections,
  overH2: true,
  createLoad: (directory) => createH2Load(directory, STREAMS),
});

/** The call with a token that is checked each time, by whatever means a peer has. */
export const securedH1: Row = createThroughputRow({
  id: 'secured-h1',
  title: 'call with a bearer check, HTTP/1.1, 32 connections',
  check: 'token',
  connections: [],
  createLoad: (directory) => createH1Load(directory),
});

/** The same beside an nginx that remembers the answers of its check. */
export const securedCachedH1: Row = createThroughputRow({
  id: 'secured-cached-h1',
  title: 'call with a bearer check, nginx remembering answers for 10 s',
  check: 'cached-token',
  connections: [],
  createLoad: (directory) => createH1Load(directory),
});

/** The same with a token that an issuer signed, rules for 50 tools, and limits; nginx has neither and remembers its answers. */
export const ruledH1: Row = createThroughputRow({
  id: 'ruled-h1',
  title: 'call with a verified JWT, rules for 50 tools and limits, nginx remembering answers for 10 s',
  check: 'issued-token',
  connections: [],
  createLoad: (directory) => createH1Load(directory),
});
