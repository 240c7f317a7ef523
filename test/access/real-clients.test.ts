import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrustingFetch, type TrustingFetch } from '../support/interop-fetch.ts';
import { startLoginRig, type LoginRig } from '../support/login-rig.ts';
import { findFastmcpPython, resolvePackageFile, toCheckoutPath, toProgramPath } from '../support/programs.ts';
import { createRememberingProvider, type RememberingProvider } from '../support/remembering-provider.ts';

let rig: LoginRig;
let trusting: TrustingFetch;
beforeAll(async () => {
  rig = await startLoginRig();
  trusting = createTrustingFetch({ ca: rig.gateway.ca, protocol: 'h1' });
}, 60_000);
afterAll(async () => {
  await trusting.close();
  await rig.close();
});

const identity = { name: 'access', version: '1.0.0' };
const echo = { name: 'echo', arguments: { message: 'hi' } };

interface Session {
  call(): Promise<unknown>;
  close(): Promise<void>;
}

/** Connects; rejects where a login is needed, after the provider has learnt where. */
async function connect1(provider: RememberingProvider, back?: URL): Promise<Session> {
  const build = (): Transport1 => new Transport1(rig.url, { authProvider: provider, fetch: trusting.fetch });
  if (back !== undefined) await build().finishAuth(back.searchParams.get('code') ?? '');
  const client = new Client1(identity);
  await client.connect(build());
  return {
    call: async () => (await client.callTool(echo)).content,
    close: () => client.close(),
  };
}

async function connect2(provider: RememberingProvider, back?: URL): Promise<Session> {
  const build = (): Transport2 => new Transport2(rig.url, { authProvider: provider, fetch: trusting.fetch });
  if (back !== undefined) await build().finishAuth(back.searchParams);
  const client = new Client2(identity);
  await client.connect(build());
  return {
    call: async () => (await client.callTool(echo)).content,
    close: () => client.close(),
  };
}

const answer = [{ type: 'text', text: 'Just echo: hi' }];

describe.each([
  ['the TypeScript SDK, version 1', connect1],
  ['the TypeScript SDK, version 2', connect2],
])('%s', (name, connect) => {
  const provider = createRememberingProvider(name);

  it('registers, logs alice in, and calls', async () => {
    await expect(connect(provider)).rejects.toThrow();
    const { authorization } = provider;
    if (authorization === undefined) throw new Error('the client did not ask for a login');
    expect(authorization.searchParams.get('resource')).toBe(rig.url.href);
    const back = await rig.approve(authorization);
    expect(back.searchParams.get('iss')).toBe(rig.url.origin);
    const session = await connect(provider, back);
    expect(await session.call()).toMatchObject(answer);
    await session.close();
  });

  it('refreshes a token that counts no more, without anybody', async () => {
    const before = provider.kept?.refresh_token;
    expect(before).toBeDefined();
    provider.spoilAccessToken();
    const session = await connect(provider);
    expect(await session.call()).toMatchObject(answer);
    expect(provider.kept?.refresh_token).not.toBe(before);
    await session.close();
  });
});

describe('tokens of a client', () => {
  const provider = createRememberingProvider('a client with two windows');
  let clientId = '';

  async function post(path: string, form: Record<string, string>): Promise<Response> {
    return trusting.fetch(new URL(path, rig.url), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ client_id: clientId, ...form }).toString(),
    });
  }

  beforeAll(async () => {
    await connect1(provider).catch(() => undefined);
    const back = await rig.approve(provider.authorization ?? '');
    clientId = provider.authorization?.searchParams.get('client_id') ?? '';
    await (await connect1(provider, back)).close();
  });

  it('can be refreshed twice at the same time without a log-out', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: provider.kept?.refresh_token ?? '' };
    const answers = await Promise.all([post('/oauth/token', form), post('/oauth/token', form)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const bodies = await Promise.all(
      answers.map(async (each) => (await each.json()) as { refresh_token: string }),
    );
    expect(bodies[0]?.refresh_token).toBe(bodies[1]?.refresh_token);
    provider.saveTokens(bodies[0]);
    const session = await connect1(provider);
    expect(await session.call()).toMatchObject(answer);
    await session.close();
  });

  it('revocation: ends an open stream within five seconds, and the next call', async () => {
    const headers = { authorization: `Bearer ${provider.kept?.access_token}`, accept: 'text/event-stream' };
    const call = (): Promise<Response> =>
      trusting.fetch(rig.url, {
        method: 'POST',
        headers: {
          ...headers,
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: identity },
        }),
      });
    const begun = await call();
    expect(begun.status).toBe(200);
    await begun.body?.cancel();
    const session = begun.headers.get('mcp-session-id') ?? '';
    const stream = await trusting.fetch(rig.url, {
      headers: { ...headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
    });
    expect(stream.status).toBe(200);
    const revokedAt = Date.now();
    expect((await post('/oauth/revoke', { token: provider.kept?.refresh_token ?? '' })).status).toBe(200);
    await stream.text().catch(() => undefined);
    expect(Date.now() - revokedAt).toBeLessThan(5000);
    expect((await call()).status).toBe(401);
  });
});

describe('mcp-remote', () => {
  it('registers, has alice log in at the address it prints, and calls', async () => {
    const configDir = await mkdtemp(join(tmpdir(), 'breakwater-mcp-remote-'));
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [resolvePackageFile('mcp-remote/dist/proxy.js'), rig.url.href, '--transport', 'http-only'],
      env: {
        ...getDefaultEnvironment(),
        NODE_EXTRA_CA_CERTS: rig.caFile,
        MCP_REMOTE_CONFIG_DIR: configDir,
        BROWSER: 'true',
      },
      stderr: 'pipe',
    });
    let printed = '';
    let approval: Promise<unknown> | undefined;
    transport.stderr?.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
      const address = /https:\/\/localhost:\d+\/oauth\/authorize\?\S+/.exec(printed)?.[0];
      if (address !== undefined) approval ??= rig.approve(address);
    });
    const client = new Client1(identity);
    try {
      await client.connect(transport);
      expect((await client.callTool(echo)).content).toMatchObject(answer);
      await approval;
    } catch (cause) {
      throw new Error(printed, { cause });
    } finally {
      await client.close();
      await rm(configDir, { recursive: true, force: true });
    }
  });
});

describe("FastMCP's client", () => {
  it('registers, has alice log in at the address it would open, and calls', async () => {
    const home = await mkdtemp(join(tmpdir(), 'breakwater-fastmcp-'));
    const child = spawn(
      toProgramPath(findFastmcpPython()),
      [toCheckoutPath('test/fixtures/access/oauth_client.py'), rig.url.href],
      {
        env: { ...process.env, SSL_CERT_FILE: rig.caFile, HOME: home, FASTMCP_HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let complaints = '';
    child.stderr.on('data', (bytes: Buffer) => (complaints += bytes.toString()));
    let result = '';
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('AUTHORIZE ')) await rig.approve(line.slice('AUTHORIZE '.length));
      if (line.startsWith('RESULT ')) result = line;
    }
    expect(result, complaints).toBe('RESULT Just echo: hi');
    await rm(home, { recursive: true, force: true });
  });
});
