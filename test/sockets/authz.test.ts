import { connect } from 'node:net';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { readFinalAnswers } from '../support/answers.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const { auth, alice } = buildTwoCallers(['read']);
const publicUrl = 'https://mcp.example.com';
const original = 'X-Original-Method: POST\r\nX-Original-URI: /mcp\r\n';
const forwarded = 'X-Forwarded-Method: POST\r\nX-Forwarded-Uri: /mcp\r\n';

interface Asked {
  readonly status: number;
  readonly body: string;
  field(name: string): string | undefined;
}

interface AuthzRig extends AsyncDisposable {
  readonly rig: Rig;
  /** Asks on the loopback listener, as a proxy before `mcp.example.com` does. */
  ask(target: string, fields: string): Promise<Asked>;
}

async function startAuthz(
  route: Partial<Pick<RouteConfig, 'auth' | 'rules' | 'credentials'>> = {},
): Promise<AuthzRig> {
  const rig = await startRig({
    answer: answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'),
    auth,
    ...route,
    changes: { publicUrl, authz: { host: '127.0.0.1', port: 0 }, origins: ['https://app.example.com'] },
  });
  const address = rig.gateway.gateway.authzAddress;
  if (address === undefined) throw new Error('the loopback listener is off');
  return {
    rig,
    async ask(target, fields) {
      const socket = connect({ host: '127.0.0.1', port: address.port });
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString('latin1')));
      socket.write(`GET ${target} HTTP/1.1\r\nHost: mcp.example.com\r\n${fields}\r\n`);
      await expect.poll(() => readFinalAnswers(text)[0]?.complete, { interval: 2 }).toBe(true);
      socket.destroy();
      const [answer] = readFinalAnswers(text);
      if (answer === undefined) throw new Error('no answer');
      return answer;
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

describe('the listener that other proxies ask', () => {
  it.each([
    ['nginx', '/authz', original],
    ['Caddy and Traefik', '/authz', forwarded],
    ['Envoy', '/authz/mcp', ''],
    ['a query', '/authz', original.replace('/mcp', '/mcp?a=b')],
  ])('answers as the gateway does: %s', async (_who, target, fields) => {
    await using authz = await startAuthz();
    const { gateway } = authz.rig;
    const own = async (credential: string): Promise<Asked> => {
      const post = buildPost(buildCall(), { fields: credential });
      return authz.rig.ask(post.replace('Host: localhost', 'Host: mcp.example.com'));
    };
    for (const credential of [alice, '', 'Authorization: Bearer wrong\r\n', 'X-API-Key: wrong\r\n']) {
      const asked = await authz.ask(target, fields + credential);
      const answered = await own(credential);
      expect(asked.status).toBe(answered.status);
      expect(asked.field('www-authenticate')).toBe(answered.field('www-authenticate'));
    }
    expect(gateway.lines.map(({ status }) => status)).toEqual([200, 200, 401, 401, 401, 401, 401, 401]);
  });

  it('shows what the upstream is to be shown', async () => {
    await using authz = await startAuthz({
      credentials: { kind: 'jwt', audience: undefined, lifetime: 60_000 },
    });
    const asked = await authz.ask('/authz', original + alice);
    expect(asked.status).toBe(200);
    expect(asked.field('x-breakwater-authorization')).toMatch(/^Bearer eyJ/);
    expect(asked.field('authorization')).toBeUndefined();
  });

  it.each([
    ['an unknown origin', `${original}Origin: https://evil.example\r\n`, 403],
    ['a listed origin', `${original}Origin: https://app.example.com\r\n`, 200],
    ['an unknown host', `${original}X-Forwarded-Host: evil.example\r\n`, 421],
    ['an unknown path', original.replace('/mcp', '/mcpfoo'), 404],
    ['a preflight', original.replace('POST', 'OPTIONS'), 403],
    ['another method', original.replace('POST', 'PUT'), 405],
  ])('guards: %s', async (_what, fields, status) => {
    await using authz = await startAuthz();
    expect((await authz.ask('/authz', fields + alice)).status).toBe(status);
  });

  it.each([
    ['both spellings', original + forwarded],
    ['a second path', `${original}X-Original-URI: /healthz\r\n`],
    ['a second method', `${forwarded}X-Forwarded-Method: OPTIONS\r\n`],
    ['a second host', `${original}X-Forwarded-Host: mcp.example.com\r\nX-Forwarded-Host: localhost\r\n`],
    ['no path', 'X-Original-Method: POST\r\n'],
    ['nothing', ''],
  ])('claimed-question: %s is refused', async (_what, fields) => {
    await using authz = await startAuthz();
    expect((await authz.ask('/authz', fields + alice)).status).toBe(403);
    // The control: without the second answer the same caller passes.
    expect((await authz.ask('/authz', original + alice)).status).toBe(200);
  });

  it.each(['"', 'GET","principal":"admin', 'FROBNICATE'])(
    'log-injection: a method that there is not decides nothing and gets no record: %s',
    async (method) => {
      await using authz = await startAuthz();
      const asked = await authz.ask('/authz', original.replace('POST', method) + alice);
      expect(asked.status).toBe(403);
      expect(authz.rig.gateway.lines).toEqual([]);
      expect((await authz.ask('/authz', original + alice)).status).toBe(200);
    },
  );

  it('fails closed where rules need the message', async () => {
    const everything: NonNullable<RouteConfig['rules']>[number] = {
      effect: 'allow',
      who: { principals: [], issuers: [], subjects: [], clients: [], groups: [], claims: {} },
      methods: [],
      tools: [],
      prompts: [],
      resources: [],
      scopes: [],
    };
    await using authz = await startAuthz({ rules: [everything] });
    expect(await authz.ask('/authz', original + alice)).toMatchObject({
      status: 403,
      body: expect.stringContaining('--mode front'),
    });
    expect((await authz.ask('/authz', original)).status).toBe(401);
  });

  it('has the keys that upstreams check its tokens with', async () => {
    await using authz = await startAuthz({
      credentials: { kind: 'jwt', audience: 'the-server', lifetime: 60_000 },
    });
    const asked = await authz.ask('/authz', original + alice);
    const published = await authz.ask('/.well-known/jwks.json', '');
    expect(published.field('content-type')).toBe('application/json');
    const keys = createLocalJWKSet(JSON.parse(published.body));
    const token = asked.field('x-breakwater-authorization')?.replace('Bearer ', '') ?? '';
    expect((await jwtVerify(token, keys, { audience: 'the-server' })).payload.sub).toBe('key:alice');
    expect(published.body).not.toContain('"d"');
    const outside = 'GET /.well-known/jwks.json HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n';
    expect((await authz.rig.ask(outside)).status).toBe(404);
  });

  it('carries no call itself', async () => {
    await using authz = await startAuthz();
    expect((await authz.ask('/mcp', alice)).status).toBe(404);
    expect(authz.rig.upstream.requests).toEqual([]);
  });

  it('believes its proxy about the client, and no further', async () => {
    await using authz = await startAuthz();
    await authz.ask('/authz', `${original}${alice}X-Forwarded-For: 198.51.100.9, 203.0.113.5\r\n`);
    expect(authz.rig.gateway.lines.at(-1)).toMatchObject({ client: '203.0.113.5', path: '/mcp' });
  });

  it('is not there on the public listener', async () => {
    await using authz = await startAuthz();
    const get = `GET /authz HTTP/1.1\r\nHost: mcp.example.com\r\n${original}${alice}\r\n`;
    expect((await authz.rig.ask(get)).status).toBe(404);
  });
});
