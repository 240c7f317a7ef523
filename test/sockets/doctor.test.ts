import { once } from 'node:events';
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { gatherTcp } from '../../src/doctor/probe/tcp.ts';
import { parseTarget } from '../../src/doctor/target.ts';
import { askDoctor, listIds, type AskDoctorOptions } from '../support/doctor.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startScriptedUpstream } from '../support/scripted-upstream.ts';

const open: (Server & { readonly sockets?: Set<Socket> })[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of open.splice(0)) server.close();
});

/** Listens on a free port until the end of the test. */
async function listen(server: Server): Promise<number> {
  open.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const plain = (handle: RequestListener): Promise<number> => listen(createPlain(handle));
const quick: AskDoctorOptions = { deadline: 400, budget: 1000 };
const ask = (port: number, options: AskDoctorOptions = {}): ReturnType<typeof askDoctor> =>
  askDoctor(`http://127.0.0.1:${port}/mcp`, { ...quick, ...options });

describe('an endpoint that is dead, slow or hostile', () => {
  it('dead: nobody listens', async () => {
    const server = createPlain();
    const port = await listen(server);
    open.splice(0);
    server.close();
    await once(server, 'close');
    const report = await ask(port);
    expect(listIds(report)).toContain('tcp-unreachable');
    expect(report.results.find(({ id }) => id === 'http-no-answer')?.seen).toContain(
      'not tested because of tcp-unreachable',
    );
  });

  it('silent: accepts and says nothing', async () => {
    const report = await ask(await listen(createTcp()));
    expect(listIds(report)).toContain('http-no-answer');
    expect(report.results.find(({ id }) => id === 'http-no-answer')?.seen).toContain('nothing came in time');
  });

  it('endless body: more than a megabyte is not read', async () => {
    const port = await plain((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const fill = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', fill);
      };
      fill();
    });
    const report = await ask(port);
    expect(listIds(report)).toContain('http-endless-answer');
  });

  it('drip: a body that never ends', async () => {
    const port = await plain((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    const report = await ask(port);
    expect(report.results.find(({ id }) => id === 'http-no-answer')?.seen).toContain('did not end in time');
  });

  it('a head of 10 MB', async () => {
    const port = await listen(
      createTcp((socket) => {
        socket.once('data', () =>
          socket.write(`HTTP/1.1 200 OK\r\nX-Fill: ${'x'.repeat(10_000_000)}\r\n\r\n`),
        );
      }),
    );
    const report = await ask(port);
    expect(report.results.find(({ id }) => id === 'http-no-answer')?.seen).toContain('over 64 KiB');
  });

  it('redirect loop: nothing is followed', async () => {
    let asked = 0;
    const port = await plain((request, response) => {
      request.resume();
      if (request.url === '/mcp') asked++;
      response.writeHead(307, { Location: '/mcp' }).end();
    });
    const report = await ask(port);
    expect(listIds(report)).toContain('http-redirected');
    expect(asked).toBeLessThan(100);
  });

  it('what is not HTTP', async () => {
    const report = await ask(
      await listen(createTcp((socket) => socket.end('220 mail.example.com ESMTP\r\n'))),
    );
    expect(report.results.find(({ id }) => id === 'http-no-answer')?.seen).toMatch(
      /not HTTP|ended before|reset/,
    );
  });

  it('TLS garbage', async () => {
    const port = await listen(createTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const report = await askDoctor(`https://127.0.0.1:${port}/mcp`, quick);
    expect(listIds(report)).toContain('tls-none');
    expect(report.facts.tls).toMatchObject({ done: true, facts: { usual: { outcome: 'garbage' } } });
  });

  it('TLS that is never answered', async () => {
    const report = await askDoctor(`https://127.0.0.1:${await listen(createTcp())}/mcp`, quick);
    expect(report.facts.tls).toMatchObject({ done: true, facts: { usual: { outcome: 'timeout' } } });
  });
});

describe('certificates and protocols', () => {
  const secure = async (options: TlsOptions): Promise<number> =>
    listen(createSecure(options, (_request, response) => response.writeHead(404).end()));

  it.each([
    ['tls-self-signed', {}],
    ['tls-expired', { notBefore: Date.now() - 60 * 86_400_000, days: 30 }],
    ['tls-not-yet-valid', { notBefore: Date.now() + 86_400_000 }],
    ['tls-wrong-name', { names: ['other.example.com'] }],
    ['tls-weak-key', { keyType: 'rsa-1024' }],
  ] as const)('%s', async (id, options) => {
    const certificate = await createTestCertificate(options);
    const port = await secure({ ...certificate, ciphers: 'DEFAULT:@SECLEVEL=0' });
    const trusted = id === 'tls-self-signed' ? {} : { ca: certificate.cert };
    const report = await askDoctor(`https://localhost:${port}/mcp`, { ...quick, ...trusted });
    expect(listIds(report)).toContain(id);
  });

  it('tls-incomplete-chain: the intermediate is not sent', async () => {
    const root = await createTestCertificate({ ca: true, names: ['Root'] });
    const middle = await createTestCertificate({ ca: true, names: ['Middle'], issuer: root });
    const leaf = await createTestCertificate({ issuer: middle });
    const alone = await askDoctor(`https://localhost:${await secure(leaf)}/mcp`, { ...quick, ca: root.cert });
    expect(listIds(alone)).toContain('tls-incomplete-chain');
    // Control: with the intermediate nothing is wrong with the chain.
    const whole = { key: leaf.key, cert: leaf.cert + middle.cert };
    const complete = await askDoctor(`https://localhost:${await secure(whole)}/mcp`, {
      ...quick,
      ca: root.cert,
    });
    expect(listIds(complete).filter((id) => /chain|trust/.test(id))).toEqual([]);
  });

  it('tls-old-protocol and tls-weak-cipher', async () => {
    const certificate = await createTestCertificate({ keyType: 'rsa' });
    const port = await secure({ ...certificate, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' });
    const ids = listIds(await askDoctor(`https://localhost:${port}/mcp`, { ...quick, ca: certificate.cert }));
    expect(ids).toContain('tls-old-protocol');
    expect(ids).toContain('tls-weak-cipher');
  });

  it('tls-no-current-protocol', async () => {
    const certificate = await createTestCertificate({ keyType: 'rsa' });
    const port = await listen(
      createTls({ ...certificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    );
    expect(listIds(await askDoctor(`https://localhost:${port}/mcp`, quick))).toContain(
      'tls-no-current-protocol',
    );
  });
});

describe('the credential', () => {
  const credential = { Authorization: 'Bearer secret-token-of-the-user' };

  it('token-leak: goes to no one who has not proved to be the target', async () => {
    const certificate = await createTestCertificate();
    const heard: string[] = [];
    const handle: RequestListener = (request, response) => {
      heard.push(JSON.stringify(request.rawHeaders));
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end();
    };
    const port = await listen(createSecure(certificate, handle));
    const url = `https://localhost:${port}/mcp`;
    const report = await askDoctor(url, { ...quick, credential });
    expect(heard.length).toBeGreaterThan(10);
    expect(heard.filter((fields) => fields.includes('secret-token'))).toEqual([]);
    expect(report.facts.asked.token).toBe('withheld');
    // Control: once the certificate is believed it does go along.
    const believed = await askDoctor(url, { ...quick, credential, ca: certificate.cert });
    expect(heard.some((fields) => fields.includes('secret-token'))).toBe(true);
    expect(believed.facts.asked.token).toBe('sent');
  });

  it('token-leak: stands in no facts, however often the endpoint repeats it', async () => {
    const port = await plain((request, response) => {
      request.resume();
      const token = request.headers.authorization ?? '';
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Set-Cookie': 'sid=secret-cookie-value; Path=/',
        'Mcp-Session-Id': 'secret-session-identifier',
      });
      response.end(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          result: {
            protocolVersion: '2025-11-25',
            capabilities: {},
            token,
            serverInfo: { name: token, version: '1' },
          },
        }),
      );
    });
    const report = await ask(port, { credential });
    expect(report.facts.asked.token).toBe('sent');
    const text = JSON.stringify(report);
    for (const secret of ['secret-token-of-the-user', 'secret-cookie-value', 'secret-session-identifier']) {
      expect(text.includes(secret), secret).toBe(false);
    }
  });
});

describe('the query of the address', () => {
  it('token-leak: is asked for and stands in no report, under whatever name and however often it is repeated', async () => {
    const heard: string[] = [];
    const port = await plain((request, response) => {
      request.resume();
      heard.push(request.url ?? '');
      response
        .writeHead(307, { Location: `http://elsewhere.example${request.url}` })
        .end(`you asked for ${request.url}`);
    });
    const report = await askDoctor(
      `http://127.0.0.1:${port}/mcp?tenant=unnamed-value-1&unnamed-value-2`,
      quick,
    );
    expect(heard).toContain('/mcp?tenant=unnamed-value-1&unnamed-value-2');
    expect(JSON.stringify(report)).not.toMatch(/unnamed-value/);
    expect(report.facts.target).toMatchObject({ url: `http://127.0.0.1:${port}/mcp?…`, path: '/mcp?…' });
  });
});

describe('what a session leaves behind', () => {
  it.each([
    ['in a glance', {}],
    ['after a quiet stream was watched for longer than all questions may take', { idle: 1500, budget: 1200 }],
  ])('ends every session that it began, %s', async (_name, options) => {
    const alive = new Set<string>();
    let next = 0;
    const port = await plain((request, response) => {
      request.resume();
      const named = request.headers['mcp-session-id'];
      if (request.method === 'DELETE' && typeof named === 'string') alive.delete(named);
      if (request.method === 'GET') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
        return;
      }
      if (request.method !== 'POST' || named !== undefined) {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
        return;
      }
      const id = `session-${String(next++).padStart(20, '0')}`;
      alive.add(id);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': id });
      response.end('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}');
    });
    await ask(port, { deadline: 1500, budget: 20_000, ...options });
    expect(next).toBeGreaterThan(10);
    expect([...alive]).toEqual([]);
  });
});

describe('ports beside the front', () => {
  it('finds a server of MCP that can be reached there, and begins no session at it', async () => {
    const heard: string[] = [];
    const beside = await plain((request, response) => {
      request.on('data', (part: Buffer) => heard.push(part.toString()));
      request.on('end', () => {
        response.writeHead(400, { 'Content-Type': 'application/json', Server: 'uvicorn' });
        response.end('{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Missing session ID"}}');
      });
    });
    const page = await plain((_request, response) => response.end('hello'));
    const front = await listen(createTcp());
    const target = parseTarget(`http://127.0.0.1:${front}/mcp`);
    if (!target.ok) throw new Error(target.error);
    const peer = {
      host: '127.0.0.1',
      roots: undefined,
      userAgent: 'x',
      verified: false,
      secrets: new Set<string>(),
    };
    const { besides } = await gatherTcp({ ...target.value, loopback: false }, ['127.0.0.1'], {
      deadline: 400,
      peer,
      ports: [beside, page],
    });
    expect(besides).toEqual([
      { port: beside, open: true, mcp: true, server: 'uvicorn' },
      { port: page, open: true, mcp: false },
    ]);
    expect(heard.some((text) => text.includes('initialize'))).toBe(false);
  });
});

describe('Breakwater itself', () => {
  it('gets an A with the tools open to this machine alone', async () => {
    const answer =
      '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"x","version":"1"}}}';
    const upstream = await startScriptedUpstream(({ socket, head, body }) => {
      const isCall = head.startsWith('POST') && body.includes('"initialize"') && !body.startsWith('[');
      const text = isCall ? answer : '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}';
      const status = isCall ? '200 OK' : '400 Bad Request';
      socket.write(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    });
    const gateway = await startTestGateway({ upstreamPort: upstream.port });
    const report = await askDoctor(`https://localhost:${gateway.port}/mcp`, { ca: gateway.ca });
    expect(report.front.name).toBe('breakwater');
    expect(
      report.results.filter(
        ({ status, layer }) => status === 'fail' && ['tls', 'http', 'proxy'].includes(layer),
      ),
    ).toEqual([]);
    await gateway.stop();
    await upstream.stop();
  });
});
