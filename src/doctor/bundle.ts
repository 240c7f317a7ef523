import { gzipSync } from 'node:zlib';
import { formatText } from './report/text.ts';
import type { Report } from './report.ts';

/** What a bug report needs. Nothing is sent anywhere. */
export interface Bundle {
  /** A gzipped tar archive. */
  readonly bytes: Uint8Array;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** What was taken out of the files before they were written. */
  readonly removed: readonly string[];
}

const removed = [
  'tokens and API keys',
  'cookies',
  'session ids',
  'the query of the address',
  'secrets of registered clients',
  'members of published keys',
];

/** Packs the facts, the report and the versions of what runs. */
export function buildBundle(report: Report): Bundle {
  const environment = {
    breakwater: report.facts.doctor,
    node: process.versions.node,
    openssl: process.versions.openssl,
    ...(process.versions.bun === undefined ? {} : { bun: process.versions.bun }),
    platform: process.platform,
    arch: process.arch,
  };
  const text = formatText(report, { color: false, unicode: true, width: 120, verbose: true });
  const contents = [
    ['facts.json', toJsonText(report.facts)],
    ['report.txt', text],
    ['environment.json', toJsonText(environment)],
  ] as const;
  const modified = Date.parse(report.facts.at);
  const parts = contents.flatMap(([path, content]) =>
    packFile(`breakwater-doctor/${path}`, content, modified),
  );
  return {
    bytes: gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)])),
    files: contents.map(([path, content]) => ({ path, bytes: Buffer.byteLength(content) })),
    removed,
  };
}

function toJsonText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A file in the form of POSIX.1-1988 (ustar): a header of 512 bytes, and the content filled up to as many. */
function packFile(path: string, content: string, modified: number): readonly Buffer[] {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(path, 0, 100);
  header.write(octal(0o600, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(bytes.length, 12), 124);
  header.write(octal(Math.floor(modified / 1000), 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}
