import type { YamlMapping, YamlValue } from './yaml-text.ts';

/** What manifests leave to whoever installs them: plain values in a manifest, actions in a template of a chart. */
export interface Spots {
  /** Name of an object, with an ending where there are several: `breakwater-state`. */
  readonly name: (ending?: string) => YamlValue;
  readonly image: YamlValue;
  readonly pullPolicy: YamlValue | undefined;
  /** `undefined` where an autoscaler decides. */
  readonly replicas: YamlValue | undefined;
  readonly strategy: YamlValue;
  readonly resources: YamlValue;
  /** The configuration as one text. */
  readonly config: YamlValue;
  /** Where state is: a part of a volume of a pod, and the request for a persistent one. */
  readonly state: YamlMapping;
  readonly claim: YamlMapping;
  readonly service: {
    readonly type: YamlValue;
    readonly trafficPolicy: YamlValue;
    readonly annotations: YamlValue | undefined;
  };
  readonly scaling: {
    readonly least: YamlValue;
    readonly most: YamlValue;
    readonly streams: YamlValue;
  };
  readonly gateway: { readonly name: YamlValue; readonly listener: YamlValue };
}

/** Labels of everything. */
export function buildLabels(spots: Spots): YamlMapping {
  return { 'app.kubernetes.io/name': 'breakwater', 'app.kubernetes.io/instance': spots.name() };
}
