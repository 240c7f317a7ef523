import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type * as Package from '../../src/index.ts';
import { buildCall } from '../support/messages.ts';
import { findFreePort } from '../support/programs.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';

/** What `import 'breakwater'` gives, once it is built. */
async function importPackage(): Promise<typeof Package> {
  const file = new URL('../../dist/program/index.js', import.meta.url);
  return (await import(file.href)) as typeof Package;
}

describe('the package in a program of somebody else', () => {
  it('loads a configuration, serves by it, and stops', async () => {
    const { BoundDoors, launchGateway, loadConfig, systemClock } = await importPackage();
    const upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-package-'));
    const port = await findFreePort();
    try {
      const loaded = await loadConfig({
        env: {},
        flags: { target: String(upstream.port), listen: `127.0.0.1:${port}`, stateDir },
        cwd: stateDir,
      });
      if (!loaded.ok) throw new Error(loaded.error.map(({ message }) => message).join('\n'));
      const launched = await launchGateway({
        ...loaded.value,
        clock: systemClock,
        doors: new BoundDoors(),
        terminal: { isTty: false, colour: false },
      });
      if (!launched.ok) throw new Error(launched.error.map(({ message }) => message).join('\n'));
      expect(launched.value.facts.routes.map(({ url }) => url)).toEqual([`https://localhost:${port}/mcp`]);
      const ca = await readFile(launched.value.facts.authorityFile ?? '', 'utf8');
      const client = await connectRaw({ port, ca });
      client.send(buildPost(buildCall()));
      expect((await receive(client)).body).toContain('"result":{}');
      await launched.value.stop();
    } finally {
      await upstream.stop();
      await rm(stateDir, { recursive: true });
    }
  });

  it('gives what is wrong as values, and throws nothing', async () => {
    const { loadConfig } = await importPackage();
    const loaded = await loadConfig({ env: {}, flags: { target: 'no server' }, cwd: tmpdir() });
    expect(loaded).toMatchObject({ ok: false, error: [{ severity: 'error', code: 'E_CONFIG_UPSTREAM' }] });
  });
});
