import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPageBrowser, type PageBrowser } from '../support/auth-pages.ts';
import {
  authorizePath,
  createPkce,
  issuer,
  loopbackClient,
  loopbackRedirect,
  startAuthRig,
  type AuthRig,
} from '../support/auth-server-rig.ts';

let rig: AuthRig;
let browser: PageBrowser;
/** Where screenshots go, for people to look at; none are taken when it is not set. */
const folder = process.env['PAGE_SCREENSHOTS'];

beforeAll(async () => {
  rig = await startAuthRig({
    config: {
      login: [
        { kind: 'accounts' },
        { kind: 'owner' },
        {
          kind: 'github',
          clientId: 'gateway',
          clientSecret: 'of-the-gateway',
          allow: { users: [], organizations: [] },
        },
      ],
    },
  });
  browser = await startPageBrowser({ socketPath: rig.socketPath, host: new URL(issuer).host });
  if (folder !== undefined) await mkdir(folder, { recursive: true });
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rig.close();
});

const loopback = { client_id: loopbackClient, redirect_uri: loopbackRedirect };

async function logIn(page: Page, changes = {}): Promise<void> {
  await page.goto(issuer + authorizePath(createPkce(), changes));
  await page.getByLabel('User name').fill('alice');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Allow' }).waitFor();
}

/** Each page and how to get there. */
const pages: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
  ['login', async (page) => void (await page.goto(issuer + authorizePath(createPkce())))],
  [
    'login-refused',
    async (page) => {
      await page.goto(issuer + authorizePath(createPkce(), loopback));
      await page.getByLabel('User name').fill('alice');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  ],
  [
    'code',
    async (page) => {
      await page.goto(issuer + authorizePath(createPkce()));
      await page.getByRole('button', { name: 'Use a code from the terminal' }).click();
      await page.getByLabel('Code').waitFor();
    },
  ],
  ['consent', (page) => logIn(page, { scope: 'tools:read tools:call' })],
  ['consent-loopback', (page) => logIn(page, loopback)],
  [
    'consent-unverified',
    async (page) => {
      const redirects = { redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback'] };
      const body = JSON.stringify({ ...redirects, client_name: 'Example Editor with quite a long name' });
      const { json } = await rig.ask({ path: '/oauth/register', body });
      const changes = { client_id: String(json['client_id']), redirect_uri: redirects.redirect_uris[0] };
      await logIn(page, { ...changes, scope: undefined });
    },
  ],
  [
    'error',
    async (page) => void (await page.goto(issuer + authorizePath(createPkce(), { client_id: 'nobody' }))),
  ],
  [
    'signed-out',
    async (page) => {
      await logIn(page, loopback);
      await page.goto(`${issuer}/oauth/sign-out`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out').waitFor();
    },
  ],
];

const looks = [390, 1280].flatMap((width) => [false, true].map((dark) => ({ width, dark })));

describe.each(looks)('pages at $width px, dark: $dark', ({ width, dark }) => {
  it.each(pages)(
    '%s has no accessibility violation, fits, and asks nobody else',
    async (name, open) => {
      // The code page counts its codes; each look starts after the last one's ten minutes.
      rig.clock.advance(600_001);
      const context = await browser.open({ width, dark });
      try {
        const page = await context.newPage();
        const elsewhere: string[] = [];
        page.on('request', (request) => {
          if (!request.url().startsWith(issuer)) elsewhere.push(request.url());
        });
        const problems: string[] = [];
        page.on('console', (message) => {
          if (message.text().includes('Content Security Policy')) problems.push(message.text());
        });
        await open(page);
        const sideways = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
        expect(sideways).toBe(false);
        if (folder !== undefined) {
          const path = join(folder, `${name}-${width}-${dark ? 'dark' : 'light'}.png`);
          await page.screenshot({ path, fullPage: true });
        }
        expect(elsewhere).toEqual([]);
        expect(problems).toEqual([]);
        expect(await findViolations(page)).toEqual([]);
      } finally {
        await context.close();
      }
    },
    30_000,
  );
});

describe('a person with a keyboard', () => {
  it('gets from the login to the client', async () => {
    const context = await browser.open({ width: 1280, dark: false });
    const page = await context.newPage();
    await page.goto(issuer + authorizePath(createPkce()));
    await page.keyboard.press('Tab');
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/^https:\/\/app\.example\.com\//);
    expect(new URL(page.url()).searchParams.get('code')).toEqual(expect.any(String));
    await context.close();
  }, 30_000);
});

it('control: the check finds what is wrong', async () => {
  const context = await browser.open({ width: 390, dark: false });
  const page = await context.newPage();
  await page.setContent('<html><body><img src="data:,"><input></body></html>');
  expect((await findViolations(page)).length).toBeGreaterThan(0);
  await context.close();
}, 30_000);

async function findViolations(page: Page): Promise<readonly string[]> {
  // By the debugger, which the page's own policy does not hold.
  await page.evaluate(axe.source);
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    `axe.run(document).then(({ violations }) => violations)`,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
