import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTrustingFetch } from '../support/interop-fetch.ts';
import { consent, logInWithPassword, startLoginRig, user, type LoginRig } from '../support/login-rig.ts';

let rig: LoginRig;
/** Where the client waits for the browser to come back. */
const client = createServer((_request, answer) => void answer.end('done'));
let callback = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve));
  const { port } = client.address() as AddressInfo; // It listens on TCP.
  callback = `http://127.0.0.1:${port}/callback`;
  rig = await startLoginRig();
}, 60_000);
afterAll(async () => {
  await rig.close();
  client.closeAllConnections();
  client.close();
});

/** S256 of a verifier that nobody needs here. */
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

async function register(): Promise<string> {
  const trusting = createTrustingFetch({ ca: rig.gateway.ca, protocol: 'h1' });
  try {
    const answer = await trusting.fetch(new URL('/oauth/register', rig.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'a client',
        redirect_uris: [callback],
        token_endpoint_auth_method: 'none',
      }),
    });
    return ((await answer.json()) as { client_id: string }).client_id;
  } finally {
    await trusting.close();
  }
}

it('a browser that signs out has to log in again; before, it has not', async () => {
  const authorize = new URL('/oauth/authorize', rig.url);
  authorize.search = new URLSearchParams({
    client_id: await register(),
    response_type: 'code',
    redirect_uri: callback,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    resource: rig.url.href,
    scope: 'tools',
    state: 'a-state',
  }).toString();
  await rig.browse(async (page) => {
    await page.goto(authorize.href);
    await logInWithPassword(page);
    expect((await consent(page)).searchParams.has('code')).toBe(true);
    await page.getByText('done').waitFor();
    // The control: who is signed in is asked for consent, and for no password.
    await page.goto(authorize.href);
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    expect(await page.locator('body').innerText()).toContain(user.name);
    await page.goto(new URL('/oauth/sign-out', rig.url).href);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
    await page.goto(authorize.href);
    await page.getByLabel('Password').waitFor();
  });
});
