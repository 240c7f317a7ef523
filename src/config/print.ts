import { Document, isCollection, isMap, isPair, isScalar, isSeq, type Node } from 'yaml';
import type { Config } from './config.ts';
import { toFileForm, type FileMapping, type FileValue } from './file-form.ts';
import { formatOrigin, type Provenance } from './source-tree.ts';

/** One setting of a resolved configuration: `limits.head`, its value, and where that comes from. */
export interface SettingLine {
  readonly setting: string;
  readonly value: FileValue;
  readonly origin: string;
}

/** Every setting with its origin, defaults included. */
export function listSettings(config: Config, provenance: Provenance): SettingLine[] {
  const list = (value: FileValue, path: readonly string[]): SettingLine[] => {
    const parts = Array.isArray(value) || isMapping(value) ? Object.entries(value) : [];
    if (parts.length > 0) return parts.flatMap(([key, part]) => list(part, [...path, key]));
    return [{ setting: path.join('.'), value, origin: originOf(path, provenance) }];
  };
  return list(toFileForm(config), []);
}

/** The resolved configuration as YAML with the origin of each value as a comment behind it. */
export function printConfig(config: Config, provenance: Provenance): string {
  const document = new Document(toFileForm(config));
  const annotate = (node: unknown, path: readonly string[]): void => {
    if ((isMap(node) || isSeq(node)) && node.items.length > 0) {
      for (const [index, item] of node.items.entries()) {
        if (!isPair(item)) annotate(item, [...path, String(index)]);
        else if (isScalar(item.key)) annotate(item.value, [...path, String(item.key.value)]);
      }
      return;
    }
    if (isScalar(node) || isCollection(node)) comment(node, ` ${originOf(path, provenance)}`);
  };
  annotate(document.contents, []);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function comment(node: Node, text: string): void {
  node.comment = text;
}

/** A route without own access control takes that of the whole file, so it has its origin too. */
function originOf(path: readonly string[], provenance: Provenance): string {
  const [first, , third] = path;
  const inherited = first === 'routes' && third === 'auth' ? path.slice(2) : path;
  const origin = provenance.get(path.join('.')) ?? provenance.get(inherited.join('.'));
  return formatOrigin(origin ?? { kind: 'default' });
}

function isMapping(value: FileValue): value is FileMapping {
  return typeof value === 'object' && !Array.isArray(value);
}
