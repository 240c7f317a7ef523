import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createAcmeHttp, type AcmeHttp } from '../../../src/tls/acme/acme-http.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const never = new AbortController().signal;

async function listen(server: Server, listener?: RequestListener): Promise<number> {
  if (listener !== undefined) server.on('request', listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => void server.close());
  // `address()` is a string only for sockets on a path.
  return (server.address() as AddressInfo).port;
}

function open(options: Partial<Parameters<typeof createAcmeHttp>[0]> = {}): AcmeHttp {
  const http = createAcmeHttp({
    roots: undefined,
    version: '1.2.3',
    allowPlainLoopback: true,
    clock: systemClock,
    ...options,
  });
  closing.push(() => http.close());
  return http;
}

describe('createAcmeHttp', () => {
  it('says who asks, and what a body is', async () => {
    const seen: IncomingMessage[] = [];
    const port = await listen(createServer(), (request, response) => {
      seen.push(request);
      response.setHeader('link', ['<a>;rel="up"', '<b>;rel="alternate"']);
      response.end('hello');
    });
    const url = `http://127.0.0.1:${port}/`;
    const answer = await open().send({ method: 'POST', url, body: '{}', signal: never });
    expect(answer).toMatchObject({ status: 200, body: 'hello' });
    expect(answer.headers['link']).toBe('<a>;rel="up", <b>;rel="alternate"');
    expect(seen[0]?.headers).toMatchObject({
      'user-agent': 'breakwater/1.2.3',
      'content-type': 'application/jose+json',
      'content-length': '2',
    });
  });

  it('trusts the given roots, and nobody else', async () => {
    const root = await createTestCertificate({ names: ['localhost'] });
    const port = await listen(
      createSecureServer({ cert: root.cert, key: root.key }),
      (_request, response) => {
        response.end('secure');
      },
    );
    const url = `https://localhost:${port}/`;
    const trusting = open({ roots: root.cert });
    expect(await trusting.send({ method: 'GET', url, signal: never })).toMatchObject({ body: 'secure' });
    const other = await createTestCertificate({ names: ['localhost'] });
    for (const roots of [undefined, other.cert]) {
      await expect(open({ roots }).send({ method: 'GET', url, signal: never })).rejects.toMatchObject({
        code: 'E_ACME_UNREACHABLE',
        message: expect.stringContaining('is not trusted here') as string,
        hint: expect.stringContaining('tls.acme.ca') as string,
      });
    }
  });

  it('does not follow a redirect to another machine (SSRF)', async () => {
    let reached = 0;
    const canary = await listen(createServer(), (_request, response) => {
      reached += 1;
      response.end();
    });
    const port = await listen(createServer(), (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${canary}/` }).end();
    });
    const url = `http://127.0.0.1:${port}/`;
    expect(await open().send({ method: 'GET', url, signal: never })).toMatchObject({ status: 302 });
    expect(reached).toBe(0);
  });

  it('asks nothing in the clear, wherever an authority sends it (SSRF)', async () => {
    let reached = 0;
    const port = await listen(createServer(), (_request, response) => {
      reached += 1;
      response.end();
    });
    const strict = open({ allowPlainLoopback: false });
    for (const url of [`http://127.0.0.1:${port}/`, 'file:///etc/passwd', 'data:,x', 'nonsense', '']) {
      await expect(strict.send({ method: 'GET', url, signal: never })).rejects.toMatchObject({
        code: 'E_ACME_UNREACHABLE',
      });
    }
    const lax = open();
    const foreign = `http://localhost.example.com:${port}/`;
    await expect(lax.send({ method: 'GET', url: foreign, signal: never })).rejects.toThrow('not an https://');
    expect(reached).toBe(0);
    await lax.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, signal: never });
    expect(reached, 'control: it is there').toBe(1);
  });

  it('reads no more than 1 MiB (memory)', async () => {
    let sent = 0;
    const port = await listen(createServer(), (_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', write).on('error', () => undefined);
      write();
    });
    const url = `http://127.0.0.1:${port}/`;
    await expect(open().send({ method: 'GET', url, signal: never })).rejects.toThrow('larger than 1 MiB');
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  it('waits 30 s for an answer, for the last byte of it as well', async () => {
    for (const begin of [false, true]) {
      const clock = new ManualClock();
      let asked = false;
      const port = await listen(createServer(), (_request, response) => {
        asked = true;
        if (begin) response.write('begun');
      });
      const url = `http://127.0.0.1:${port}/`;
      const outcome = open({ clock }).send({ method: 'GET', url, signal: never }).catch(String);
      await until(() => asked);
      clock.advance(30_000);
      expect(await outcome).toContain('no answer within 30 s');
      expect(clock.pending).toBe(0);
    }
  });

  it('stops as soon as nobody wants the answer', async () => {
    let gone = false;
    const port = await listen(createServer(), (request) => {
      request.socket.once('close', () => {
        gone = true;
      });
      controller.abort(new Error('not any more'));
    });
    const controller = new AbortController();
    const attempt = open().send({
      method: 'GET',
      url: `http://127.0.0.1:${port}/`,
      signal: controller.signal,
    });
    await expect(attempt).rejects.toThrow('not any more');
    await until(() => gone);
    expect(gone).toBe(true);
  });

  it('names the host and the reason when nobody is there', async () => {
    const attempt = open().send({ method: 'GET', url: 'http://127.0.0.1:1/', signal: never });
    await expect(attempt).rejects.toThrow('cannot reach `127.0.0.1:1`: ECONNREFUSED');
  });
});
