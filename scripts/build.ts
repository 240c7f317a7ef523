import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/**
 * Builds `dist` from nothing, so that no file of an older build is left in the package: declarations file by file, and the program in a few
 * files, because to find and read hundreds of small ones was a third of its start. What a command alone needs stays a file of its own.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const bundle = await rolldown({
  cwd: root,
  input: { main: 'src/cli/main.ts', index: 'src/index.ts' },
  platform: 'node',
  // Dependencies are installed beside the package and read there, but for those that are hundreds of small files read at each start. Even
  // these stay dependencies: so `npm audit` tells of them, and their licences come with them.
  external: /^(?!zod$|yaml$|commander$)[^./]/,
});
await bundle.write({
  dir: `${root}dist/program`,
  format: 'esm',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
