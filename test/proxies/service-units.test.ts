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
  ['public', publicService],
  ['local', localService],
])('the unit of a %s service', (_name, service) => {
  async function analyze(...args: readonly string[]): Promise<{ status: number | null; output: string }> {
    const rendered = renderSystemd(service);
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    await using folder = await createEngineFolder();
    // The program itself is not installed where tests run.
    const text = (rendered.value.files[0]?.text ?? '').replace('/usr/local/bin/breakwater', '/bin/true');
    const unit = await folder.write('breakwater-test.service', text);
    const { status, stdout, stderr } = spawnSync(program, [...args, unit], { encoding: 'utf8' });
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
