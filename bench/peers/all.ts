import type { Peer } from '../peer.ts';
import { apache } from './apache.ts';
import { bareNode } from './bare-node.ts';
import { breakwater, breakwaterExecutable, findBreakwaterBefore } from './breakwater.ts';
import { findCaddies } from './caddy.ts';
import { haproxy } from './haproxy.ts';
import { mcpProxy } from './mcp-proxy.ts';
import { nginx } from './nginx.ts';
import { supergateway } from './supergateway.ts';
import { undiciBaseline } from './undici-baseline.ts';

/** All peers, in the order of the table. */
export const allPeers: readonly Peer[] = [
  breakwater,
  breakwaterExecutable,
  ...findBreakwaterBefore(),
  nginx,
  haproxy,
  apache,
  ...findCaddies(),
  undiciBaseline,
  bareNode,
  mcpProxy,
  supergateway,
];
