import { engines, type Engine } from './engine.ts';

/** What runs Breakwater in a cluster. */
const clusterTargets = ['kubernetes', 'helm'] as const;

export type ClusterTarget = (typeof clusterTargets)[number];
export type ServiceTarget = 'systemd' | 'docker' | 'compose' | ClusterTarget;
export type RenderTarget = Engine | ServiceTarget;

/** What starts Breakwater itself as a service. */
const serviceTargets: readonly ServiceTarget[] = ['systemd', 'docker', 'compose', ...clusterTargets];

export const renderTargets: readonly RenderTarget[] = [...engines, ...serviceTargets];

export function isServiceTarget(target: RenderTarget): target is ServiceTarget {
  return serviceTargets.some((each) => each === target);
}

export function isClusterTarget(target: RenderTarget): target is ClusterTarget {
  return clusterTargets.some((each) => each === target);
}
