import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { eventually, receive, settle, startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');

function fieldsOf(rig: Rig): Record<string, string> {
  const lines = rig.upstream.requests.at(-1)?.head.split('\r\n').slice(1) ?? [];
  return Object.fromEntries(lines.map((line) => line.split(': ', 2)));
}

describe('trusted proxies', () => {
  const changes = { trustedProxies: ['127.0.0.1', '10.0.0.0/8', '2001:db8:ff::/48'] };

  it.each([
    ['203.0.113.7', '203.0.113.7', '203.0.113.7, 127.0.0.1', 'for=203.0.113.7'],
    ['6.6.6.6, 203.0.113.7, 10.1.2.3', '203.0.113.7', '203.0.113.7, 10.1.2.3, 127.0.0.1', 'for=203.0.113.7'],
    ['10.9.9.9,10.1.2.3', '10.9.9.9', '10.9.9.9, 10.1.2.3, 127.0.0.1', 'for=10.9.9.9'],
    [
      '2001:db8::7, 2001:db8:ff::1',
      '2001:db8::7',
      '2001:db8::7, 2001:db8:ff::1, 127.0.0.1',
      'for="[2001:db8::7]"',
    ],
    ['203.0.113.7, unknown, 10.1.2.3', '10.1.2.3', '10.1.2.3, 127.0.0.1', 'for=10.1.2.3'],
    ['203.0.113.7:4711', '127.0.0.1', '127.0.0.1', 'for=127.0.0.1'],
    ['[2001:db8::7]', '127.0.0.1', '127.0.0.1', 'for=127.0.0.1'],
    ['evil"; x', '127.0.0.1', '127.0.0.1', 'for=127.0.0.1'],
    ['', '127.0.0.1', '127.0.0.1', 'for=127.0.0.1'],
    [
      '203.0.113.7\r\nX-Forwarded-For: 10.1.2.3',
      '203.0.113.7',
      '203.0.113.7, 10.1.2.3, 127.0.0.1',
      'for=203.0.113.7',
    ],
  ])('X-Forwarded-For %j is believed up to %s', async (claimed, client, chain, forwarded) => {
    await using rig = await startRig({ answer, changes });
    await rig.ask(
      buildPost(buildCall(), { fields: `X-Forwarded-For: ${claimed}\r\nX-Real-IP: 6.6.6.6\r\n` }),
    );
    const fields = fieldsOf(rig);
    expect(fields['x-forwarded-for']).toBe(chain);
    expect(fields['x-real-ip']).toBe(client);
    expect(fields['forwarded']).toBe(`${forwarded};host=localhost;proto=https`);
    expect(rig.gateway.lines[0]).toMatchObject({ client });
  });

  it('forwarded-spoofing: the same from an address that is not trusted is not believed', async () => {
    await using rig = await startRig({ answer, changes });
    const client = await rig.connect({ localAddress: '127.0.0.2' });
    client.send(buildPost(buildCall(), { fields: 'X-Forwarded-For: 10.1.2.3\r\n' }));
    await receive(client);
    expect(fieldsOf(rig)['x-forwarded-for']).toBe('127.0.0.2');
    expect(rig.gateway.lines[0]).toMatchObject({ client: '127.0.0.2' });
  });
});

const version1 = Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n');
const version2 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
  Buffer.from([203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 1, 187]),
]);
const version2Local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const version2Six = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex'),
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0x12, 0x67, 1, 187]),
]);

interface LoadBalancer extends AsyncDisposable {
  readonly port: number;
}

/** Sends what `open` makes of the first bytes of each client, then relays. */
async function startLoadBalancer(
  target: number,
  open: (gateway: Socket, first: Buffer) => void | Promise<void>,
): Promise<LoadBalancer> {
  const server = createServer((client) => {
    const gateway = connect({ host: '127.0.0.1', port: target, noDelay: true });
    for (const socket of [client, gateway]) socket.on('error', () => socket.destroy());
    gateway.on('close', () => client.destroy());
    client.on('close', () => gateway.destroy());
    gateway.on('data', (bytes) => client.write(bytes));
    client.once('data', (first: Buffer) => {
      client.pause();
      void (async () => {
        await open(gateway, first);
        client.on('data', (bytes) => gateway.write(bytes));
        client.resume();
      })();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())) };
}

describe('PROXY protocol', () => {
  const changes = { proxyProtocol: true, trustedProxies: ['127.0.0.1'] };

  const openings: [string, (gateway: Socket, header: Buffer, first: Buffer) => void | Promise<void>][] = [
    [
      'together with the handshake',
      (gateway, header, first) => void gateway.write(Buffer.concat([header, first])),
    ],
    [
      'byte by byte',
      async (gateway, header, first) => {
        for (const byte of header) {
          gateway.write(Buffer.from([byte]));
          await settle();
        }
        gateway.write(first);
      },
    ],
  ];
  for (const [how, open] of openings) {
    it.each<[string, Buffer, string]>([
      ['version 1', version1, '203.0.113.7'],
      ['version 2', version2, '203.0.113.7'],
      ['version 2 over IPv6', version2Six, '2001:db8:0:0:0:0:0:7'],
      ['version 2 LOCAL', version2Local, '127.0.0.1'],
      ['version 1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ])(`%s ${how} names the client`, async (_version, header, address) => {
      await using rig = await startRig({ answer, changes });
      await using balancer = await startLoadBalancer(rig.gateway.port, (gateway, first) =>
        open(gateway, header, first),
      );
      const client = await connectRaw({ port: balancer.port, ca: rig.gateway.ca });
      client.send(buildPost(buildCall()));
      expect((await receive(client)).status).toBe(200);
      expect(fieldsOf(rig)['x-real-ip']).toBe(address);
      expect(fieldsOf(rig)['x-forwarded-for']).toBe(address);
      expect(rig.gateway.lines[0]).toMatchObject({ client: address });
      client.socket.destroy();
    });
  }

  it.each<[string, Buffer]>([
    ['no header', Buffer.alloc(0)],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a bad address', Buffer.from('PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n')],
    ['a line without an end', Buffer.from(`PROXY ${'x'.repeat(120)}`)],
    ['a length beyond all sense', Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex')],
  ])('%s ends the connection before the handshake', async (_name, header) => {
    await using rig = await startRig({ answer, changes });
    await expect(rig.connect({ preface: header })).rejects.toThrow();
    await rig.idle();
    expect(rig.upstream.connections).toBe(0);
  });

  it('proxy-spoofing: a header from an address that is not trusted ends the connection', async () => {
    await using rig = await startRig({ answer, changes });
    await expect(rig.connect({ preface: version1, localAddress: '127.0.0.2' })).rejects.toThrow();
    await rig.idle();
  });

  it('control: the same header from the trusted address is taken', async () => {
    await using rig = await startRig({ answer, changes });
    const client = await rig.connect({ preface: version1, localAddress: '127.0.0.1' });
    client.send(buildPost(buildCall()));
    expect((await receive(client)).status).toBe(200);
  });

  it('proxy-confusion: one port of the proxy towards two of our addresses is two clients', async () => {
    const listen = { host: '0.0.0.0', port: 0 };
    await using rig = await startRig({ answer, changes: { ...changes, listen } });
    const { port, ca, gateway } = rig.gateway;
    const open = async (host: string, client: string, localPort?: number): Promise<Socket> => {
      const socket = connect({ host, port, localAddress: '127.0.0.1', localPort });
      await once(socket, 'connect');
      socket.write(`PROXY TCP4 ${client} 192.0.2.1 4711 443\r\n`);
      return socket;
    };
    const one = await open('127.0.0.1', '203.0.113.1');
    const other = await open('127.0.0.2', '203.0.113.2', one.localPort);
    // Both headers are read before either handshake ends.
    await eventually(() => gateway.load.connections, 2);
    await settle();
    const clients = await Promise.all([one, other].map((socket) => connectRaw({ port, ca, socket })));
    for (const [at, client] of clients.entries()) {
      client.send(buildPost(buildCall()));
      expect((await receive(client)).status).toBe(200);
      expect(fieldsOf(rig)['x-real-ip']).toBe(`203.0.113.${at + 1}`);
    }
    for (const client of clients) client.socket.destroy();
  });

  it('slow-header: half a header is waited for 10 seconds', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ answer, changes, clock });
    const socket = connect({ host: '127.0.0.1', port: rig.gateway.port });
    const closed = new Promise((resolve) => void socket.on('close', resolve));
    socket.write(version1.subarray(0, 20));
    await expect.poll(() => rig.gateway.gateway.load.connections).toBe(1);
    await settle();
    clock.advance(9500);
    await settle();
    expect(rig.gateway.gateway.load.connections).toBe(1);
    clock.advance(1000);
    await closed;
    await rig.idle();
  });

  it('names the client behind the HTTP fields of a proxy in front of the proxy, too', async () => {
    await using rig = await startRig({
      answer,
      changes: { proxyProtocol: true, trustedProxies: ['127.0.0.1', '203.0.113.7'] },
    });
    const client = await rig.connect({ preface: version1 });
    client.send(buildPost(buildCall(), { fields: 'X-Forwarded-For: 198.51.100.9\r\n' }));
    await receive(client);
    expect(fieldsOf(rig)['x-forwarded-for']).toBe('198.51.100.9, 203.0.113.7');
  });
});
