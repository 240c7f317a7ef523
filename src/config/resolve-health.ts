import type { HealthConfig } from './health-config.ts';
import type { UpstreamServerConfig } from './upstream-config.ts';
import { healthSchema, type HealthSetting } from './schema/health.ts';

/** The checks of a route's servers. One server alone is not checked unless that is asked for: there is no other to send work to. */
export function resolveHealth(
  setting: HealthSetting | undefined,
  upstreams: readonly UpstreamServerConfig[],
): HealthConfig | undefined {
  const isAlone = upstreams.length < 2 && !upstreams.some(({ resolvesAll }) => resolvesAll);
  if (setting === undefined && isAlone) return undefined;
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
