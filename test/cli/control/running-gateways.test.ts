import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from '../capture-io.ts';

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-control-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

async function failWith(): Promise<unknown> {
  const { stderr } = await runCli(['status', '--json', '--state-dir', stateDir]);
  return JSON.parse(stderr);
}

it('finds none where there is no directory of sockets', async () => {
  expect(await failWith()).toMatchObject({ error: { code: 'E_NOT_RUNNING', exit: 4 } });
});

it('does not say that none runs where the directory cannot be read', async () => {
  await writeFile(join(stateDir, 'control'), '');
  expect(await failWith()).toMatchObject({
    error: {
      code: 'E_STATE_UNWRITABLE',
      message: `cannot read \`${join(stateDir, 'control')}\`: a part of the path is not a directory`,
      hint: 'run the command as the user that runs Breakwater',
    },
  });
});
