import type { IncomingMessage, ServerResponse } from 'node:http';
import { setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { createProviderFetch } from '../../../src/auth/fetch/provider-fetch.ts';
import { createTestCertificate, type TestCertificate } from '../../support/certificates.ts';
import { sendJson, startDocumentServer, type DocumentServer } from './document-server.ts';

let certificate: TestCertificate;
beforeAll(async () => {
  certificate = await createTestCertificate({ names: ['localhost'] });
  setDefaultCACertificates([certificate.cert]);
});

const servers: DocumentServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ readonly url: string; readonly server: DocumentServer }> {
  const server = await startDocumentServer({ certificate, answer });
  servers.push(server);
  return { url: `https://localhost:${server.port}/token?a=1`, server };
}

const ask = createProviderFetch({ version: '1.2.3' });

it('sends a form, and returns the answer whatever its status', async () => {
  const { url, server } = await start((response) => {
    response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': ['Basic', 'Bearer'] });
    response.end('{"error":"invalid_client"}');
  });
  const body = new URLSearchParams({ client_secret: 'x y' });
  const answer = await ask(url, { method: 'POST', headers: { Accept: 'application/json' }, body });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Basic, Bearer');
  expect(await answer.json()).toEqual({ error: 'invalid_client' });
  expect(server.seen).toMatchObject([
    {
      method: 'POST',
      url: '/token?a=1',
      body: 'client_secret=x+y',
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-length': '17',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        'user-agent': 'breakwater/1.2.3',
      },
    },
  ]);
});

it('asks for documents, and takes answers without a body', async () => {
  const { url, server } = await start((response) => response.writeHead(204).end());
  const answer = await ask(url, { headers: { 'User-Agent': 'of a library' } });
  expect([answer.status, await answer.text()]).toEqual([204, '']);
  expect(server.seen[0]?.headers).toMatchObject({ 'user-agent': 'of a library' });
  expect(server.seen[0]?.headers['content-length']).toBeUndefined();
});

it('token-leak: does not follow a redirect', async () => {
  const target = await start((response) => sendJson(response, {}));
  const { url } = await start((response) => response.writeHead(307, { location: target.url }).end());
  expect((await ask(url, { method: 'POST', body: 'secret', redirect: 'manual' })).status).toBe(307);
  expect(target.server.seen).toEqual([]);
});

it('token-leak: sends nothing in the clear', async () => {
  await expect(ask('http://localhost:1/', { method: 'POST', body: 'secret' })).rejects.toThrow('over TLS');
});

it('endless-body: takes 1 MiB', async () => {
  const { url } = await start((response) => response.end('x'.repeat(1_048_577)));
  await expect(ask(url, {})).rejects.toMatchObject({ cause: { message: 'the answer is larger than 1 MiB' } });
});

it('ends with its signal, before the answer and within it', async () => {
  const answers = [() => undefined, (response: ServerResponse) => void response.write('{')];
  for (const begin of answers) {
    const controller = new AbortController();
    const { url } = await start((response) => {
      begin(response);
      controller.abort(new Error('too late'));
    });
    await expect(ask(url, { signal: controller.signal })).rejects.toThrow('too late');
    await expect(ask(url, { signal: controller.signal })).rejects.toThrow('too late');
  }
});

it('names the host when nobody is there', async () => {
  const asked = ask('https://localhost:1/', {});
  await expect(asked).rejects.toThrow(TypeError);
  await expect(asked).rejects.toMatchObject({
    message: 'no answer from `localhost:1`',
    cause: { code: 'ECONNREFUSED' },
  });
});
