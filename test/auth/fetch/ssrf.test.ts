import diagnostics from 'node:diagnostics_channel';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSafeFetch, type Resolver } from '../../../src/auth/fetch/safe-fetch.ts';
import { publicTargets, type TargetPolicy } from '../../../src/auth/fetch/target-policy.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createTestCertificate, type TestCertificate } from '../../support/certificates.ts';
import {
  sendJson,
  startCanary,
  startDocumentServer,
  type Canary,
  type DocumentServer,
} from './document-server.ts';
import { buildHostileUrls, hostileNames } from './ssrf-urls.ts';

const resolveHostile: Resolver = async (name) => {
  const addresses = hostileNames[name];
  if (addresses === undefined) throw new Error('ENOTFOUND');
  return addresses;
};

/** Sockets that were opened to anywhere: it is too late to refuse an address once one exists. */
let opened = 0;
const countSocket = (): void => {
  opened += 1;
};
beforeAll(() => diagnostics.subscribe('net.client.socket', countSocket));
afterAll(() => {
  diagnostics.unsubscribe('net.client.socket', countSocket);
});
beforeEach(() => {
  opened = 0;
});

describe('ssrf: the table of A13', () => {
  let canary: Canary;
  beforeAll(async () => {
    canary = await startCanary({ host: '::' });
  });
  afterAll(() => canary.close());

  const fetchHostile = createSafeFetch({ clock: systemClock, version: '0', resolve: resolveHostile });

  async function visitAll(
    targets: TargetPolicy,
  ): Promise<{ hitters: string[]; fetched: string[]; slowest: number }> {
    const hitters: string[] = [];
    const fetched: string[] = [];
    let slowest = 0;
    for (const { url } of buildHostileUrls(canary.port)) {
      const before = canary.hits;
      const start = performance.now();
      const outcome = await fetchHostile({ url, targets });
      slowest = Math.max(slowest, performance.now() - start);
      if (outcome.ok) fetched.push(url);
      if (canary.hits > before) hitters.push(url);
    }
    return { hitters, fetched, slowest };
  }

  it('has 120 URLs and more', () => {
    const urls = buildHostileUrls(canary.port).map(({ url }) => url);
    expect(new Set(urls).size).toBe(urls.length);
    expect(urls.length).toBeGreaterThanOrEqual(120);
  });

  it('no URL reaches the canary or opens a socket to anywhere', async () => {
    const { hitters, fetched, slowest } = await visitAll({ ...publicTargets, port: canary.port });
    expect(hitters).toEqual([]);
    expect(fetched).toEqual([]);
    expect(opened).toBe(0);
    expect(slowest).toBeLessThan(3000);
  });

  it('the judgement of addresses holds alone, when the URL is taken in any spelling', async () => {
    const targets = { ...publicTargets, port: canary.port, onlyCanonical: false, onlyPublicNames: false };
    expect((await visitAll(targets)).hitters).toEqual([]);
    expect(opened).toBe(0);
  });

  it('the rules for the text hold alone against every address in a URL', async () => {
    const targets: TargetPolicy = { ...publicTargets, port: canary.port, isAllowed: isLoopbackOnly };
    const { hitters } = await visitAll(targets);
    expect(hitters.length).toBeGreaterThan(0);
    expect(
      hitters.filter((url) => !/^https:\/\/[a-z0-9.-]+\.(?:example\.com|localdomain):/.test(url)),
    ).toEqual([]);
  });

  it('control: with the guards off, each URL that leads to this machine hits the canary', async () => {
    const targets: TargetPolicy = {
      ...publicTargets,
      port: canary.port,
      onlyCanonical: false,
      onlyPublicNames: false,
      isAllowed: isLoopbackOnly,
    };
    const expected = buildHostileUrls(canary.port)
      .filter(({ reaches, url }) => reaches && !url.includes('@'))
      .map(({ url }) => url);
    const { hitters } = await visitAll(targets);
    expect(expected.filter((url) => !hitters.includes(url))).toEqual([]);
    expect(hitters.length).toBeGreaterThan(80);
    expect(opened).toBeGreaterThanOrEqual(hitters.length);
  });
});

/** Lets the control reach this machine, in all its spellings, without ever leaving it. */
function isLoopbackOnly(address: string): boolean {
  return /^(?:127\.|0\.0\.0\.0$|::1?$|0{1,4}(?::0{1,4})*:|::ffff:(?:127\.|7f|0))/i.test(address);
}

describe('dns-rebinding', () => {
  const host = 'client.example.com';
  let certificate: TestCertificate;
  let server: DocumentServer;
  let canary: Canary;
  beforeAll(async () => {
    certificate = await createTestCertificate({ names: [host] });
  });
  beforeEach(async () => {
    server = await startDocumentServer({
      certificate,
      host: '127.0.0.2',
      answer: (response) => sendJson(response, { fine: true }),
    });
    canary = await startCanary({ host: '127.0.0.1', port: server.port });
  });
  afterEach(async () => {
    await server.close();
    await canary.close();
  });

  /** 127.0.0.2 plays the public address, 127.0.0.1 the one within. */
  function toTargets(): TargetPolicy {
    return { ...publicTargets, port: server.port, isAllowed: (address) => address === '127.0.0.2' };
  }

  /** A name with TTL 0: the first answer is harmless, all others lead inside. */
  function createRebinding(): {
    readonly resolve: () => Promise<readonly string[]>;
    readonly asked: number;
  } {
    let asked = 0;
    return {
      async resolve() {
        asked += 1;
        return asked === 1 ? ['127.0.0.2'] : ['127.0.0.1'];
      },
      get asked() {
        return asked;
      },
    };
  }

  it('the address that was judged is the one that is dialled: one lookup a fetch', async () => {
    const dns = createRebinding();
    const fetchJson = createSafeFetch({ clock: systemClock, version: '0', resolve: dns.resolve });
    const url = `https://${host}:${server.port}/client.json`;
    const first = await fetchJson({ url, targets: toTargets(), ca: certificate.cert });
    expect(first).toMatchObject({ ok: true, value: { json: { fine: true } } });
    expect(dns.asked).toBe(1);
    const second = await fetchJson({ url, targets: toTargets(), ca: certificate.cert });
    expect(second).toEqual({ ok: false, error: { kind: 'address' } });
    expect(canary.hits).toBe(0);
    expect(server.connections).toBe(1);
  });

  it('control: who checks and then lets the client resolve again hits the canary', async () => {
    const dns = createRebinding();
    const [checked = ''] = await dns.resolve();
    expect(toTargets().isAllowed(checked)).toBe(true);
    const [address = ''] = await dns.resolve();
    await new Promise<void>((resolve) => {
      const naive = request({
        host,
        port: server.port,
        agent: false,
        lookup: (_name, _options, done) => done(null, [{ address, family: 4 }]),
      });
      naive.on('error', () => resolve());
      naive.end();
    });
    expect(canary.hits).toBe(1);
  });

  it.each([
    ['the forbidden one last', ['127.0.0.2', '127.0.0.1']],
    ['the forbidden one first', ['127.0.0.1', '127.0.0.2']],
    ['the forbidden one in IPv6 dress', ['127.0.0.2', '::ffff:127.0.0.1']],
  ])('mixed-answer: %s condemns the name', async (_name, answers) => {
    const fetchJson = createSafeFetch({ clock: systemClock, version: '0', resolve: async () => answers });
    const url = `https://${host}:${server.port}/client.json`;
    const outcome = await fetchJson({ url, targets: toTargets(), ca: certificate.cert });
    expect(outcome).toEqual({ ok: false, error: { kind: 'address' } });
    expect(canary.hits + server.connections).toBe(0);
  });

  it.each([300, 301, 302, 303, 307, 308, 304])('redirect-to-private: %i is not followed', async (status) => {
    await server.close();
    const { port } = canary;
    server = await startDocumentServer({
      certificate,
      host: '127.0.0.2',
      port,
      answer: (response) => {
        response.writeHead(status, {
          location: `https://127.0.0.1:${port}/`,
          'content-type': 'application/json',
        });
        response.end(status === 304 ? undefined : '{}');
      },
    });
    const fetchJson = createSafeFetch({
      clock: systemClock,
      version: '0',
      resolve: async () => ['127.0.0.2'],
    });
    const url = `https://${host}:${port}/client.json`;
    const outcome = await fetchJson({ url, targets: toTargets(), ca: certificate.cert });
    expect(outcome).toEqual({ ok: false, error: { kind: 'redirect' } });
    expect(server.seen).toHaveLength(1);
    expect(canary.hits).toBe(0);
  });
});
