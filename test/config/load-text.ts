import type { LoadedConfig, LoadOptions } from '../../src/config/load.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/config.ts';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import type { Result } from '../../src/lib/result.ts';

export const cwd = '/srv/gateway';

type Overrides = Partial<Pick<LoadOptions, 'env' | 'flags' | 'file' | 'now' | 'secrets'>> & {
  /** Further files by their absolute path. */
  readonly files?: { readonly [path: string]: string };
};

/** Loads a text as if it were `breakwater.yaml` in `cwd`, or no file at all. */
export function loadText(
  text: string | undefined,
  { files = {}, ...overrides }: Overrides = {},
): Promise<Result<LoadedConfig, Diagnostic[]>> {
  return loadConfig({
    env: { HOME: '/home/op' },
    flags: {},
    cwd,
    ...(overrides.flags?.target === undefined || text === undefined ? {} : { file: 'breakwater.yaml' }),
    ...overrides,
    readFile: (path) => {
      if (text !== undefined && (path === `${cwd}/breakwater.yaml` || path === '-')) {
        return Promise.resolve(Buffer.from(text));
      }
      const other = files[path];
      if (other !== undefined) return Promise.resolve(Buffer.from(other));
      return Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
    },
  });
}

/** The configuration of a text that must be valid. */
export async function configOf(text: string | undefined, overrides: Overrides = {}): Promise<Config> {
  const loaded = await loadText(text, overrides);
  if (!loaded.ok) throw new Error(renderDiagnostics(loaded.error));
  return loaded.value.config;
}

/** Codes and messages of a text that must not be valid. */
export async function problemsOf(text: string | undefined, overrides: Overrides = {}): Promise<string[]> {
  const loaded = await loadText(text, overrides);
  if (loaded.ok) throw new Error('the configuration is valid');
  return loaded.error.map(({ code, message }) => `${code}: ${message}`);
}
