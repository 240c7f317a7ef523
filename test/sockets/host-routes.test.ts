import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { readFinalAnswers } from '../support/answers.ts';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, streamed, type Rig, type RigOptions } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type Answer,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const domains = ['a.test', 'b.test', '*.wild.test'];
const { auth, alice } = buildTwoCallers();
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });

/** Answers with its own name and the session that every server here gives. */
function saying(name: string): Answer {
  return ({ socket }) =>
    socket.write(
      `HTTP/1.1 200 OK\r\nMcp-Session-Id: same\r\nContent-Type: application/json\r\nContent-Length: ${name.length}\r\n\r\n${name}`,
    );
}

let servers: Readonly<Record<'a' | 'b' | 'wild' | 'any', ScriptedUpstream>>;
let issuer: TokenIssuer;
beforeAll(async () => {
  servers = {
    a: await startScriptedUpstream(saying('server a')),
    b: await startScriptedUpstream(saying('server b')),
    wild: await startScriptedUpstream(saying('server wild')),
    any: await startScriptedUpstream(saying('server any')),
  };
  issuer = await startTokenIssuer();
});
afterAll(async () => {
  for (const server of Object.values(servers)) await server.stop();
  await issuer.stop();
});

type Access = Partial<Pick<RouteConfig, 'auth'>>;

function buildRoutes(a: Access = {}, b: Access = {}): readonly RouteConfig[] {
  return [
    buildRoute(servers.a.port, { publicHost: 'a.test', ...a }),
    buildRoute(servers.b.port, { publicHost: 'b.test', ...b }),
    buildRoute(servers.wild.port, { publicHost: '*.wild.test' }),
    buildRoute(servers.any.port),
  ];
}

function start(routes = buildRoutes(), changes: RigOptions['changes'] = {}): Promise<Rig> {
  return startRig({ changes: { domains, routes, ...changes } });
}

/** A request for another host than `localhost`. */
function to(host: string, request: string): string {
  return request.replace('Host: localhost', `Host: ${host}`);
}

function post(host: string, fields = '', body = buildCall()): string {
  return to(host, buildPost(body, { fields }));
}

describe('one path of several hosts', () => {
  it.each([
    ['a.test', 'server a'],
    ['A.Test', 'server a'],
    ['a.test:443', 'server a'],
    ['a.test:8443', 'server a'],
    ['b.test', 'server b'],
    ['x.wild.test', 'server wild'],
    ['localhost', 'server any'],
    ['127.0.0.1:8443', 'server any'],
  ])('%s leads to %s over both protocols', async (host, body) => {
    await using rig = await start();
    expect(await rig.ask(post(host))).toMatchObject({ status: 200, body });
    using client = await connectH2(rig.gateway);
    const exchange = client.post(buildCall(), { ':authority': host });
    expect(await exchange.until((text) => text.length >= body.length)).toBe(body);
  });

  it.each([
    'a.test.',
    'a.test.evil.example',
    'evil-a.test',
    'www.a.test',
    'wild.test',
    'x.y.wild.test',
    '*.wild.test',
    'xn--a-.test',
    'a%2etest',
  ])('host-spelling: %s is no host of a route, and nothing is forwarded', async (host) => {
    await using rig = await start();
    const before = rig.gateway.gateway.load.upstreamConnections;
    expect([400, 421]).toContain((await rig.ask(post(host))).status);
    using client = await connectH2(rig.gateway);
    const { head } = client.post(buildCall(), { ':authority': host });
    expect([400, 421]).toContain((await head)[':status']);
    expect(rig.gateway.gateway.load.upstreamConnections).toBe(before);
  });

  it('host-spelling: no other form of the target, and no forwarded field, chooses another host', async () => {
    await using rig = await start();
    const absolute = post('a.test').replace('POST /mcp', 'POST https://b.test/mcp');
    expect((await rig.ask(absolute)).status).toBe(400);
    expect((await rig.ask(post('a.test', 'Host: b.test\r\n'))).status).toBe(400);
    const forged = 'X-Forwarded-Host: b.test\r\nForwarded: host=b.test\r\nX-Original-Host: b.test\r\n';
    expect((await rig.ask(post('a.test', forged))).body).toBe('server a');
    using client = await connectH2(rig.gateway);
    const both = client.post(buildCall(), { ':authority': 'a.test', host: 'b.test' });
    expect((await both.head)[':status']).toBe(400);
  });

  it('leaves to nobody what no route has at the host', async () => {
    await using rig = await start([buildRoute(servers.a.port, { publicHost: 'a.test' })]);
    expect((await rig.ask(post('a.test'))).body).toBe('server a');
    for (const host of ['b.test', 'localhost', 'evil.example'])
      expect(await rig.ask(post(host))).toMatchObject({ status: 404 });
  });

  it('is written with its host in records', async () => {
    await using rig = await start();
    for (const host of ['a.test', 'a.test', 'localhost']) await rig.ask(post(host));
    expect(rig.gateway.lines.map((line) => line['route'])).toEqual(['a.test/mcp', 'a.test/mcp', '/mcp']);
  });
});

describe('a connection that serves several hosts', () => {
  const order = [
    'a.test',
    'a.test',
    'a.test',
    'b.test',
    'b.test',
    'b.test',
    'localhost',
    'localhost',
    'a.test',
  ];
  const wanted = order.map((host) => `server ${host === 'localhost' ? 'any' : host.charAt(0)}`);

  it('head-memo: a head that comes again takes no route over to another host, on HTTP/1.1', async () => {
    await using rig = await start();
    const client = await rig.connect();
    const bodies: string[] = [];
    for (const host of order) {
      client.clear();
      client.send(post(host));
      bodies.push((await receive(client)).body);
    }
    expect(bodies).toEqual(wanted);
    expect(rig.gateway.lines.map((line) => line['route'])).toEqual(
      order.map((host) => (host === 'localhost' ? '/mcp' : `${host}/mcp`)),
    );
  });

  it('head-memo: nor on HTTP/2, whose connections carry several authorities', async () => {
    await using rig = await start();
    using client = await connectH2(rig.gateway);
    const bodies: string[] = [];
    for (const host of order)
      bodies.push(await client.post(buildCall(), { ':authority': host }).until((text) => text.length >= 8));
    expect(bodies.map((body) => body.slice(0, 10).trim())).toEqual(wanted);
  });

  it('sni-mismatch: the Host decides, and never the name of the handshake', async () => {
    const one = buildTwoCallers();
    await using rig = await start(buildRoutes({ auth: one.auth }, { auth }));
    const client = await rig.connect({ servername: 'a.test' });
    for (const [host, fields, status] of [
      ['a.test', one.alice, 200],
      ['b.test', one.alice, 401],
      ['b.test', alice, 200],
      ['a.test', alice, 401],
    ] as const) {
      client.clear();
      client.send(post(host, fields));
      expect((await receive(client)).status, `${host} ${status}`).toBe(status);
    }
  });
});

describe('what belongs to one host', () => {
  it('session-hijack: a session of one is none at another, for its owner neither', async () => {
    // The same server, the same callers: the host alone is another.
    const routes = ['a.test', 'b.test'].map((publicHost) => buildRoute(servers.a.port, { publicHost, auth }));
    await using rig = await start([...routes, buildRoute(servers.a.port, { auth })]);
    const begun = await rig.ask(post('a.test', alice, initialize));
    const session = begun.field('mcp-session-id') ?? '';
    expect(session).toMatch(/^[\w-]{50,}$/);
    const fields = `${alice}Mcp-Session-Id: ${session}\r\n`;
    for (const [host, status] of [
      ['a.test', 200],
      ['a.test:8443', 200],
      ['b.test', 404],
      ['localhost', 404],
    ] as const)
      for (const request of [post(host, fields), to(host, buildGet({ fields }))])
        expect((await rig.ask(request)).status, host).toBe(status);
  });

  it('session-hijack: nor by what a kept connection had opened for the other host', async () => {
    const routes = ['a.test', 'b.test'].map((publicHost) => buildRoute(servers.a.port, { publicHost, auth }));
    await using rig = await start(routes);
    const begun = await rig.ask(post('a.test', alice, initialize));
    const fields = `${alice}Mcp-Session-Id: ${begun.field('mcp-session-id')}\r\n`;
    const client = await rig.connect();
    for (const [host, status] of [
      ['a.test', 200],
      ['a.test', 200],
      ['a.test', 200],
      ['b.test', 404],
      ['b.test', 404],
      ['a.test', 200],
    ] as const) {
      client.clear();
      client.send(post(host, fields));
      expect((await receive(client)).status, host).toBe(status);
    }
  });

  it('audience-confusion: a token for one is none at another, and each leads to its own metadata', async () => {
    const changes = { publicUrl: 'https://other.test' };
    await using rig = await start(buildRoutes({ auth: issuer.auth() }, { auth: issuer.auth() }), changes);
    const token = await issuer.issue({ aud: 'https://a.test/mcp' });
    const bearer = `Authorization: Bearer ${token}\r\n`;
    const client = await rig.connect();
    for (const [host, status] of [
      ['a.test', 200],
      ['a.test', 200],
      ['a.test', 200],
      ['b.test', 401],
      ['a.test', 200],
    ] as const) {
      client.clear();
      client.send(post(host, bearer));
      const answer = await receive(client);
      expect(answer.status, host).toBe(status);
      if (status === 401)
        expect(answer.field('www-authenticate')).toContain(
          'resource_metadata="https://b.test/.well-known/oauth-protected-resource/mcp"',
        );
    }
    for (const host of ['a.test', 'b.test'])
      for (const path of ['/mcp', '']) {
        const well = `GET /.well-known/oauth-protected-resource${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
        expect(JSON.parse((await rig.ask(well)).body)).toMatchObject({ resource: `https://${host}/mcp` });
      }
  });

  it('mixed-up-resource: metadata of one answer at no other', async () => {
    const changes = { publicUrl: 'https://other.test' };
    await using rig = await start(buildRoutes({ auth: issuer.auth() }, { auth }), changes);
    const ask = (host: string): ReturnType<Rig['ask']> =>
      rig.ask(`GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect((await ask('a.test')).status).toBe(200);
    for (const host of ['b.test', 'localhost', 'x.wild.test']) expect((await ask(host)).status).toBe(404);
  });

  it('limits are counted for each', async () => {
    const rate = { per: 'route', requests: 2, within: 60_000, routes: [], tools: [] } as const;
    await using rig = await start(buildRoutes(), { limits: { rates: [rate] } });
    for (const [host, status] of [
      ['a.test', 200],
      ['a.test', 200],
      ['a.test', 429],
      ['b.test', 200],
      ['localhost', 200],
    ] as const)
      expect((await rig.ask(post(host))).status, host).toBe(status);
  });

  it('limits name one of them', async () => {
    const rate = { per: 'address', requests: 1, within: 60_000, routes: ['a.test/mcp'], tools: [] } as const;
    await using rig = await start(buildRoutes(), { limits: { rates: [rate] } });
    for (const [host, status] of [
      ['b.test', 200],
      ['localhost', 200],
      ['a.test', 200],
      ['a.test', 429],
      ['b.test', 200],
    ] as const)
      expect((await rig.ask(post(host))).status, host).toBe(status);
  });

  it('a page of one is a stranger at another', async () => {
    await using rig = await start();
    const origin = 'Origin: https://a.test\r\n';
    expect((await rig.ask(post('a.test', origin))).status).toBe(200);
    expect((await rig.ask(post('b.test', origin))).status).toBe(403);
  });

  it('message endpoints are announced for each', async () => {
    const announcing: Answer = ({ head, socket }) => {
      if (head.startsWith('POST')) socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
      else socket.write(`${eventStreamHead}${toChunk('event: endpoint\ndata: /messages/?s=1\n\n')}`);
    };
    const server = await startScriptedUpstream(announcing);
    const place = { path: '/sse', upstreamPath: '/sse' };
    const routes = ['a.test', 'b.test'].map((publicHost) =>
      buildRoute(server.port, { publicHost, ...place }),
    );
    await using rig = await start(routes);
    const client = await rig.connect();
    client.send(to('a.test', buildGet({ path: '/sse' })));
    await streamed(client, (text) => text.includes('\n\n'));
    const message = buildPost(buildCall(), { path: '/messages/?s=1' });
    expect((await rig.ask(to('b.test', message))).status).toBe(404);
    expect((await rig.ask(to('localhost', message))).status).toBe(404);
    expect((await rig.ask(to('a.test', message))).status).toBe(202);
    await server.stop();
  });
});

describe('another proxy that asks', () => {
  it('asks about the route of the host that it names', async () => {
    const one = buildTwoCallers();
    await using rig = await start(buildRoutes({ auth: one.auth }, { auth }), {
      authz: { host: '127.0.0.1', port: 0 },
    });
    const address = rig.gateway.gateway.authzAddress;
    if (address === undefined) throw new Error('the loopback listener is off');
    const ask = async (fields: string): Promise<number | undefined> => {
      const socket = connect({ host: '127.0.0.1', port: address.port });
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString('latin1')));
      socket.write(`GET /authz HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n`);
      await expect.poll(() => readFinalAnswers(text)[0]?.complete, { interval: 2 }).toBe(true);
      socket.destroy();
      return readFinalAnswers(text)[0]?.status;
    };
    const question = (host: string): string =>
      `X-Forwarded-Host: ${host}\r\nX-Original-Method: POST\r\nX-Original-URI: /mcp\r\n`;
    expect(await ask(`${question('a.test')}${one.alice}`)).toBe(200);
    expect(await ask(`${question('B.test')}${alice}`)).toBe(200);
    expect(await ask(`${question('b.test')}${one.alice}`)).toBe(401);
    expect(await ask(`${question('a.test')}${alice}`)).toBe(401);
    expect(await ask(`${question('a.test')}X-Forwarded-Host: b.test\r\n${alice}`)).toBe(403);
  });
});

describe('a configuration that gives a host a route of its own', () => {
  it('holds for connections that are open, and asks their streams again', async () => {
    const streaming: Answer = ({ socket }) => socket.write(`${eventStreamHead}${toChunk('data: 1\n\n')}`);
    await using rig = await startRig({ answer: streaming, changes: { domains } });
    const [stranger, caller] = [await rig.connect(), await rig.connect()];
    stranger.send(to('a.test', buildGet()));
    caller.send(to('b.test', buildGet()));
    for (const client of [stranger, caller]) await streamed(client, (text) => text.includes('data: 1'));
    await rig.gateway.reload(
      [buildRoute(servers.a.port, { publicHost: 'a.test', auth }), buildRoute(rig.upstream.port)],
      { domains },
    );
    await stranger.closed();
    expect((await rig.ask(post('a.test'))).status).toBe(401);
    expect((await rig.ask(post('a.test', alice))).body).toBe('server a');
    // The control: nothing has changed for the other.
    expect(caller.socket.destroyed).toBe(false);
    expect(rig.gateway.gateway.load.exchanges).toBe(1);
  });
});
