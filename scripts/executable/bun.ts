import { createRequire } from 'node:module';

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@oven/bun-linux-x64',
  'linux-arm64': '@oven/bun-linux-aarch64',
};

/** The path of the Bun that the toolchain brings for this platform; throws when it brings none. */
export function findBun(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  if (name === undefined) throw new Error(`the toolchain has no Bun for ${platform}`);
  return createRequire(import.meta.url).resolve(`${name}/bin/bun`);
}
