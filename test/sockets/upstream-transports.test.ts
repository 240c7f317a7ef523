import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, stable, startRig, streamed } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { answerJson, eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import { oneServer } from '../support/routes.ts';

const mebibyte = 1024 * 1024;

describe('an upstream over TLS', async () => {
  const authority = await createTestCertificate({ names: ['Test Root'], ca: true });
  const trusted = await createTestCertificate({ names: ['localhost', '127.0.0.1'], issuer: authority });
  const system = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...system, authority.cert]));
  afterAll(() => setDefaultCACertificates(system));

  it.each(['localhost', '127.0.0.1'])('as %s is called, kept and streamed from', async (host) => {
    const upstream = await startScriptedUpstream(answerJson('{}'), { tls: trusted });
    const route = buildRoute(upstream.port, { secure: true, host });
    await using rig = await startRig({ changes: { routes: [route] } });
    const call = buildCall({ size: 2 * mebibyte });
    for (let count = 1; count <= 3; count++) {
      expect((await rig.ask(buildPost(call))).status).toBe(200);
      expect(upstream.requests[count - 1]?.body).toBe(call);
    }
    expect(upstream.requests[0]?.head).toContain(`\r\nhost: ${host}:${upstream.port}\r\n`);
    expect(upstream.connections).toBe(1);
    await upstream.stop();
  });

  it('streams events one by one, and learns at once that the client has gone', async () => {
    const upstream = await startScriptedUpstream(undefined, { tls: trusted });
    await using rig = await startRig({ changes: { routes: [buildRoute(upstream.port, { secure: true })] } });
    const client = await rig.connect();
    client.send(buildGet());
    const { socket } = await upstream.next();
    socket.write(eventStreamHead);
    for (const number of [1, 2, 3]) {
      socket.write(toChunk(`data: ${number}\n\n`));
      await streamed(client, (body) => body.endsWith(`${number}\n\n`));
    }
    client.socket.destroy();
    const left = performance.now();
    await eventually(() => upstream.openSockets, 0);
    expect(performance.now() - left).toBeLessThan(100);
    await upstream.stop();
  });

  it('stops reading from it when the client stops reading', async () => {
    const upstream = await startScriptedUpstream(undefined, { tls: trusted });
    await using rig = await startRig({ changes: { routes: [buildRoute(upstream.port, { secure: true })] } });
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet());
    const { socket } = await upstream.next();
    const total = 64 * mebibyte;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    for (let sent = 0; sent < total; sent += mebibyte) socket.write(Buffer.alloc(mebibyte));
    const waiting = await stable(() => socket.writableLength);
    expect(total - waiting).toBeLessThan(16 * mebibyte);
    client.socket.resume();
    await client.until((text) => text.length > total);
    await upstream.stop();
  });

  const strangers: [string, TestCertificate, string][] = [
    ['a certificate of an authority nobody knows', await createTestCertificate(), '127.0.0.1'],
    [
      'a certificate for another name',
      await createTestCertificate({ names: ['example.com'], issuer: authority }),
      'localhost',
    ],
    [
      'an expired certificate',
      await createTestCertificate({ issuer: authority, notBefore: Date.now() - 40 * 86_400_000, days: 30 }),
      '127.0.0.1',
    ],
  ];
  it.each(strangers)(
    'upstream-impostor: %s gets not one byte of the request',
    async (_name, certificate, host) => {
      const upstream = await startScriptedUpstream(answerJson('{}'), { tls: certificate });
      await using rig = await startRig({
        changes: { routes: [buildRoute(upstream.port, { secure: true, host })] },
      });
      const answer = await rig.ask(buildPost(buildCall(), { fields: 'Authorization: Bearer secret\r\n' }));
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.body)).toMatchObject({
        error: { data: { reason: 'E_UPSTREAM_UNREACHABLE' } },
      });
      expect(upstream.bytes).toBe('');
      await upstream.stop();
    },
  );

  it('that fails before the handshake is done is tried again, and gets the request once', async () => {
    let connections = 0;
    let requests = 0;
    const secure = createTlsServer(trusted, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        requests++;
        socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
      });
    });
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (++connections === 1) socket.destroy();
      else secure.emit('connection', socket);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // It listens on TCP.
    await using rig = await startRig({ changes: { routes: [buildRoute(port, { secure: true })] } });
    expect((await rig.ask(buildPost(buildCall()))).status).toBe(200);
    expect({ connections, requests }).toEqual({ connections: 2, requests: 1 });
    await new Promise((resolve) => void server.close(resolve));
  });
});

describe('an upstream on a Unix socket', () => {
  it('is called as localhost, kept and streamed from', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'breakwater-'));
    const socketPath = join(folder, 'mcp.sock');
    const upstream = await startScriptedUpstream(answerJson('{}'), { socketPath });
    const route = {
      host: undefined,
      path: '/mcp',
      auth: { kind: 'none' },
      rules: undefined,
      credentials: { kind: 'none' },
      ...oneServer({ kind: 'unix', socketPath, path: '/x' }),
    } as const;
    await using rig = await startRig({ changes: { routes: [route] } });
    const call = buildCall({ size: 2 * mebibyte });
    for (let count = 1; count <= 3; count++) expect((await rig.ask(buildPost(call))).status).toBe(200);
    expect(upstream.requests[0]?.head).toContain('POST /x HTTP/1.1\r\nhost: localhost\r\n');
    expect(upstream.requests[2]?.body).toBe(call);
    expect(upstream.connections).toBe(1);
    await upstream.stop();
    const answer = await rig.ask(buildPost(call));
    expect(answer.status).toBe(502);
    expect(answer.body).not.toContain(folder);
    await rm(folder, { recursive: true });
  });
});
