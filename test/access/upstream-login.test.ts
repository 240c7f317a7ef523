import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrustingFetch, type TrustingFetch } from '../support/interop-fetch.ts';
import { startLoginRig, type LoginRig } from '../support/login-rig.ts';
import { findFreePort } from '../support/programs.ts';
import { createRememberingProvider } from '../support/remembering-provider.ts';
import { startStrangerProvider, type StrangerProvider } from '../support/stranger-provider.ts';

let directory: string;
let stranger: StrangerProvider;
let rig: LoginRig;
let trusting: TrustingFetch;
/** Who sits at the browser. */
let visitor = 'carol';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-stranger-'));
  const port = await findFreePort();
  stranger = await startStrangerProvider({
    port: await findFreePort(),
    redirectUri: `https://localhost:${port}/oauth/callback`,
  });
  const [caFile, secretFile] = [join(directory, 'ca.pem'), join(directory, 'secret')];
  await writeFile(caFile, stranger.ca);
  await writeFile(secretFile, stranger.clientSecret);
  const { issuer, clientId } = stranger;
  rig = await startLoginRig({
    port,
    wrapper: ['env', `NODE_EXTRA_CA_CERTS=${caFile}`],
    server: {
      login: [
        {
          oidc: {
            name: 'Example ID',
            issuer,
            client_id: clientId,
            client_secret_file: secretFile,
            allow: { users: ['carol'] },
          },
        },
      ],
    },
    logIn: logInAtStranger,
  });
  trusting = createTrustingFetch({ ca: rig.gateway.ca, protocol: 'h1' });
}, 60_000);
afterAll(async () => {
  await trusting.close();
  await rig.close();
  await stranger.stop();
  await rm(directory, { recursive: true, force: true });
});

async function logInAtStranger(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Example ID' }).click();
  await page.locator('input[name=login]').fill(visitor);
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

function build(provider: ReturnType<typeof createRememberingProvider>): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(rig.url, { authProvider: provider, fetch: trusting.fetch });
}

describe('a login at the identity provider of somebody else', () => {
  it('lets a user in who is on the list, through the whole flow to a call', async () => {
    visitor = 'carol';
    const provider = createRememberingProvider('desk');
    const client = new Client({ name: 'access', version: '1.0.0' });
    await expect(client.connect(build(provider))).rejects.toThrow();
    const back = await rig.approve(provider.authorization ?? '');
    await build(provider).finishAuth(back.searchParams.get('code') ?? '');
    await client.connect(build(provider));
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'hi' } });
    expect(content).toMatchObject([{ text: 'Just echo: hi' }]);
    await client.close();
  });

  it('shows nobody else a consent page', async () => {
    visitor = 'mallory';
    const provider = createRememberingProvider('desk');
    await expect(new Client({ name: 'access', version: '1.0.0' }).connect(build(provider))).rejects.toThrow();
    const { authorization } = provider;
    if (authorization === undefined) throw new Error('the client did not ask for a login');
    const seen = await rig.look(authorization, 'The sign-in did not succeed, or you have no access here.');
    expect(seen).not.toMatch(/Allow/);
    expect(seen).not.toMatch(/mallory|carol/);
  });
});
