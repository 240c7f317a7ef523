import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createPostForm, type FormAnswer, type PostForm } from '../../../src/auth/outbound/post-form.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const certificate = await createTestCertificate({ names: ['localhost'] });
const clock = new ManualClock();
const servers: ReturnType<typeof createPlainServer>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer({ cert: certificate.cert, key: certificate.key }, handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The server listens on TCP, so its address is not the path of a Unix socket.
  return `https://localhost:${(server.address() as AddressInfo).port}/token`;
}

function send(
  url: string,
  post: PostForm = createPostForm({ clock, roots: certificate.cert }),
): Promise<FormAnswer> {
  return post({ url, body: 'a=b&c=d', authorization: 'Basic eDp5' });
}

it('sends a form and returns the answer, whatever its status', async () => {
  const url = await serve((request, response) => {
    const { authorization, accept, 'content-type': type } = request.headers;
    request.setEncoding('utf8').once('data', (body: string) => {
      response
        .writeHead(400)
        .end(JSON.stringify([request.method, request.url, authorization, accept, type, body]));
    });
  });
  const { status, body } = await send(url.replace('https', 'HTTPS'));
  expect(status).toBe(400);
  expect(JSON.parse(body)).toEqual([
    'POST',
    '/token',
    'Basic eDp5',
    'application/json',
    'application/x-www-form-urlencoded',
    'a=b&c=d',
  ]);
  expect(clock.pending).toBe(0);
});

it('speaks plain HTTP within the machine, and never beyond it', async () => {
  const server = createPlainServer((_request, response) => response.end('plain'));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // As above.
  expect(await send(`http://127.0.0.1:${port}/token`)).toEqual({ status: 200, body: 'plain' });
  for (const host of ['0.0.0.0', '127.999.9.9', '127.0.0.1.example.com', '[::ffff:127.0.0.1]'])
    await expect(send(`http://${host}:${port}/token`)).rejects.toThrow(/only sent over TLS/);
});

it('token-leak: does not follow a redirect', async () => {
  let visits = 0;
  const target = await serve((_request, response) => {
    visits++;
    response.end();
  });
  const url = await serve((_request, response) => response.writeHead(307, { location: target }).end());
  expect((await send(url)).status).toBe(307);
  expect(visits).toBe(0);
});

it('token-leak: gives nothing to a server whose certificate is not trusted', async () => {
  let requests = 0;
  const url = await serve(() => requests++);
  await expect(send(url, createPostForm({ clock }))).rejects.toThrow(/certificate|self.signed/i);
  expect(requests).toBe(0);
});

it('gives up after five seconds, before the answer and within it', async () => {
  const handlers: Handler[] = [() => undefined, (_request, response) => void response.write('{')];
  for (const handler of handlers) {
    const asked = Promise.withResolvers<undefined>();
    const url = await serve((request, response) => {
      handler(request, response);
      asked.resolve(undefined);
    });
    const sent = send(url);
    await asked.promise;
    clock.advance(5000);
    await expect(sent).rejects.toThrow(/within 5 s|aborted/);
    expect(clock.pending).toBe(0);
  }
});

it('takes no endless answer', async () => {
  const url = await serve((_request, response) => response.end('x'.repeat(65_537)));
  await expect(send(url)).rejects.toThrow(/larger than 64 KiB/);
});
