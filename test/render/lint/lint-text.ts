import { renderDiagnostics } from '../../../src/lib/diagnostic-text.ts';
import { lintConfiguration, type LintOptions, type LintReport } from '../../../src/render/lint/lint.ts';
import type { LintFiles } from '../../../src/render/lint/load-tree.ts';

/** Files in memory, by absolute path. */
export function memoryFiles(files: Readonly<Record<string, string>> = {}): LintFiles {
  return {
    read: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(new Error('no such file'))
        : Promise.resolve(Buffer.from(text));
    },
    list: (folder) => {
      const inside = Object.keys(files).filter((path) => path.startsWith(`${folder === '/' ? '' : folder}/`));
      return Promise.resolve([
        ...new Set(
          inside.map((path) => path.slice(folder === '/' ? 1 : folder.length + 1).split('/')[0] ?? ''),
        ),
      ]);
    },
  };
}

/** Lints a text as `/etc/proxy/conf`; one that cannot be read is a failure of the test. */
export async function lintText(
  text: string,
  options: Partial<Omit<LintOptions, 'bytes' | 'files'>> & {
    readonly files?: Readonly<Record<string, string>>;
  } = {},
): Promise<LintReport> {
  const { files, ...rest } = options;
  const linted = await lintConfiguration({
    file: '/etc/proxy/conf',
    ...rest,
    bytes: Buffer.from(text),
    files: memoryFiles(files),
  });
  if (!linted.ok) throw new Error(renderDiagnostics(linted.error));
  return linted.value;
}
