import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutboundCredentials } from '../../src/auth/outbound/credentials.ts';
import { createSigningKeys, type SigningKeys } from '../../src/auth/outbound/signing-keys.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { createSecretFiles } from '../../src/state/secret-files.ts';
import { buildKeyPrincipal, buildTokenPrincipal } from '../auth/outbound/principals.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  findFastmcpPython,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';

const python = findFastmcpPython();
const issuer = 'https://mcp.example.com';
const day = 86_400_000;

const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'whoami',
    arguments: {},
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});

describe.skipIf(python.kind === 'missing').each(['URL', 'file'] as const)(
  'FastMCP with the keys of the gateway from a %s',
  (source) => {
    let directory: string;
    let clock: ManualClock;
    let keys: SigningKeys;
    let publisher: Server;
    let fetches = 0;
    let server: ServerProgram;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'breakwater-jwks-'));
      // The keys are 30 days old: the next one is made and published, and will be used in a day.
      clock = new ManualClock(Date.now() - 30 * day);
      keys = createSigningKeys({
        texts: createSecretFiles(directory, clock),
        clock,
        report: () => undefined,
      });
      clock.jump(30 * day);
      await keys.refresh();
      const jwks = JSON.stringify(keys.jwks());
      await writeFile(join(directory, 'jwks.json'), jwks);
      publisher = createServer((_request, response) => {
        fetches++;
        response.end(jwks);
      }).listen(0, '127.0.0.1');
      await once(publisher, 'listening');
      // The server listens on TCP, so its address is not the path of a Unix socket.
      const url = `http://127.0.0.1:${(publisher.address() as AddressInfo).port}/jwks`;
      server = await startServerProgram((port) => ({
        command: toProgramPath(python),
        args: [
          toCheckoutPath('examples/fastmcp-jwt/server.py'),
          issuer,
          source === 'URL' ? url : join(directory, 'jwks.json'),
          String(port),
        ],
      }));
    });
    afterAll(async () => {
      await server.stop();
      publisher.close();
      await keys.close();
      await rm(directory, { recursive: true });
    });

    interface Gateway {
      readonly signing?: SigningKeys;
      readonly upstream?: string;
      readonly publicUrl?: string;
    }

    async function sign(principal: Principal | undefined, gateway: Gateway = {}): Promise<string> {
      const credentials = createOutboundCredentials(
        { kind: 'jwt', audience: undefined, lifetime: 60_000 },
        {
          clock,
          upstream: gateway.upstream ?? `http://127.0.0.1:${server.port}/mcp`,
          issuer: gateway.publicUrl ?? issuer,
          soleIssuer: 'https://idp.example.com',
          keys: gateway.signing ?? keys,
          post: () => Promise.reject(new Error('nothing is posted')),
        },
      );
      const answer = await credentials.fieldsFor(principal, undefined);
      if (!answer.ok) throw new Error(answer.error.reason);
      return answer.value[1] ?? '';
    }

    async function ask(authorization: string | undefined): Promise<{ status: number; body: string }> {
      const response = await fetch(`http://127.0.0.1:${server.port}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'whoami',
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: call,
      });
      return { status: response.status, body: await response.text() };
    }

    it.each([
      ['a person', buildTokenPrincipal(), 'alice by cli with tools:read tools:call'],
      ['an API key', buildKeyPrincipal('ci'), 'key:ci by key:ci with no scopes'],
      ['nobody', undefined, 'anonymous by anonymous with no scopes'],
    ] as const)('it knows %s', async (_who, principal, expected) => {
      const { status, body } = await ask(await sign(principal));
      expect([status, body]).toEqual([200, expect.stringContaining(expected)]);
    });

    it('it refuses what is not for it, not from this gateway, or not from its keys', async () => {
      const principal = buildTokenPrincipal();
      const [header = '', payload = '', signature = ''] = (await sign(principal)).split('.');
      const forged = Buffer.from(payload, 'base64url').toString().replace('alice', 'admin');
      const stranger = createSigningKeys({
        texts: createSecretFiles(directory, clock),
        clock,
        report: () => undefined,
      });
      const expired = await sign({ ...principal, expiresAt: clock.now() + 1000 });
      const refused = [
        undefined,
        await sign(principal, { upstream: 'http://127.0.0.1:1/mcp' }),
        await sign(principal, { publicUrl: 'https://other.example.com' }),
        await sign(principal, { signing: stranger }),
        `${header}.${Buffer.from(forged).toString('base64url')}.${signature}`,
        `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`,
      ];
      for (const authorization of refused) expect((await ask(authorization)).status).toBe(401);
      await stranger.close();
      await expect.poll(async () => (await ask(expired)).status, { timeout: 5000 }).toBe(401);
    });

    it('it takes the next key on its first day: it was published before', async () => {
      const old = keys.current.kid;
      // FastMCP looks at `exp` alone, so a token of tomorrow is good today.
      clock.jump(day);
      await keys.refresh();
      expect(keys.current.kid).not.toBe(old);
      expect((await ask(await sign(buildTokenPrincipal()))).status).toBe(200);
      if (source === 'URL') expect(fetches).toBe(1);
    });
  },
);
