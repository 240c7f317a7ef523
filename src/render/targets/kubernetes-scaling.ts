import { buildLabels, type Spots } from './kubernetes-spots.ts';
import { noted, type YamlMapping } from './yaml-text.ts';

/** What the autoscaler goes by. */
export const streamMetric = 'breakwater_open_streams';

export function buildDisruptionBudget(spots: Spots): YamlMapping {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: spots.name(), labels: buildLabels(spots) },
    spec: {
      maxUnavailable: noted(
        'nodes are emptied one pod at a time: not all clients come back in the same moment',
        1,
      ),
      unhealthyPodEvictionPolicy: noted(
        'a pod that does not become ready would keep its node from ever being emptied',
        'AlwaysAllow',
      ),
      selector: { matchLabels: buildLabels(spots) },
    },
  };
}

export function buildAutoscaler(spots: Spots): YamlMapping {
  const { least, most, streams } = spots.scaling;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: spots.name(), labels: buildLabels(spots) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: spots.name() },
      minReplicas: noted('fewer than two are none while a node fails', least),
      maxReplicas: most,
      metrics: [
        {
          type: 'Pods',
          pods: {
            metric: {
              name: noted(
                'quiet streams take memory and descriptors but no processor time, so that CPU alone sees them too late.\n' +
                  'An adapter has to serve it under `custom.metrics.k8s.io`, such as prometheus-adapter; without one\n' +
                  'CPU below is what is left, and no pod is taken away while a metric is missing.',
                streamMetric,
              ),
            },
            target: {
              type: 'AverageValue',
              averageValue: noted(
                'half of `limits.connections`: open streams stay where they are, a new pod takes only those to come',
                streams,
              ),
            },
          },
        },
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: {
              type: 'Utilization',
              averageUtilization: noted(
                'one process uses one core: above this, heartbeats and calls wait',
                70,
              ),
            },
          },
        },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: noted(
            'each pod that goes ends its streams, and its clients come back elsewhere: slowly, and one at a time',
            1800,
          ),
          policies: [{ type: 'Pods', value: 1, periodSeconds: 600 }],
        },
        scaleUp: {
          stabilizationWindowSeconds: 0,
          policies: [{ type: 'Percent', value: 100, periodSeconds: 60 }],
        },
      },
    },
  };
}
