import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFullRun } from '../support/evidence.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { buildCall } from '../support/messages.ts';
import { programsAreMandatory, toCheckoutPath } from '../support/programs.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';

/** The oldest and the newest release of each line that works, and releases with known holes. */
const good = isFullRun ? ['22.23.2', '24.18.1', '24.21.0', '26.5.1', '26.10.0'] : ['22.23.2', '26.10.0'];
const bad = isFullRun ? ['18.20.8', '20.20.2', '22.22.0', '24.17.0', '25.9.0'] : ['20.20.2', '24.17.0'];
const INSTALL_MILLISECONDS = 120_000;
const nodePackage = `node-linux-${process.arch}`;

let scratch: string;
let program: string;
let isOnline = true;

function npm(...words: readonly string[]): boolean {
  const { status } = spawnSync('npm', words, {
    cwd: toCheckoutPath('.'),
    stdio: 'ignore',
    timeout: INSTALL_MILLISECONDS,
  });
  return status === 0;
}

function installNode(version: string): string {
  const prefix = join(scratch, version);
  if (!npm('install', '--no-save', '--prefix', prefix, `${nodePackage}@${version}`))
    throw new Error(`npm brings no ${nodePackage}@${version}`);
  return join(prefix, 'node_modules', nodePackage, 'bin/node');
}

/** The package as it is published, installed beside nothing else and without running scripts. */
// The executable brings an engine of its own.
describe.skipIf(process.platform !== 'linux' || isExecutable)('installation and start (T41)', () => {
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'breakwater-releases-'));
    const package_ = join(scratch, 'breakwater-0.1.0.tgz');
    if (!npm('pack', '--ignore-scripts', '--pack-destination', scratch)) throw new Error('npm packs nothing');
    const place = join(scratch, 'installed');
    isOnline = npm('install', '--ignore-scripts', '--omit=dev', '--no-save', '--prefix', place, package_);
    if (!isOnline && programsAreMandatory) throw new Error('npm cannot install the package');
    program = join(place, 'node_modules/breakwater/bin/breakwater.js');
  }, INSTALL_MILLISECONDS);
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
  });

  it.each(good)(
    'Node %s carries a call, and says nothing else',
    async (version) => {
      const upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
      await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
      const gateway = await startGatewayProcess({
        upstreamPort: upstream.port,
        program: { node: installNode(version), script: program },
      });
      await using _gateway = { [Symbol.asyncDispose]: () => gateway.clean() };
      const client = await connectRaw(gateway);
      client.send(buildPost(buildCall()));
      expect((await receive(client)).status).toBe(200);
      client.socket.destroy();
      expect(await gateway.stop()).toBe(0);
      expect(gateway.complaints).toBe('');
    },
    INSTALL_MILLISECONDS,
  );

  it.each(bad)(
    'Node %s is refused in one clear error',
    (version) => {
      const { status, stderr, stdout } = spawnSync(installNode(version), [program, 'up', '8000'], {
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr.trim().split('\n')).toEqual([
        `error[E_NODE_VERSION]: Node ${version} has known holes in HTTP and TLS`,
        '  = fix: use Node 24.18.1, 22.23.2, 26.5.1 or later',
      ]);
    },
    INSTALL_MILLISECONDS,
  );
});
