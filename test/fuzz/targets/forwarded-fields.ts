import { isIP } from 'node:net';
import type { Exchange } from '../../../src/gateway/exchange.ts';
import { serializeUpstreamRequest } from '../../../src/gateway/upstream-request.ts';
import type { IncomingRequest } from '../../../src/http/exchange.ts';
import { resolveClient, type Client } from '../../../src/http/forwarded.ts';
import { parseRequestHead } from '../../../src/http/request-head.ts';
import { buildTrustedProxies } from '../../../src/http/trusted-proxies.ts';
import { fieldLines } from '../grammar.ts';
import type { Random } from '../random.ts';
import { parseWithNode, type NodeRequest } from '../reference/node-parser.ts';
import { hold, type FuzzTarget } from '../target.ts';
import { createTable } from './route-path.ts';

type ResolveClient = typeof resolveClient;

const limits = { fields: 40, urlBytes: 4096 };
const stranger = '203.0.113.9';
const proxy = '10.0.0.1';
const isTrusted = buildTrustedProxies(['10.0.0.0/8', 'fd00::/8']);
const claims = [
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Prefix',
  'X-Real-IP',
  'Forwarded',
  'Client-IP',
  'True-Client-IP',
  'X-Original-URL',
  'X-HTTP-Method-Override',
  'X_Forwarded_For',
  'Proxy',
  'Remote-User',
  'x-forwarded-for',
];
const hops = [
  '198.51.100.7',
  '10.0.0.2',
  'fd00::2',
  '2001:db8::1',
  '::ffff:10.0.0.3',
  'fe80::1%eth0',
  'unknown',
  '_hidden',
  '1.2.3.4:80',
  '[2001:db8::1]',
  '"x"',
  'for=1.2.3.4',
  '',
  '127.0.0.1',
];
const ours = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded'];

/** The fields that tell the upstream who calls: ours, once each, whatever the client claims; the rest is one whole request. */
export function createForwardedFieldsTarget(resolve: ResolveClient = resolveClient): FuzzTarget {
  const [route] = createTable().routes;
  if (route === undefined) throw new Error('the table has two routes');
  return {
    name: 'forwarded-fields',
    seeds: [
      'X-Forwarded-For: 198.51.100.7, 10.0.0.2\r\n',
      'Forwarded: for=1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\n',
      'Origin: https://a\r\n',
    ],
    tokens: [
      '\r\n',
      ': ',
      ', ',
      ',',
      ' ',
      '\t',
      '\xa0',
      '"',
      ';',
      '%',
      'Connection: ',
      ...claims,
      ...hops,
      ...fieldLines.map((line) => `${line}\r\n`),
    ],
    generate: (random) => random.repeat(1, 5, () => buildLine(random)),
    maxBytes: 500,
    check(input) {
      const text = `POST /mcp?x=1 HTTP/1.1\r\nHost: localhost:8443\r\n${input.toString('latin1')}\r\n`;
      const head = Buffer.from(text, 'latin1');
      const end = head.indexOf('\r\n\r\n') + 4;
      const parsed = parseRequestHead(head, 0, end, limits);
      if (!parsed.ok) return parsed.error;
      let outcome = '';
      for (const address of [stranger, proxy]) {
        const request: IncomingRequest = {
          ...parsed.value,
          protocol: 'h1',
          isRepeat: false,
          body: Buffer.from('{}'),
          peer: { address, port: 1, secure: true },
        };
        const client = resolve(request, isTrusted);
        checkClient(client, address, parsed.value.fields);
        // The serialiser reads these two facts of an exchange and no other.
        const exchange = { request, client } as Exchange;
        const message = Buffer.concat(
          serializeUpstreamRequest(exchange, { route, server: route.servers.first }, '/mcp?x=1'),
        );
        checkMessage(message, client);
        outcome += `${client.chain.split(', ').length} ${isIP(client.address)} `;
      }
      return `${outcome}${parsed.value.framing.kind} ${parsed.value.fields.length >> 1}`;
    },
  };
}

function checkClient(client: Client, peer: string, fields: readonly string[]): void {
  const show = (): unknown => ({ client, peer, fields });
  const chain = client.chain.split(', ');
  hold(
    chain.every((hop) => isIP(hop) > 0),
    'the chain is one of addresses',
    show,
  );
  hold(chain.at(-1) === peer, 'the chain ends with the peer', show);
  hold(chain[0] === client.address, 'the chain begins with the client', show);
  hold(
    chain.slice(1).every(isTrusted) || chain.length === 1,
    'behind the client are only trusted proxies',
    show,
  );
  if (peer === stranger) hold(client.address === stranger, 'a stranger speaks for nobody', show);
  if (peer !== proxy || !isTrusted(client.address)) return;
  // Everybody in the chain is trusted: the word before it is no address, or there is none.
  const words = fields
    .flatMap((value, index) =>
      index % 2 === 1 && fields[index - 1] === 'x-forwarded-for' ? value.split(',') : [],
    )
    .map((word) => word.trim());
  const next = words.at(-chain.length);
  hold(next === undefined || isIP(next) === 0, 'the client is the first that no proxy vouches for', show);
}

function checkMessage(message: Buffer, client: Client): void {
  const end = message.indexOf('\r\n\r\n') + 4;
  const read: NodeRequest | undefined = parseWithNode(message.subarray(0, end));
  const show = (): unknown => ({ message: message.toString('latin1'), client });
  hold(read !== undefined, 'Node reads the request', show);
  hold(
    message.subarray(end).toString() === '{}' && read.url === '/mcp?x=1',
    'it is one request with its body',
    show,
  );
  const valuesOf = (wanted: string): string[] =>
    read.fields.filter(([name]) => name === wanted).map(([, value]) => value);
  hold(valuesOf('host').join() === '127.0.0.1:8000', 'the Host is the upstream', show);
  hold(valuesOf('content-length').join() === '2', 'the length is that of the body', show);
  hold(valuesOf('x-forwarded-for').join() === client.chain, 'the chain is ours', show);
  hold(valuesOf('x-real-ip').join() === client.address, 'the address is ours', show);
  const rank = (name: string): string => name.replaceAll(/[^a-z0-9]/g, '-');
  const claimed = read.fields.filter(([name]) => /^(?:x-forwarded.*|forwarded|x-real-ip)$/.test(rank(name)));
  hold(
    claimed
      .map(([name]) => name)
      .toSorted()
      .join() === [...ours].toSorted().join(),
    'no claim of the client passes',
    show,
  );
  for (const name of [
    'transfer-encoding',
    'connection',
    'upgrade',
    'te',
    'expect',
    'origin',
    'x-original-url',
    'proxy',
    'remote-user',
    'x-http-method-override',
    'true-client-ip',
    'client-ip',
  ]) {
    hold(valuesOf(name).length === 0, `no ${name} passes`, show);
  }
}

function buildLine(random: Random): string {
  if (random.oneIn(3))
    return `${random.pick(fieldLines.slice(0, random.oneIn(8) ? fieldLines.length : 18))}\r\n`;
  const list = Array.from({ length: 1 + random.below(4) }, () => random.pick(hops));
  return `${random.pick(claims)}: ${list.join(random.pick([', ', ',', ' , ']))}\r\n`;
}
