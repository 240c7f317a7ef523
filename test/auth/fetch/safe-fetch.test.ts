import diagnostics from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { createServer as createPlainServer } from 'node:http';
import { request as sendSecure } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createSafeFetch,
  type SafeFetchOptions,
  type SafeRequest,
} from '../../../src/auth/fetch/safe-fetch.ts';
import { configuredTargets, publicTargets } from '../../../src/auth/fetch/target-policy.ts';
import { createTestCertificate, type TestCertificate } from '../../support/certificates.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { sendJson, startCanary, startDocumentServer, type DocumentServer } from './document-server.ts';

const host = 'login.example.com';
let certificate: TestCertificate;
beforeAll(async () => {
  certificate = await createTestCertificate({ names: [host, '127.0.0.1'] });
});

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0)) await close();
});

async function startServer(
  answer: (response: ServerResponse) => void,
  options: { certificate?: TestCertificate } = {},
): Promise<DocumentServer> {
  const server = await startDocumentServer({ certificate, answer, ...options });
  closers.push(() => server.close());
  return server;
}

interface Rig {
  readonly clock: ManualClock;
  readonly fetchJson: (request?: Partial<SafeRequest>) => ReturnType<ReturnType<typeof createSafeFetch>>;
}

/** A fetcher for which the name leads to the server on loopback, as the operator's issuer may. */
function createRig(port: number, options: Partial<SafeFetchOptions> = {}): Rig {
  const clock = new ManualClock();
  const send = createSafeFetch({ clock, version: '1.2.3', resolve: async () => ['127.0.0.1'], ...options });
  const url = `https://${host}:${port}/keys?a=1`;
  return {
    clock,
    fetchJson: (request = {}) => send({ url, targets: configuredTargets, ca: certificate.cert, ...request }),
  };
}

describe('a fetch of a configured URL', () => {
  it('dials the pinned address under the name of the host, and sends nothing that identifies anyone', async () => {
    const server = await startServer((response) =>
      sendJson(response, { keys: [] }, { 'cache-control': 'max-age=60' }),
    );
    const { fetchJson, clock } = createRig(server.port);
    expect(await fetchJson()).toEqual({ ok: true, value: { json: { keys: [] }, freshFor: 60_000 } });
    expect(server.seen).toEqual([
      {
        url: '/keys?a=1',
        method: 'GET',
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          'user-agent': 'breakwater/1.2.3',
          host: `${host}:${server.port}`,
          connection: 'close',
        },
        serverName: host,
        body: '',
      },
    ]);
    expect(clock.pending).toBe(0);
  });

  it('takes an address as host, whose certificate must name it', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const { fetchJson } = createRig(server.port);
    expect(await fetchJson({ url: `https://127.0.0.1:${server.port}/` })).toMatchObject({ ok: true });
    expect(server.seen[0]?.serverName).toBe(false);
  });

  it('sends a form with credentials there, and refuses to where strangers point', async () => {
    const server = await startServer((response) => sendJson(response, { active: false }));
    const { fetchJson } = createRig(server.port);
    const form = { fields: { token: 'a b&c' }, authorization: 'Basic eDp5' };
    expect(await fetchJson({ form })).toMatchObject({ ok: true, value: { json: { active: false } } });
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      body: 'token=a+b%26c',
      headers: { authorization: 'Basic eDp5', 'content-type': 'application/x-www-form-urlencoded' },
    });
    const targets = { ...publicTargets, port: server.port, isAllowed: () => true };
    expect(await fetchJson({ targets })).toMatchObject({ ok: true });
    expect(await fetchJson({ form, targets })).toEqual({ ok: false, error: { kind: 'url' } });
    expect(server.seen).toHaveLength(2);
  });

  it('tries the next address when one does not take connections, IPv4 first', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const canary = await startCanary({ host: '::1', port: server.port });
    closers.push(() => canary.close());
    const resolve = async (): Promise<string[]> => ['::1', '127.0.0.3', '127.0.0.1'];
    const { fetchJson } = createRig(server.port, { resolve });
    expect(await fetchJson()).toMatchObject({ ok: true });
    expect(canary.hits).toBe(0);
    expect(await createRig(server.port, { resolve: async () => ['127.0.0.3'] }).fetchJson()).toEqual({
      ok: false,
      error: { kind: 'unreachable' },
    });
  });

  it('plain http stays on this machine', async () => {
    const server = createPlainServer((_request, response) => sendJson(response, { plain: true }));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.push(async () => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const url = `http://localhost:${port}/`;
    expect(await createRig(0).fetchJson({ url })).toMatchObject({
      ok: true,
      value: { json: { plain: true } },
    });
    for (const inside of ['10.0.0.1', '192.168.1.1', '8.8.8.8']) {
      const { fetchJson } = createRig(0, { resolve: async () => [inside] });
      expect(await fetchJson({ url }), inside).toEqual({ ok: false, error: { kind: 'address' } });
    }
  });

  it('cloud-metadata: no configured URL leads there', async () => {
    for (const address of ['169.254.169.254', 'fd00:ec2::254', '::ffff:169.254.169.254', '0.0.0.0']) {
      const { fetchJson } = createRig(443, { resolve: async () => [address] });
      expect(await fetchJson(), address).toEqual({ ok: false, error: { kind: 'address' } });
    }
  });

  it('redirected-socket: a connection that ends up elsewhere is dropped before anything is sent', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const { fetchJson } = createRig(server.port);
    for (const elsewhere of ['10.0.0.1', '127.0.0.2', undefined]) {
      const divert = (message: unknown): void => {
        const { socket } = message as { socket: Socket };
        Object.defineProperty(socket, 'remoteAddress', { value: elsewhere });
      };
      diagnostics.subscribe('net.client.socket', divert);
      expect(await fetchJson(), elsewhere).toEqual({ ok: false, error: { kind: 'address' } });
      diagnostics.unsubscribe('net.client.socket', divert);
    }
    expect(server.seen).toEqual([]);
    expect(await fetchJson(), 'control').toMatchObject({ ok: true });
  });

  it('a request that cannot be written is a failure, not an exception', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const { fetchJson, clock } = createRig(server.port);
    expect(await fetchJson({ form: { fields: {}, authorization: 'Basic a\r\nx-evil: 1' } })).toEqual({
      ok: false,
      error: { kind: 'unsendable' },
    });
    expect(server.connections).toBe(0);
    const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    // Node passes over roots that it cannot read, Bun throws.
    expect(await fetchJson({ ca })).toMatchObject({
      error: { kind: expect.stringMatching(/^(?:unsendable|certificate)$/) },
    });
    expect(clock.pending).toBe(0);
  });

  it('a name that does not exist, or has no address, is told apart', async () => {
    const missing = createRig(443, { resolve: async () => Promise.reject(new Error('ENOTFOUND evil text')) });
    expect(await missing.fetchJson()).toEqual({ ok: false, error: { kind: 'unresolved' } });
    const empty = createRig(443, { resolve: async () => [] });
    expect(await empty.fetchJson()).toEqual({ ok: false, error: { kind: 'unresolved' } });
  });

  it('the system resolves where no resolver is given', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const local = await createTestCertificate({ names: ['localhost'] });
    const named = await startServer((response) => sendJson(response, { local: true }), {
      certificate: local,
    });
    const send = createSafeFetch({ clock: new ManualClock(), version: '0' });
    const url = `https://localhost:${named.port}/`;
    const outcome = await send({ url, targets: configuredTargets, ca: local.cert });
    expect(outcome).toMatchObject({ ok: true, value: { json: { local: true } } });
    expect(server.seen).toEqual([]);
  });
});

describe('certificates of the host', () => {
  it.each([
    ['wrong-name', { names: ['other.example.com'] }],
    ['expired', { names: [host], days: 1, notBefore: Date.now() - 3 * 86_400_000 }],
  ])('%s: nothing is sent', async (_name, settings) => {
    const wrong = await createTestCertificate(settings);
    const server = await startServer((response) => sendJson(response, {}), { certificate: wrong });
    const { fetchJson } = createRig(server.port);
    expect(await fetchJson({ ca: wrong.cert })).toEqual({ ok: false, error: { kind: 'certificate' } });
    expect(server.seen).toEqual([]);
  });

  it('unknown-authority: not even when the environment turns the check off', async () => {
    const server = await startServer((response) => sendJson(response, {}));
    const { fetchJson } = createRig(server.port);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      expect(await fetchJson({ ca: undefined })).toEqual({ ok: false, error: { kind: 'certificate' } });
      expect(server.seen).toEqual([]);
      // The control: a client that leaves it to the environment does get through.
      await new Promise<void>((resolve, reject) => {
        const careless = sendSecure(
          { host: '127.0.0.1', port: server.port, servername: host, agent: false },
          () => {
            careless.destroy();
            resolve();
          },
        );
        careless.once('error', reject);
        careless.end();
      });
      expect(server.seen).toHaveLength(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('hostile answers', () => {
  const json = { 'content-type': 'application/json' };

  it.each<[name: string, failure: object, answer: (response: ServerResponse) => void]>([
    [
      'gzip-bomb',
      { kind: 'encoding' },
      (response) => {
        response.writeHead(200, { ...json, 'content-encoding': 'gzip' });
        response.end(gzipSync(Buffer.alloc(10_000_000, 0x20)));
      },
    ],
    [
      'unasked brotli',
      { kind: 'encoding' },
      (response) => {
        response.writeHead(200, { ...json, 'content-encoding': 'br' }).end('{}');
      },
    ],
    [
      'gzip that is not declared',
      { kind: 'json' },
      (response) => {
        response.writeHead(200, json).end(gzipSync('{}'));
      },
    ],
    [
      'html',
      { kind: 'type' },
      (response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('{}');
      },
    ],
    [
      'json in the parameters of another type',
      { kind: 'type' },
      (response) => {
        response.writeHead(200, { 'content-type': 'text/html; x=application/json' }).end('{}');
      },
    ],
    [
      'no type',
      { kind: 'type' },
      (response) => {
        response.writeHead(200).end('{}');
      },
    ],
    [
      'json-like type',
      { kind: 'type' },
      (response) => {
        response.writeHead(200, { 'content-type': 'application/jsonp' }).end('{}');
      },
    ],
    [
      'no content',
      { kind: 'status', status: 204 },
      (response) => {
        response.writeHead(204, json).end();
      },
    ],
    [
      'not found',
      { kind: 'status', status: 404 },
      (response) => {
        response.writeHead(404, json).end('{"error":"text of the other side"}');
      },
    ],
    [
      'broken server',
      { kind: 'status', status: 503 },
      (response) => {
        response.writeHead(503, json).end('{}');
      },
    ],
    [
      'promised too much',
      { kind: 'too-large' },
      (response) => {
        response.writeHead(200, { ...json, 'content-length': '65537' });
        response.flushHeaders();
      },
    ],
    [
      'one byte too many',
      { kind: 'too-large' },
      (response) => {
        response.writeHead(200, json).end(`{}${' '.repeat(65_535)}`);
      },
    ],
    [
      'cut off',
      { kind: 'broken' },
      (response) => {
        response.writeHead(200, { ...json, 'content-length': '100' });
        response.write('{"a":1}');
        setImmediate(() => response.destroy());
      },
    ],
    [
      'cut off before the head',
      { kind: 'broken' },
      (response) => {
        response.destroy();
      },
    ],
    [
      'endless head',
      { kind: 'broken' },
      (response) => {
        response.writeHead(200, { ...json, 'x-long': 'a'.repeat(40_000) }).end('{}');
      },
    ],
    [
      'not an object',
      { kind: 'json' },
      (response) => {
        response.writeHead(200, json).end('[]');
      },
    ],
    [
      'a name twice',
      { kind: 'json' },
      (response) => {
        response.writeHead(200, json).end('{"a":1,"a":2}');
      },
    ],
  ])('%s', async (_name, failure, answer) => {
    const server = await startServer(answer);
    const { fetchJson, clock } = createRig(server.port);
    expect(await fetchJson()).toEqual({ ok: false, error: failure });
    expect(clock.pending).toBe(0);
  });

  it('control: what is just within the limits is read', async () => {
    const server = await startServer((response) => {
      response.writeHead(200, {
        'content-type': 'Application/jwk-set+JSON; charset=utf-8',
        'content-encoding': 'identity',
      });
      response.end(`{}${' '.repeat(65_534)}`);
    });
    expect(await createRig(server.port).fetchJson()).toMatchObject({ ok: true, value: { json: {} } });
  });

  it('endless-body: reading stops at the cap, and the connection with it', async () => {
    let written = 0;
    let isClosed = false;
    const server = await startServer((response) => {
      response.writeHead(200, json);
      response.once('close', () => {
        isClosed = true;
      });
      const pour = (): void => {
        while (!isClosed) {
          written += 16_384;
          if (!response.write(Buffer.alloc(16_384, 0x20))) break;
        }
      };
      response.on('drain', pour);
      pour();
    });
    expect(await createRig(server.port).fetchJson()).toEqual({ ok: false, error: { kind: 'too-large' } });
    await until(() => isClosed);
    expect(isClosed).toBe(true);
    // What the kernel's buffers hold was written before anyone could say stop.
    expect(written).toBeLessThan(16_777_216);
  });
});

describe('the deadline', () => {
  const deadline = { ok: false, error: { kind: 'deadline' } };

  /** The outcome after three seconds, if there was none a moment before. */
  async function passDeadline(pending: Promise<unknown>, clock: ManualClock): Promise<unknown> {
    const settled = vi.fn<(value: unknown) => void>();
    void pending.then(settled);
    clock.advance(2999);
    await new Promise((resolve) => setImmediate(resolve));
    if (settled.mock.calls.length > 0) return 'too early';
    clock.advance(1);
    return pending;
  }

  it.each<[name: string, answer: (response: ServerResponse) => void]>([
    [
      'slow-drip: a body that comes byte by byte',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      },
    ],
    ['silence after the request', () => undefined],
    [
      'a head that never ends',
      (response) => {
        response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-a: ');
      },
    ],
    ['interim answers without end', (response) => response.writeProcessing()],
  ])('%s', async (_name, answer) => {
    const server = await startServer(answer);
    const { fetchJson, clock } = createRig(server.port);
    const pending = fetchJson();
    await until(() => server.seen.length > 0);
    expect(await passDeadline(pending, clock)).toEqual(deadline);
    await until(() => server.open === 0);
    expect(server.open, 'connections left behind').toBe(0);
  });

  it('a handshake that never comes', async () => {
    const connected: Socket[] = [];
    const server = createTcpServer((socket) => void connected.push(socket));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.push(async () => {
      for (const socket of connected) socket.destroy();
      server.close();
    });
    const address = server.address();
    const { fetchJson, clock } = createRig(typeof address === 'object' ? (address?.port ?? 0) : 0);
    const pending = fetchJson();
    await until(() => connected.length > 0);
    expect(await passDeadline(pending, clock)).toEqual(deadline);
  });

  it('slow-resolver: a name that is found too late leads to no connection, and keeps its slot until then', async () => {
    const canary = await startCanary({ host: '127.0.0.1' });
    closers.push(() => canary.close());
    let answerLate: (addresses: string[]) => void = () => undefined;
    const resolve = (): Promise<string[]> =>
      new Promise((settle) => {
        answerLate = settle;
      });
    const { fetchJson, clock } = createRig(canary.port, { resolve, perHost: 1 });
    expect(await passDeadline(fetchJson(), clock)).toEqual(deadline);
    expect(await fetchJson()).toEqual({ ok: false, error: { kind: 'busy' } });
    answerLate(['127.0.0.1']);
    await new Promise((done) => setImmediate(done));
    const next = fetchJson();
    await new Promise((done) => setImmediate(done));
    expect(canary.hits).toBe(0);
    answerLate(['127.0.0.1']);
    expect(await next).toEqual({ ok: false, error: { kind: 'unreachable' } });
    expect(canary.hits, 'control: in time it does connect').toBe(1);
  });

  it('slow-resolver: one that can end at the deadline gives its slot back then', async () => {
    const resolve = (_name: string, signal: AbortSignal): Promise<string[]> =>
      new Promise((settle) => {
        signal.addEventListener('abort', () => settle([]));
      });
    const { fetchJson, clock } = createRig(443, { resolve, perHost: 1 });
    expect(await passDeadline(fetchJson(), clock)).toEqual(deadline);
    await new Promise((done) => setImmediate(done));
    expect(await passDeadline(fetchJson(), clock)).toEqual(deadline);
  });
});

describe('how many fetches run at once', () => {
  it('fetch-flood: four for a host, and others are refused at once while other hosts are served', async () => {
    const waiting: ServerResponse[] = [];
    const server = await startServer((response) => void waiting.push(response));
    const { fetchJson } = createRig(server.port, { total: 5 });
    const four = [fetchJson(), fetchJson(), fetchJson(), fetchJson()];
    expect(await fetchJson()).toEqual({ ok: false, error: { kind: 'busy' } });
    const other = fetchJson({ url: `https://127.0.0.1:${server.port}/` });
    expect(await fetchJson({ url: `https://third.example.com:${server.port}/` }), 'all five in use').toEqual({
      ok: false,
      error: { kind: 'busy' },
    });
    await until(() => waiting.length === 5);
    for (const response of waiting.splice(0)) sendJson(response, {});
    for (const outcome of await Promise.all([...four, other])) expect(outcome).toMatchObject({ ok: true });
    const again = fetchJson();
    await until(() => waiting.length === 1);
    for (const response of waiting) sendJson(response, {});
    expect(await again).toMatchObject({ ok: true });
  });

  it('what has a priority waits for its turn, the higher one first', async () => {
    const waiting: ServerResponse[] = [];
    const server = await startServer((response) => void waiting.push(response));
    const { fetchJson, clock } = createRig(server.port, { perHost: 1 });
    const url = (name: string): string => `https://${host}:${server.port}/${name}`;
    const running = fetchJson({ url: url('running') });
    const low = fetchJson({ url: url('low'), priority: 'low' });
    const high = fetchJson({ url: url('high'), priority: 'high' });
    for (const outcome of [running, high, low]) {
      await until(() => waiting.length === 1);
      for (const response of waiting.splice(0)) sendJson(response, {});
      expect(await outcome).toMatchObject({ ok: true });
    }
    expect(server.seen.map((request) => request.url)).toEqual(['/running', '/high', '/low']);
    expect(clock.pending).toBe(0);
  });
});
