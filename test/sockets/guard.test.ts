import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { refusedOrigins } from '../support/refused-origins.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');
const changes = {
  domains: ['mcp.example.test'],
  hosts: ['proxy:9000'],
  origins: ['https://app.example.com'],
};

function post(host: string, fields = ''): string {
  return buildPost(buildCall(), { fields }).replace('Host: localhost', `Host: ${host}`);
}

describe('dns-rebinding: Host', () => {
  it.each([
    'evil.example',
    'mcp.example.test.evil.example',
    'evil-mcp.example.test',
    'mcp.example.test.',
    'mcp.example.tes',
    'example.test',
    'www.mcp.example.test',
    '127.0.0.2',
    '10.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    'localhost.',
    'localhost.evil.example',
    'proxy',
    'proxy:9001',
    '127.1',
    '0x7f.1',
    '2130706433',
    'mcp_example.com',
  ])('%s is refused with 421, and nothing is forwarded', async (host) => {
    await using rig = await startRig({ answer, changes });
    const refused = await rig.ask(post(host));
    expect(refused.status).toBe(421);
    expect(JSON.parse(refused.body)).toMatchObject({
      id: null,
      error: { data: { reason: 'E_HOST_UNKNOWN' } },
    });
    using client = await connectH2(rig.gateway);
    expect((await client.post(buildCall(), { ':authority': host }).head)[':status']).toBe(421);
    expect(rig.upstream.connections).toBe(0);
  });

  it.each([
    'mcp.example.test',
    'MCP.Example.TEST',
    'mcp.example.test:443',
    'mcp.example.test:8443',
    'localhost',
    'localhost:1',
    '127.0.0.1',
    '[::1]',
    '[::1]:443',
    'proxy:9000',
  ])('control: %s is served', async (host) => {
    await using rig = await startRig({ answer, changes });
    expect((await rig.ask(post(host))).status).toBe(200);
  });
});

function originRequests(rig: Rig, fields: string): Promise<number[]> {
  const head = `Host: mcp.example.test\r\n${fields}`;
  return Promise.all(
    [
      post('mcp.example.test', fields),
      `GET /mcp HTTP/1.1\r\n${head}\r\n`,
      `OPTIONS /mcp HTTP/1.1\r\n${head}Access-Control-Request-Method: POST\r\n\r\n`,
      `DELETE /mcp/ HTTP/1.1\r\n${head}\r\n`,
    ].map(async (request) => {
      const received = await rig.ask(request);
      if (received.status === 403) expect(received.field('access-control-allow-origin')).toBeUndefined();
      return received.status;
    }),
  );
}

describe(`dns-rebinding: ${refusedOrigins.length} origins that are not allowed`, () => {
  it('are more than 80', () => expect(refusedOrigins.length).toBeGreaterThan(80));

  it('are refused with 403 on POST, GET, OPTIONS and DELETE, and nothing is forwarded', async () => {
    await using rig = await startRig({ answer, changes });
    for (const origin of refusedOrigins) {
      expect([origin, ...(await originRequests(rig, `Origin: ${origin}\r\n`))]).toEqual([
        origin,
        403,
        403,
        403,
        403,
      ]);
    }
    expect(rig.upstream.connections).toBe(0);
  });

  it.each([
    'Origin: https://app.example.com\r\nOrigin: https://app.example.com\r\n',
    'Origin: https://app.example.com\r\nOrigin: https://evil.example\r\n',
    'Origin: https://evil.example\r\norigin: https://app.example.com\r\n',
  ])('%j: two origins are none', async (fields) => {
    await using rig = await startRig({ answer, changes });
    expect(await originRequests(rig, fields)).toEqual([403, 403, 403, 403]);
    expect(rig.upstream.connections).toBe(0);
  });

  it.each(['https://app.example.com', 'https://mcp.example.test'])(
    'control: %s is allowed',
    async (origin) => {
      await using rig = await startRig({ answer, changes });
      expect(await originRequests(rig, `Origin: ${origin}\r\n`)).toEqual([200, 200, 204, 200]);
    },
  );

  it.each([
    ['localhost:8443', 'http://localhost:8443', 200],
    ['localhost:8443', 'http://localhost:3000', 403],
    ['localhost:8443', 'http://localhost', 403],
    ['localhost', 'http://localhost', 403],
    ['127.0.0.1', 'http://127.0.0.1', 403],
    ['[::1]', 'http://[::1]', 403],
    ['mcp.example.test:8443', 'http://mcp.example.test:8443', 403],
  ])(
    'at %s the origin %s, which SDKs write for the port we speak TLS on, gives %d',
    async (host, origin, status) => {
      await using rig = await startRig({ answer, changes });
      expect((await rig.ask(post(host, `Origin: ${origin}\r\n`))).status).toBe(status);
    },
  );

  it('control: without Origin, as from programs, all pass', async () => {
    await using rig = await startRig({ answer, changes });
    expect(await originRequests(rig, '')).toEqual([200, 200, 204, 200]);
  });
});

describe('methods', () => {
  it.each(['HEAD', 'PUT', 'PATCH'])(
    '%s is refused with 405 and the list of those that work',
    async (method) => {
      await using rig = await startRig({ answer });
      const client = await rig.connect();
      client.send(`${method} /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const text = await client.until((received) => received.includes('\r\n\r\n'));
      expect(text).toMatch(/^HTTP\/1\.1 405 /);
      expect(text).toContain('\r\nallow: GET, POST, DELETE, OPTIONS\r\n');
      expect(rig.upstream.connections).toBe(0);
    },
  );

  it.each(['TRACE', 'CONNECT', 'PROPFIND', 'get', 'Post', 'FOO', 'M-SEARCH'])(
    '%s is not known: 400',
    async (method) => {
      await using rig = await startRig({ answer });
      expect((await rig.ask(`${method} /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n`)).status).toBe(400);
      expect(rig.upstream.connections).toBe(0);
    },
  );
});

describe('health', () => {
  it.each(['/healthz', '/readyz'])('%s answers under any name, to GET and HEAD alone', async (path) => {
    await using rig = await startRig({ answer });
    for (const host of ['localhost', '10.1.2.3:8443', 'anything.example']) {
      const received = await rig.ask(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://evil.example\r\n\r\n`,
      );
      expect(received.status).toBe(200);
      expect(JSON.parse(received.body)).toMatchObject({ status: 'ok' });
      expect(received.field('cache-control')).toBe('no-store');
    }
    expect((await rig.ask(buildPost('{}', { path }))).status).toBe(405);
    expect((await rig.ask(`GET ${path}/ HTTP/1.1\r\nHost: localhost\r\n\r\n`)).status).toBe(404);
    expect(rig.upstream.connections).toBe(0);
  });
});
