import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { buildGatewayCommand, buildGatewayEnvironment } from '../support/gateway-program.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, eventStreamHead, startScriptedUpstream } from '../support/scripted-upstream.ts';

const clean: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of clean.splice(0).toReversed()) await undo();
});

it('revocation: a key that another process revokes ends its open stream and its next call within five seconds', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-revoked-'));
  clean.push(() => rm(stateDir, { recursive: true, force: true }));
  const run = async (...words: string[]): Promise<string> => {
    const { command, args } = buildGatewayCommand([...words, '--state-dir', stateDir]);
    return (await promisify(execFile)(command, args, { env: buildGatewayEnvironment() })).stdout;
  };
  const [alice, bob] = [
    await run('keys', 'create', '--name', 'alice'),
    await run('keys', 'create', '--name', 'bob'),
  ];
  const call = answerJson('{}');
  const upstream = await startScriptedUpstream((request) =>
    request.head.startsWith('GET') ? void request.socket.write(eventStreamHead) : call(request),
  );
  clean.push(() => upstream.stop());
  const gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    stateDir,
    config: { auth: { keys: 'stored' } },
  });
  clean.push(
    () => gateway.stop(),
    () => gateway.clean(),
  );
  const toFields = (key: string): string => `Authorization: Bearer ${key.trim()}\r\n`;
  const open = async (key: string): ReturnType<typeof connectRaw> => {
    const client = await connectRaw(gateway);
    client.send(buildGet({ fields: toFields(key) }));
    await client.until((text) => text.includes('text/event-stream'));
    return client;
  };
  const callWith = async (key: string): Promise<number> => {
    const client = await connectRaw(gateway);
    client.send(buildPost(buildCall(), { fields: toFields(key) }));
    const { status } = await receive(client);
    client.socket.destroy();
    return status;
  };
  const [revoked, kept] = [await open(alice), await open(bob)];
  expect(await callWith(alice)).toBe(200);
  await run('keys', 'revoke', 'alice');
  const revokedAt = Date.now();
  await revoked.until((text) => text.endsWith('0\r\n\r\n')).catch(() => revoked.closed());
  expect(Date.now() - revokedAt).toBeLessThan(5000);
  expect(await callWith(alice)).toBe(401);
  // Control: others stay.
  expect(kept.socket.closed).toBe(false);
  expect(await callWith(bob)).toBe(200);
  kept.socket.destroy();
});
