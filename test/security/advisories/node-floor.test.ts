import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isExecutable } from '../../support/gateway-program.ts';

const script = fileURLToPath(new URL('../../../bin/breakwater.js', import.meta.url));
/** Where a system keeps a Node of its own, which may be an old one. */
const places = ['/usr/bin/node', '/usr/local/bin/node', '/opt/node/bin/node'];

interface Ending {
  readonly exit: unknown;
  readonly stderr: string;
}

function run(node: string, args: readonly string[]): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(node, [...args, script, 'version'], (error, _stdout, stderr) =>
      resolve({ exit: error?.code ?? 0, stderr }),
    );
  });
}

/** Arguments that make a Node say it is another version. */
function buildDisguise(version: string): string[] {
  const versions = JSON.stringify({ ...process.versions, node: version });
  const code = `Object.defineProperty(process, 'versions', { value: ${versions} });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

function findOldNode(): { readonly path: string; readonly version: string } | undefined {
  for (const path of places) {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(1) ?? '';
    if (/^(?:1[89]|2[01])\./.test(version)) return { path, version };
  }
  return undefined;
}

describe.skipIf(isExecutable)('T15: a Node with known holes', () => {
  const old = findOldNode();
  const refused = (version: string): object => ({
    exit: 2,
    stderr: expect.stringContaining(`error[E_NODE_VERSION]: Node ${version} `),
  });

  it.skipIf(old === undefined)('a real one refuses to start', async () => {
    if (old === undefined) return;
    expect(await run(old.path, [])).toEqual(refused(old.version));
  });

  it.each(['20.20.2', '22.23.1', '24.18.0', '26.5.0'])('%s refuses to start', async (version) => {
    expect(await run(process.execPath, buildDisguise(version))).toEqual(refused(version));
  });

  it('control: one without them starts', async () => {
    expect(await run(process.execPath, [])).toEqual({ exit: 0, stderr: '' });
    expect(await run(process.execPath, buildDisguise('24.18.1'))).toEqual({ exit: 0, stderr: '' });
  });
});
