import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/lib/error-codes.ts';

const bin = fileURLToPath(new URL('../../bin/breakwater.js', import.meta.url));

/** Starts the real script in a Node that says it is another. */
function runAs(version: string): Promise<{ exit: unknown; stderr: string }> {
  const versions = JSON.stringify({ ...process.versions, node: version });
  const disguise = `Object.defineProperty(process, 'versions', { value: ${versions} });`;
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(disguise)}`, bin, 'not-a-command'];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, (error, _stdout, stderr) => resolve({ exit: error?.code ?? 0, stderr }));
  });
}

describe('the Node version', () => {
  it.each(['18.20.8', '20.20.2', '22.23.1', '22.9.9', '23.11.1', '24.18.0', '25.9.0', '26.5.0'])(
    '%s is refused with one clear error',
    async (version) => {
      expect(await runAs(version)).toEqual({
        exit: 2,
        stderr: `error[E_NODE_VERSION]: Node ${version} has known holes in HTTP and TLS\n  = fix: ${errorCodes.E_NODE_VERSION.fix}\n`,
      });
    },
  );

  it.each(['22.23.2', '22.24.0', '24.18.1', '24.100.0', '26.5.1', '27.0.0'])(
    '%s is taken',
    async (version) => {
      expect((await runAs(version)).stderr).not.toContain('E_NODE_VERSION');
    },
  );
});
