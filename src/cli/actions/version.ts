import { resolve } from 'node:path';
import { defaultStateDir } from '../../config/state-dir.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { readVersion } from '../../lib/version.ts';

export function runVersion(context: CliContext): number {
  const { env, cwd, stdout } = context.io;
  const { bun, node, openssl } = process.versions;
  const facts = {
    version: readVersion(),
    node: node ?? null,
    bun: bun ?? null,
    openssl: openssl ?? null,
    platform: `${process.platform}-${process.arch}`,
    stateDir: resolve(cwd, env['BREAKWATER_STATE_DIR'] || defaultStateDir(env, cwd)),
  };
  if (context.json) {
    writeEnvelope(context, 'version', facts);
    return 0;
  }
  const lines = Object.entries(facts).flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd(10)}${value}\n`],
  );
  stdout.write(lines.join(''));
  return 0;
}
