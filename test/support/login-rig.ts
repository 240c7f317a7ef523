import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { createAccounts } from '../../src/auth/accounts/accounts.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openSqliteStore } from '../../src/state/store/sqlite-store.ts';
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts';
import {
  findChromium,
  findFastmcpPython,
  findFreePort,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from './programs.ts';

export const user = { name: 'alice', password: 'correct horse battery' };

/** The program with its authorization server before a real FastMCP server, and a browser that alice sits at. */
export interface LoginRig {
  readonly gateway: GatewayProcess;
  readonly url: URL;
  /** PEM file of the authority that clients must trust. */
  readonly caFile: string;
  /** Logs alice in and lets the client in; resolves with the address that the browser was sent back to. */
  approve(authorization: string | URL): Promise<URL>;
  /** Tries to log in; resolves with the page that follows, once it says this. */
  look(authorization: string | URL, text: string): Promise<string>;
  /** Gives a page of a new browser, where nobody is signed in yet. */
  browse<T>(use: (page: Page) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface LoginRigOptions {
  /** The section `server` of the configuration; accounts alone when absent. */
  readonly server?: object;
  readonly port?: number;
  /** A command put before the gateway's own. */
  readonly wrapper?: readonly string[];
  /** What the user does from the first page on, until a consent is asked for. */
  readonly logIn?: (page: Page) => Promise<void>;
}

export async function startLoginRig(options: LoginRigOptions = {}): Promise<LoginRig> {
  const { server = { login: ['accounts'] }, wrapper = [], logIn = logInWithPassword } = options;
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-login-'));
  const stateDir = join(directory, 'state');
  await addAccount(stateDir);
  const python = toProgramPath(findFastmcpPython());
  const upstream: ServerProgram = await startServerProgram((port) => ({
    command: python,
    args: [toCheckoutPath('test/fixtures/access/echo_server.py'), String(port)],
  }));
  const port = options.port ?? (await findFreePort());
  const gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    stateDir,
    wrapper,
    config: {
      listen: `127.0.0.1:${port}`,
      auth: { oauth: { server, scopes: ['tools'] } },
    },
  });
  const caFile = join(directory, 'ca.pem');
  await writeFile(caFile, gateway.ca);
  const browser: Browser = await chromium.launch({
    executablePath: toProgramPath(findChromium()),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const browse = async <T>(use: (page: Page) => Promise<T>): Promise<T> => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      return await use(await context.newPage());
    } finally {
      await context.close();
    }
  };
  const visit = <T>(address: string | URL, use: (page: Page) => Promise<T>): Promise<T> =>
    browse(async (page) => {
      await page.goto(String(address));
      await logIn(page);
      return use(page);
    });
  return {
    gateway,
    url: new URL(`https://localhost:${port}/mcp`),
    caFile,
    approve: (authorization) => visit(authorization, consent),
    look: (authorization, text) =>
      visit(authorization, async (page) => {
        await page.getByText(text).waitFor();
        return page.locator('body').innerText();
      }),
    browse,
    async close() {
      await browser.close();
      await gateway.stop();
      await gateway.clean();
      await upstream.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function addAccount(stateDir: string): Promise<void> {
  const store = await openSqliteStore({
    stateDir,
    clock: systemClock,
    onProblem: (error) => {
      throw error;
    },
  });
  await createAccounts(store, { clock: systemClock }).add({ ...user, email: undefined });
  store.close();
}

export async function logInWithPassword(page: Page): Promise<void> {
  await page.getByLabel('User name').fill(user.name);
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

export async function consent(page: Page): Promise<URL> {
  const isCallback = (text: string): boolean => new URL(text).searchParams.has('code');
  const allow = page.getByRole('button', { name: 'Allow' });
  await allow.waitFor();
  const back = page.waitForRequest((request) => request.isNavigationRequest() && isCallback(request.url()));
  await allow.click();
  const request = await back;
  // A client that listens there must have got it before the page goes.
  await request.response().catch(() => null);
  return new URL(request.url());
}
