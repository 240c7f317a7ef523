import type { FileMapping, FileValue } from '../config/file-value.ts';

/** Where the pods find what is mounted; each is a folder of its own, because nothing can be mounted below a read-only mount. */
export const podFolders = { secrets: '/run/breakwater/secrets', files: '/run/breakwater/files' } as const;

/** The files and secrets that a configuration only names, and the same configuration with the names that they have in a pod. */
export interface ClusterFiles {
  readonly settings: FileMapping;
  /** Certificates with their keys, each a Secret of its own. */
  readonly pairs: readonly ClusterPair[];
  /** Variables with secrets; each is a key of the one Secret. */
  readonly variables: readonly string[];
  /** Files with secrets; each is a key of the same Secret. */
  readonly secrets: readonly ClusterFile[];
  /** Files that anyone may read: authorities, revocation lists. */
  readonly texts: readonly ClusterFile[];
}

export interface ClusterFile {
  /** Letters, digits, `-`, `_` and `.`; no two are the same. */
  readonly key: string;
  /** As the configuration names it. */
  readonly path: string;
}

export interface ClusterPair {
  /** Ending of the name of the Secret: `tls`, `tls-2`. */
  readonly name: string;
  /** Where it is mounted. */
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
}

type Role = 'cert' | 'key' | 'secret' | 'text' | 'variable' | 'dropped';

/** What settings name, by their names with `*` for positions. A file that is missing here would be looked for in the image. */
const roles: readonly (readonly [pattern: RegExp, role: Role])[] = [
  [/^tls\.(?:certificates\.\*\.)?cert$/, 'cert'],
  [/^tls\.(?:certificates\.\*\.)?key$/, 'key'],
  [/\.(?:ca|crl)$/, 'text'],
  [/_file$/, 'secret'],
  [/_env$/, 'variable'],
  // The volume is elsewhere, and a log that is a file would end with its pod.
  [/^state_dir$|^log\.access$/, 'dropped'],
];

/** The role of a setting by its name, or `undefined` where it names nothing. Claims have whatever names their issuer gave them. */
export function toRole(setting: string): Role | undefined {
  if (setting.includes('.claims.')) return undefined;
  return roles.find(([pattern]) => pattern.test(setting))?.[1];
}

/** Moves what a configuration names to where pods have it. */
export function moveFiles(given: FileMapping): ClusterFiles {
  const secrets = new KeyList();
  const texts = new KeyList();
  const variables = new Set<string>();
  const pairs: ClusterPair[] = [];
  const toPair = ({ cert, key }: FileMapping): ClusterPair | undefined => {
    if (typeof cert !== 'string' || typeof key !== 'string') return undefined;
    const name = pairs.length === 0 ? 'tls' : `tls-${pairs.length + 1}`;
    const pair = { name, folder: `/run/breakwater/${name}`, cert, key };
    pairs.push(pair);
    return pair;
  };
  const move = (value: FileValue, path: readonly string[]): FileValue | undefined => {
    if (isMapping(value)) return moveAll(value, path);
    if (typeof value === 'object') return value.flatMap((item) => move(item, [...path, '*']) ?? []);
    const role = typeof value === 'string' ? toRole(path.join('.')) : undefined;
    switch (role) {
      case 'dropped':
        return undefined;
      case 'variable':
        variables.add(String(value));
        return value;
      case 'secret':
        return `${podFolders.secrets}/${secrets.add(String(value))}`;
      case 'text':
        return `${podFolders.files}/${texts.add(String(value))}`;
      case 'cert':
      case 'key':
      case undefined:
        return value;
    }
  };
  const moveAll = (mapping: FileMapping, path: readonly string[]): FileMapping | undefined => {
    const pair = toRole([...path, 'cert'].join('.')) === 'cert' ? toPair(mapping) : undefined;
    const moved = Object.entries(mapping).flatMap(([key, part]): [string, FileValue][] => {
      if (pair !== undefined && key === 'cert') return [[key, `${pair.folder}/tls.crt`]];
      if (pair !== undefined && key === 'key') return [[key, `${pair.folder}/tls.key`]];
      const value = move(part, [...path, key]);
      return value === undefined ? [] : [[key, value]];
    });
    // A section that said nothing else is gone with it.
    return moved.length === 0 && Object.keys(mapping).length > 0 ? undefined : Object.fromEntries(moved);
  };
  const settings = moveAll(given, []) ?? {};
  return { settings, pairs, variables: [...variables], secrets: secrets.files, texts: texts.files };
}

/** Keys for files, made of their names; the same file has one key. */
class KeyList {
  readonly files: ClusterFile[] = [];

  add(path: string): string {
    const known = this.files.find((file) => file.path === path);
    if (known !== undefined) return known.key;
    const name = path.slice(path.lastIndexOf('/') + 1).replaceAll(/[^\w.-]/g, '-');
    const taken = new Set(this.files.map((file) => file.key));
    // Keys of only dots are no names of files.
    const base = /[^.-]/.test(name) ? name : 'file';
    let key = base;
    for (let count = 2; taken.has(key); count += 1) key = `${count}-${base}`;
    this.files.push({ key, path });
    return key;
  }
}

function isMapping(value: FileValue): value is FileMapping {
  return typeof value === 'object' && !Array.isArray(value);
}
