import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  callOverHttp2,
  callWithCertificate,
  type AnsweredCall,
  type CertificateCall,
} from '../support/certificate-client.ts';
import { createTestCertificate } from '../support/certificates.ts';
import {
  createClientAuthority,
  createClientCertificate,
  createRevocationList,
} from '../support/client-certificates.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';

const day = 24 * 3_600_000;
const versions = ['TLSv1.3', 'TLSv1.2'] as const;
const server = await createTestCertificate();
const authority = await createClientAuthority();
const foreign = await createClientAuthority();
const issue = (parts: Omit<Parameters<typeof createClientCertificate>[0], 'issuer'> = {}) =>
  createClientCertificate({ issuer: authority, ...parts });

const admitted = await issue();
const byName = await issue({
  subject: [{ CN: ['robot'] }],
  alternativeNames: [{ type: 'url', value: 'spiffe://example.com/robot' }],
});
const unlisted = await issue({ subject: [{ O: ['Example'] }, { CN: ['guest'] }] });
const revoked = await issue();
const refused = {
  foreign: await createClientCertificate({ issuer: foreign }),
  revoked,
  expired: await issue({ notBefore: Date.now() - 40 * day, days: 30 }),
  'of a server': await issue({ purposes: ['1.3.6.1.5.5.7.3.1'] }),
};
/** Good certificates whose contents try to look like the admitted one. */
const spoofs = {
  'a separator in the name': await issue({ subject: [{ CN: ['ci, O=Example'] }] }),
  'a line end in the name': await issue({ subject: [{ CN: [{ utf8String: 'ci\nO=Example' }] }] }),
  'the attributes in one part': await issue({ subject: [{ O: ['Example'], CN: ['ci'] }] }),
  'the other order': await issue({ subject: [{ CN: ['ci'] }, { O: ['Example'] }] }),
  'a name inside a name': await issue({
    subject: [{ CN: ['x'] }],
    alternativeNames: [{ type: 'dns', value: 'x, URI:spiffe://example.com/robot' }],
  }),
  'the subject as a name': await issue({
    subject: [{ CN: ['x'] }],
    alternativeNames: [{ type: 'dns', value: 'CN=ci' }],
  }),
};

const post = buildPost(buildCall());
const postOpen = buildPost(buildCall(), { path: '/open' });

let directory: string;
let upstream: ScriptedUpstream;
let gateway: GatewayProcess;

const crlFile = (): string => join(directory, 'crl.pem');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-mtls-'));
  upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
  await writeFile(join(directory, 'cert.pem'), server.cert);
  await writeFile(join(directory, 'key.pem'), server.key, { mode: 0o600 });
  await writeFile(join(directory, 'ca.pem'), authority.cert);
});
afterAll(async () => {
  await upstream.stop();
  await rm(directory, { recursive: true });
});

async function start(required: boolean, more: Record<string, unknown> = {}): Promise<void> {
  await writeFile(crlFile(), await createRevocationList({ issuer: authority, revoked: [revoked] }));
  const target = `http://127.0.0.1:${upstream.port}/mcp`;
  const certificates = [
    { name: 'ci', subject: 'CN=ci, O=Example' },
    { name: 'robot', subject: 'URI:spiffe://example.com/robot' },
  ];
  gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    config: {
      tls: {
        cert: join(directory, 'cert.pem'),
        key: join(directory, 'key.pem'),
        clients: { ca: join(directory, 'ca.pem'), crl: crlFile(), required },
      },
      routes: [
        { path: '/mcp', upstream: target, auth: { certificates } },
        { path: '/open', upstream: target },
      ],
      ...more,
    },
  });
}

function call(options: Partial<CertificateCall> = {}): Promise<readonly AnsweredCall[]> {
  return callWithCertificate({ port: gateway.port, ca: server.cert, requests: [post], ...options });
}

async function statuses(options: Partial<CertificateCall> = {}): Promise<number[]> {
  return (await call(options)).map(({ status }) => status);
}

/** Runs calls and tells how many of them the upstream has seen. */
async function reached(run: () => Promise<unknown>): Promise<number> {
  const before = upstream.requests.length;
  await run();
  return upstream.requests.length - before;
}

describe('required client certificates', () => {
  beforeAll(() => start(true));
  afterAll(() => gateway.clean());

  it.each(versions)('let their owner call over %s', async (version) => {
    const tls = { minVersion: version, maxVersion: version };
    expect(await statuses({ client: admitted, tls })).toEqual([200]);
    expect(await statuses({ client: byName, tls })).toEqual([200]);
  });

  it.each(versions)(
    'keep out who shows none over %s: nothing is served, nothing reaches the upstream',
    async (version) => {
      const tls = { minVersion: version, maxVersion: version };
      const seen = await reached(async () => {
        for (const requests of [[post], [postOpen]]) expect(await call({ tls, requests })).toEqual([]);
      });
      expect(seen).toBe(0);
    },
  );

  it.each(Object.entries(refused))('keep out one that is %s', async (_what, client) => {
    const seen = await reached(async () => {
      for (const version of versions) {
        const tls = { minVersion: version, maxVersion: version };
        for (const requests of [[post], [postOpen]]) {
          expect(await call({ client, tls, requests })).toEqual([]);
          expect(await call({ client, tls, requests, servername: 'elsewhere.test' })).toEqual([]);
        }
      }
      expect(await callOverHttp2({ port: gateway.port, ca: server.cert, client, body: buildCall() })).toBe(
        undefined,
      );
    });
    expect(seen).toBe(0);
  });

  it('admit to a route only whom it lists', async () => {
    const seen = await reached(async () => {
      const [answer] = await call({ client: unlisted });
      expect(answer?.status).toBe(403);
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({
        error: { data: { reason: 'E_AUTH_CERTIFICATE' } },
      });
    });
    expect(seen).toBe(0);
    expect(await statuses({ client: unlisted, requests: [postOpen] })).toEqual([200]);
  });

  it.each(Object.entries(spoofs))('are not fooled by %s, subject-spoofing', async (_what, client) => {
    expect(await statuses({ client })).toEqual([403]);
  });

  it.each([
    'X-SSL-Client-S-DN: CN=ci, O=Example',
    'X-Client-Cert: CN=ci, O=Example',
    'X-Forwarded-Client-Cert: Subject="CN=ci,O=Example"',
    'Client-Cert: :MIIB:',
    'Authorization: Bearer ci',
  ])('are not replaced by a field, %s', async (field) => {
    const request = buildPost(buildCall(), { fields: `${field}\r\n` });
    expect(await statuses({ client: unlisted, requests: [request] })).toEqual([403]);
  });

  it('belong to their connection, also for requests that come again, principal-cache-confusion', async () => {
    const requests = [post, post, post];
    const both = await Promise.all([
      statuses({ client: admitted, requests }),
      statuses({ client: unlisted, requests }),
      statuses({ client: byName, requests }),
    ]);
    expect(both).toEqual([
      [200, 200, 200],
      [403, 403, 403],
      [200, 200, 200],
    ]);
  });

  it('are known over HTTP/2', async () => {
    const options = { port: gateway.port, ca: server.cert, body: buildCall() };
    expect(await callOverHttp2({ ...options, client: admitted })).toBe(200);
    expect(await callOverHttp2({ ...options, client: unlisted })).toBe(403);
    expect(await callOverHttp2(options)).toBe(undefined);
  });

  it('name the caller in the access log', async () => {
    await call({ client: byName });
    await until(async () =>
      (await gateway.readAccessLog()).some((line) => line.includes('"principal":"robot"')),
    );
    expect((await gateway.readAccessLog()).join('\n')).toContain('"principal":"robot"');
  });

  it('are refused within a second after they are revoked, and a bad list changes nothing', async () => {
    expect(await statuses({ client: byName })).toEqual([200]);
    const replace = async (list: string): Promise<void> => {
      await writeFile(join(directory, 'next.pem'), list);
      await rename(join(directory, 'next.pem'), crlFile());
    };
    await replace(await createRevocationList({ issuer: authority, revoked: [revoked, byName] }));
    const waited = await until(async () => (await call({ client: byName })).length === 0, 3000);
    expect(waited).toBeLessThanOrEqual(1000);
    expect(await statuses({ client: admitted })).toEqual([200]);

    await replace(await createRevocationList({ issuer: foreign }));
    await until(() => gateway.complaints.includes('E_TLS_REVOCATION_LIST'));
    expect(gateway.complaints).toContain('E_TLS_REVOCATION_LIST');
    expect(await call({ client: byName })).toEqual([]);
    expect(await statuses({ client: admitted })).toEqual([200]);
  });
});

describe('behind a proxy that names the client', () => {
  beforeAll(() => start(true, { proxy_protocol: true, trusted_proxies: ['127.0.0.1'] }));
  afterAll(() => gateway.clean());

  it('certificates count all the same', async () => {
    const preface = 'PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n';
    expect(await statuses({ client: admitted, preface })).toEqual([200]);
    expect(await statuses({ client: unlisted, preface })).toEqual([403]);
    expect(await call({ preface })).toEqual([]);
  });
});

describe('optional client certificates', () => {
  beforeAll(() => start(false));
  afterAll(() => gateway.clean());

  it.each(versions)('are asked for by the route over %s', async (version) => {
    const tls = { minVersion: version, maxVersion: version };
    expect(await statuses({ tls, requests: [postOpen, post, postOpen] })).toEqual([200, 403, 200]);
    expect(await statuses({ tls, client: admitted, requests: [postOpen, post] })).toEqual([200, 200]);
  });

  it.each(Object.entries(refused))('that are %s are refused, not taken for none', async (_what, client) => {
    const seen = await reached(async () => {
      for (const version of versions) {
        const tls = { minVersion: version, maxVersion: version };
        expect(await call({ client, tls, requests: [postOpen] })).toEqual([]);
      }
      expect(await callOverHttp2({ port: gateway.port, ca: server.cert, client, body: buildCall() })).toBe(
        undefined,
      );
    });
    expect(seen).toBe(0);
  });
});

describe('at the start', () => {
  it('a revocation list that is over is an error', async () => {
    await expect(
      (async () => {
        await start(true);
        await gateway.clean();
        const over = await createRevocationList({ issuer: authority, nextUpdate: Date.now() - 1000 });
        await writeFile(join(directory, 'over.pem'), over);
        await start(true, {
          tls: {
            cert: join(directory, 'cert.pem'),
            key: join(directory, 'key.pem'),
            clients: { ca: join(directory, 'ca.pem'), crl: join(directory, 'over.pem'), required: true },
          },
        });
      })(),
    ).rejects.toThrow(/E_TLS_REVOCATION_LIST/);
  });
});
