import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { toTool } from './denied-cases.ts';

/** A request as a server gets it. */
export interface ReadRequest {
  /** Field lines, each with its line end. */
  readonly fields: string;
  readonly body: Buffer;
}

const program = fileURLToPath(new URL('lenient-readers.py', import.meta.url));

/** For each request the readers that would run a denied call: `JSON.parse`, and others that take more, in Python. */
export function findReaders(requests: readonly ReadRequest[]): readonly (readonly string[])[] {
  const lines = requests.map(({ fields, body }) => {
    const pairs = [...fields.matchAll(/^(.*?):[ \t]*(.*?)\r?$/gm)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      value,
    ]);
    return JSON.stringify({ fields: pairs, body: body.toString('base64') });
  });
  const { stdout, stderr } = spawnSync('python3', [program], {
    input: `${lines.join('\n')}\n`,
    maxBuffer: 64 * 1024 * 1024,
  });
  const found = stdout.toString().trim().split('\n');
  if (found.length !== requests.length) throw new Error(stderr.toString());
  return requests.map(({ body }, at) => {
    // The program writes a list of names.
    const readers = JSON.parse(found[at] ?? '') as string[];
    return runsByParse(body) ? ['JSON.parse', ...readers] : readers;
  });
}

function runsByParse(body: Buffer): boolean {
  try {
    return [JSON.parse(body.toString()) as unknown].flat().some((message) => toTool(message) === 'denied');
  } catch {
    return false;
  }
}
