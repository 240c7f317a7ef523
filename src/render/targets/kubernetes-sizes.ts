import type { Cluster } from '../cluster.ts';

const MIB = 1024 * 1024;
/** Of a process without streams, with room to spare. */
const BASE_BYTES = 128 * MIB;
/** What a quiet stream takes, rounded up, and what the soak test allows it: that of a reader that has stopped reading. */
const QUIET_BYTES = 64 * 1024;
const WORST_BYTES = 160 * 1024;
/** Above this share of its memory Breakwater refuses new work. */
const SHED_ABOVE = 0.85;

/** Memory of a pod, MiB: `request` with all connections quiet, `limit` with all of them at their worst. */
export function toMemory(cluster: Cluster): { readonly request: number; readonly limit: number } {
  const { connections, bodyBytes } = cluster;
  const base = toProcesses(cluster).all * BASE_BYTES;
  return {
    request: Math.ceil((base + connections * QUIET_BYTES) / MIB),
    limit: Math.ceil((base + connections * WORST_BYTES + bodyBytes) / SHED_ABOVE / MIB),
  };
}

/** Several workers have a supervisor. `auto` is reckoned as one: how many it is, the node says. */
export function toProcesses({ workers }: Cluster): { readonly carrying: number; readonly all: number } {
  const carrying = workers === 'auto' ? 1 : workers;
  return { carrying, all: carrying === 1 ? 1 : carrying + 1 };
}

/** Open streams of a pod at which another one is started: half of what it takes, since streams do not move to a new pod. */
export function toStreamTarget({ connections }: Cluster): number {
  return Math.max(1, Math.floor(connections / 2));
}

/** Pods in the beginning, and at most. */
export const replicaRange = { least: 2, most: 10 } as const;
/** Seconds in which a pod that ends is taken out of all load balancers, before it stops to accept. */
export const stopDelay = 10;
/** After the drain time: the last answers leave, and the process ends. */
const SPARE_SECONDS = 6;

/** Seconds between the order to end and SIGKILL; the delay before SIGTERM counts too. */
export function toGracePeriod({ drain }: Cluster): number {
  return stopDelay + Math.ceil(drain / 1000) + SPARE_SECONDS;
}
