import type { Place } from '../lib/diagnostic.ts';
import type { FileMapping, FileValue } from './file-value.ts';
import { isSecretValue, maskSecrets } from './mask.ts';
import type { YamlSource } from './yaml-source.ts';

/** Where a value comes from; later kinds win over earlier ones. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string };

/** Path of a setting with dots: `limits.head`, `routes.0.upstream`. */
export type Provenance = ReadonlyMap<string, Origin>;

export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return `${origin.name} (environment)`;
    case 'flag':
      return `${origin.name} (command line)`;
  }
}

interface Spot {
  readonly origin: Origin;
  readonly key: Place;
  readonly value: Place;
}

/** The settings of all sources laid over one another, before any of them is checked. */
export class SourceTree {
  readonly root: Record<string, unknown> = Object.create(null) as Record<string, unknown>; // See YAML: no prototype.
  readonly #spots = new Map<string, Spot>();
  readonly #start: Place;

  constructor(yaml?: YamlSource) {
    this.#start = yaml?.source.place({ start: 0, end: 0 }) ?? {};
    if (yaml === undefined) return;
    Object.assign(this.root, yaml.root);
    for (const spot of yaml.spots) {
      const value = yaml.source.place(spot.value);
      const { file = '', line = 1, column = 1 } = value;
      const key = spot.key === undefined ? value : yaml.source.place(spot.key);
      this.#spots.set(toKey(spot.path), { origin: { kind: 'file', file, line, column }, key, value });
    }
  }

  /** Lays a value of the environment or the command line over what is there. */
  set(path: readonly PropertyKey[], value: unknown, origin: Origin): void {
    const parent = path.slice(0, -1).reduce<Record<PropertyKey, unknown>>((node, key) => {
      const child = node[key];
      if (isContainer(child)) return child;
      const created = Object.create(null) as Record<PropertyKey, unknown>; // As `root`.
      node[key] = created;
      return created;
    }, this.root);
    const last = path.at(-1);
    if (last === undefined) return;
    parent[last] = value;
    const parts = Array.isArray(value) ? value : [value];
    this.#spots.set(toKey(path), toSpot(parts.join(' '), path, origin));
    if (Array.isArray(value)) {
      for (const [index, part] of value.entries()) {
        this.#spots.set(toKey([...path, index]), toSpot(String(part), path, origin));
      }
    }
  }

  /** The value at the path, or `undefined`. */
  get(path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
      (node, key) => (isContainer(node) && Object.hasOwn(node, key) ? node[key] : undefined),
      this.root,
    );
  }

  /** The place of the key or value, of the nearest mapping around it where it has none, or nothing when there is no file. */
  place(path: readonly PropertyKey[], part: 'key' | 'value' = 'value'): Place {
    const spot = this.#spots.get(toKey(path));
    if (spot !== undefined) return spot[part];
    return path.length === 0 ? this.#start : this.place(path.slice(0, -1), 'key');
  }

  origin(path: readonly PropertyKey[]): Origin {
    return this.#spots.get(toKey(path))?.origin ?? { kind: 'default' };
  }

  provenance(): Provenance {
    return new Map([...this.#spots].map(([key, { origin }]) => [key, origin]));
  }

  /** What is given, in the words of the file: no defaults and no comments. No setting has a null. */
  settings(): FileMapping {
    return toFileMapping(this.root);
  }
}

function toFileMapping(values: object): FileMapping {
  const given = Object.entries(values).flatMap(([key, value]: [string, unknown]): [string, FileValue][] => {
    const written = toFileValue(value);
    return written === undefined ? [] : [[key, written]];
  });
  return Object.fromEntries(given);
}

function toFileValue(value: unknown): FileValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.flatMap((item: unknown) => toFileValue(item) ?? []);
  return isContainer(value) ? toFileMapping(value) : undefined;
}

function toSpot(text: string, path: readonly PropertyKey[], origin: Origin): Spot {
  const sourceLine = isSecretValue(path, text) ? '*'.repeat(text.length) : maskSecrets(text);
  const place = { file: formatOrigin(origin), length: text.length, sourceLine };
  return { origin, key: place, value: place };
}

function toKey(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function isContainer(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
