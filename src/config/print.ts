import { stringify } from 'yaml';
import type { Config } from './config.ts';
import { toFileForm } from './file-form.ts';
import type { FileMapping, FileValue } from './file-value.ts';
import { formatOrigin, type Provenance } from './source-tree.ts';

/** One setting of a resolved configuration: `limits.head`, its value, and where that comes from. */
export interface SettingLine {
  readonly setting: string;
  readonly value: FileValue;
  readonly origin: string;
}

/** Every setting with its origin, defaults included. */
export function listSettings(config: Config, provenance: Provenance): SettingLine[] {
  const list = (value: FileValue, path: readonly string[]): SettingLine[] =>
    isNested(value)
      ? Object.entries(value).flatMap(([key, part]: [string, FileValue]) => list(part, [...path, key]))
      : [{ setting: path.join('.'), value, origin: originOf(path, provenance) }];
  return list(toFileForm(config, provenance), []);
}

interface Line {
  readonly text: string;
  readonly origin?: string;
}

/** The resolved configuration as YAML with the origin of each value as a comment behind it. */
export function printConfig(config: Config, provenance: Provenance): string {
  const write = (value: FileMapping | readonly FileValue[], path: readonly string[]): Line[] =>
    Object.entries(value).flatMap(([key, part]: [string, FileValue]): Line[] => {
      const child = [...path, key];
      const head = Array.isArray(value) ? '-' : `${key}:`;
      if (!isNested(part)) {
        return [
          {
            text: `${head} ${stringify(part, { lineWidth: 0 }).trimEnd()}`,
            origin: originOf(child, provenance),
          },
        ];
      }
      const lines = write(part, child);
      if (!Array.isArray(value)) return [{ text: head }, ...indent(lines, '  ')];
      return indent(lines, '  ').map((line, index) =>
        index === 0 ? { ...line, text: `- ${line.text.slice(2)}` } : line,
      );
    });
  const lines = write(toFileForm(config, provenance), []);
  const width = Math.min(48, Math.max(...lines.map(({ text }) => text.length)));
  return lines
    .map(({ text, origin }) => (origin === undefined ? `${text}\n` : `${text.padEnd(width)}  # ${origin}\n`))
    .join('');
}

function indent(lines: readonly Line[], by: string): Line[] {
  return lines.map((line) => ({ ...line, text: by + line.text }));
}

/** A route without own access control takes that of the whole file, so it has its origin too. */
function originOf(path: readonly string[], provenance: Provenance): string {
  const [first, , third] = path;
  const inherited = first === 'routes' && third === 'auth' ? path.slice(2) : path;
  const origin = provenance.get(path.join('.')) ?? provenance.get(inherited.join('.'));
  return formatOrigin(origin ?? { kind: 'default' });
}

/** False for scalars and for collections with nothing in them, which are written on one line. */
function isNested(value: FileValue): value is FileMapping | readonly FileValue[] {
  return typeof value === 'object' && Object.keys(value).length > 0;
}
