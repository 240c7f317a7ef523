import type { Config } from '../../config/config.ts';
import type { UpstreamLimitsConfig } from '../../config/upstream-config.ts';

/**
 * The configuration of one of several workers, which divide between them what a whole gateway may hold. Connections go to the workers in
 * turn, but those of one address not evenly: three standard deviations are added for it.
 */
export function toShareOf(config: Config): Config {
  const { limits, routes, workers } = config;
  if (workers === 1) return config;
  const perWorker = limits.connectionsPerAddress / workers;
  return {
    ...config,
    routes: routes.map((route) => ({
      ...route,
      upstreamLimits: route.upstreamLimits && shareLimits(route.upstreamLimits, workers),
    })),
    limits: {
      ...limits,
      connections: Math.ceil(limits.connections / workers),
      connectionsPerAddress: Math.min(
        limits.connectionsPerAddress,
        Math.ceil(perWorker + 3 * Math.sqrt(perWorker)),
      ),
      allBodiesBytes: Math.max(limits.bodyBytes, Math.ceil(limits.allBodiesBytes / workers)),
    },
  };
}

/** Together they keep to the limit where it is at least one a worker. */
function shareLimits(limits: UpstreamLimitsConfig, workers: number): UpstreamLimitsConfig {
  return {
    ...limits,
    connections: Math.max(1, Math.floor(limits.connections / workers)),
    queue: Math.ceil(limits.queue / workers),
  };
}
