import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { createTrustingFetch } from '../support/interop-fetch.ts';
import { startLoginRig, type LoginRig } from '../support/login-rig.ts';
import { findFreePort, resolvePackageFile, toCheckoutPath } from '../support/programs.ts';

let rig: LoginRig;
beforeAll(async () => {
  rig = await startLoginRig();
}, 60_000);
afterAll(() => rig.close());

const registered = z.object({ client_id: z.string() });

/** Registers a public client that is sent back to this port. */
async function register(port: number): Promise<string> {
  const trusting = createTrustingFetch({ ca: rig.gateway.ca, protocol: 'h1' });
  try {
    const answer = await trusting.fetch(new URL('/oauth/register', rig.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'conformance',
        redirect_uris: [`http://127.0.0.1:${port}/callback`],
        token_endpoint_auth_method: 'none',
      }),
    });
    return registered.parse(await answer.json()).client_id;
  } finally {
    await trusting.close();
  }
}

/** Runs all scenarios of the official suite, which build on each other; alice logs in where it asks for a browser. */
async function runSuite(): Promise<{ readonly exit: number; readonly printed: string }> {
  const port = await findFreePort();
  const child = spawn(
    process.execPath,
    [
      resolvePackageFile('@modelcontextprotocol/conformance/dist/index.js'),
      'authorization',
      '--url',
      rig.url.origin,
      '--client-id',
      await register(port),
      '--resource',
      rig.url.href,
      '--port',
      String(port),
    ],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: rig.caFile }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  let approval: Promise<unknown> | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
      const address = /https:\/\/localhost:\d+\/oauth\/authorize\?\S+/.exec(printed)?.[0];
      if (address !== undefined) approval ??= rig.approve(address);
    });
  }
  const exit = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  await approval;
  return { exit, printed };
}

/** Runs the scenarios for OAuth clients; resolves with one line for each, without what differs between runs. */
async function runClientSuite(environment: Record<string, string>): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-conformance-'));
  const client = toCheckoutPath('test/fixtures/access/conformance-client.ts');
  const suite = resolvePackageFile('@modelcontextprotocol/conformance/dist/index.js');
  const args = [
    'client',
    '--command',
    `${process.execPath} ${client}`,
    '--suite',
    'auth',
    '--spec-version',
    '2025-11-25',
  ];
  const child = spawn(process.execPath, [suite, ...args, '--output-dir', directory], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (printed += bytes.toString()));
  await new Promise((resolve) => child.once('exit', resolve));
  await rm(directory, { recursive: true, force: true });
  return printed.split('\n').filter((line) => /^. auth\/|^Total: /.test(line));
}

it('the official suite for OAuth clients finds the same with the gateway between client and server', async () => {
  const direct = await runClientSuite({});
  const through = await runClientSuite({ BREAKWATER_PASS: '1' });
  expect(through).toEqual(direct);
  expect(direct.at(-1)).toMatch(/^Total: 2\d\d passed, 0 failed/);
  expect(direct.filter((line) => line.startsWith('\u2713 auth/'))).toHaveLength(14);
}, 120_000);

it('the official suite for authorization servers passes', async () => {
  const { exit, printed } = await runSuite();
  expect(printed).toContain('authorization-server-metadata-endpoint: 2 passed, 0 failed');
  expect(printed).toContain('authorization-code-grant: 1 passed, 0 failed');
  expect(exit, printed).toBe(0);
});
