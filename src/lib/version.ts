import { readFileSync } from 'node:fs';

/** Set when the executable is compiled, which has no manifest beside it. */
declare const COMPILED_VERSION: string | undefined;

/** The version of the package, as its manifest says. */
export function readVersion(): string {
  if (typeof COMPILED_VERSION === 'string') return COMPILED_VERSION;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  if (!isManifest || typeof manifest.version !== 'string') throw new TypeError('package.json has no version');
  return manifest.version;
}
