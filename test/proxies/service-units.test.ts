import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderSystemd } from '../../src/render/targets/systemd.ts';
import { localService, publicService } from '../render/sample-service.ts';
import { createEngineFolder } from '../support/proxy-engine.ts';

const program = '/usr/bin/systemd-analyze';
/** systemd's own scale, in tenths: up to here it says "OK". */
const highestExposure = 20;

describe.skipIf(!existsSync(program)).each([
  ['public', publicService, {}],
  ['local', localService, {}],
  ['public, with sockets,', publicService, { sockets: true }],
])('the unit of a %s service', (_name, service, options) => {
  async function analyze(...args: readonly string[]): Promise<{ status: number | null; output: string }> {
    const rendered = renderSystemd(service, options);
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    await using folder = await createEngineFolder();
    const units: string[] = [];
    for (const { path, text } of rendered.value.files) {
      // The program itself is not installed where tests run.
      units.push(await folder.write(path, text.replace('/usr/local/bin/breakwater', '/bin/true')));
    }
    // Only services have an exposure.
    const asked = args[0] === 'verify' ? units : units.slice(0, 1);
    const { status, stdout, stderr } = spawnSync(program, [...args, ...asked], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  it('is accepted by systemd without a word', async () => {
    expect(await analyze('verify')).toEqual({ status: 0, output: '' });
  });

  it('is hardened, as systemd counts it', async () => {
    const { status, output } = await analyze('security', '--offline=true', `--threshold=${highestExposure}`);
    expect([status, output]).toEqual([0, expect.stringMatching(/exposure level .* OK/)]);
  });
});
