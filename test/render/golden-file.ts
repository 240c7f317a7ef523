import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const folder = new URL('goldens/', import.meta.url);

/** The file of this name below `goldens/`, that `text` is compared with. UPDATE=1 writes it first. */
export async function readGolden(name: string, text: string): Promise<string> {
  // `.txt`, because a formatter must not mend what is compared byte for byte.
  const file = new URL(`${name}.txt`, folder);
  if (process.env['UPDATE'] === '1') {
    await mkdir(dirname(file.pathname), { recursive: true });
    await writeFile(file, text);
  }
  return readFile(file, 'utf8');
}
