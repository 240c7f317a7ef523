import type { RouteConfig } from './config.ts';
import type { HealthConfig } from './health-config.ts';
import { mayHaveSeveralServers } from './split.ts';
import { healthSchema, type HealthSetting } from './schema/health.ts';

/** The checks of a route's servers. One server alone is not checked unless that is asked for: there is no other to send work to. */
export function resolveHealth(
  setting: HealthSetting | undefined,
  route: Pick<RouteConfig, 'upstreams' | 'split'>,
): HealthConfig | undefined {
  if (setting === undefined && !mayHaveSeveralServers(route)) return undefined;
  const { check, path, ...rest } = setting ?? healthSchema.parse({});
  switch (check) {
    case 'none':
      return undefined;
    case 'tcp':
    case 'discover':
      return { ...rest, check: { kind: check } };
    case 'http':
      // Without a path the configuration was refused.
      return { ...rest, check: { kind: check, path: path ?? '/' } };
  }
}
