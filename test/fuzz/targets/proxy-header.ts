import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { parseProxyHeader } from '../../../src/http/proxy-protocol.ts';
import type { Random } from '../random.ts';
import { readProxyHeader } from '../reference/proxy-header.ts';
import { hold, type FuzzTarget } from '../target.ts';

const signature = '\r\n\r\n\0\r\nQUIT\n';
const addresses = [
  '192.0.2.1',
  '255.255.255.255',
  '2001:db8::1',
  '::1',
  '::ffff:192.0.2.1',
  '256.1.1.1',
  '1.2.3',
  '0x7f.1',
  'fe80::1%lo',
  '',
];
const ports = ['0', '1', '443', '65535', '65536', '00443', '-1', '1e3', ''];

/** The reader of PROXY headers beside patterns, for the whole input and for each beginning of it. */
export function createProxyHeaderTarget(parse: typeof parseProxyHeader = parseProxyHeader): FuzzTarget {
  return {
    name: 'proxy-header',
    seeds: [
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n',
      'PROXY UNKNOWN\r\n',
      `${signature}\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x01\x01\xbb`,
    ],
    tokens: [
      'PROXY ',
      'TCP4 ',
      'TCP6 ',
      'UNKNOWN',
      'UDP4',
      '\r\n',
      '\r',
      '\n',
      ' ',
      '\0',
      signature,
      '\x20',
      '\x21',
      '\x11',
      '\x21',
      '\x12',
      '\x31',
      '\0\x0c',
      '\0\x24',
      '\xff\xff',
      ...addresses,
      ...ports,
    ],
    generate: (random) => (random.oneIn(2) ? buildVersion1(random) : buildVersion2(random)),
    maxBytes: 300,
    check(input) {
      let outcome = '';
      const whole = parse(input);
      // Where the header ends, where it began to be wrong, and what lies between.
      const lengths = [0, 1, 5, 6, 11, 12, 15, 16, 27, 106, 107, 108, input.length - 1, input.length];
      if (whole.kind === 'header') lengths.push(whole.length - 1, whole.length, whole.length + 1);
      for (const length of lengths) {
        if (length < 0 || length > input.length) continue;
        const bytes = input.subarray(0, length);
        const seen = parse(bytes);
        const expected = readProxyHeader(bytes.toString('latin1'));
        const show = (): unknown => ({ input: bytes.toString('latin1'), seen, expected });
        hold(isDeepStrictEqual(seen, expected), 'it reads what the patterns read', show);
        if (whole.kind === 'header') {
          const isSteady =
            length < whole.length ? seen.kind === 'incomplete' : isDeepStrictEqual(seen, whole);
          hold(isSteady, 'the pieces do not matter', show);
        }
        if (seen.kind !== 'header') continue;
        hold(seen.length <= length, 'it takes no more bytes than there are', show);
        hold(seen.source === undefined || isIP(seen.source.address) > 0, 'the source is an address', show);
        outcome = `${Math.min(8, seen.length >> 4)} ${isIP(seen.source?.address ?? '')}`;
      }
      return `${whole.kind} ${input[0] ?? -1} ${outcome} ${whole.kind === 'malformed' ? (input[12] ?? 0) & 0x30 : ''}`;
    },
  };
}

function buildVersion1(random: Random): string {
  const words = [
    random.pick(['TCP4', 'TCP4', 'TCP6', 'UNKNOWN', 'tcp4']),
    random.pick(addresses),
    random.pick(addresses),
    random.pick(ports),
    random.pick(ports),
  ];
  if (random.oneIn(12)) words.push('x'.repeat(random.below(60)));
  return `PROXY ${words.join(random.oneIn(20) ? '  ' : ' ')}${random.oneIn(12) ? '\n' : '\r\n'}GET / HTTP/1.1\r\n`;
}

function buildVersion2(random: Random): string {
  const length = random.pick([0, 11, 12, 13, 35, 36, 40, 216, 4080, 4081, 65_535]);
  const head = Buffer.of(
    random.pick([0x20, 0x21, 0x21, 0x11, 0x22]),
    random.pick([0, 1, 0x11, 0x21, 0x12, 0x22, 0x31]),
    length >> 8,
    length & 0xff,
  );
  const rest = random.repeat(0, Math.min(length, 60), () => String.fromCharCode(random.below(256)));
  return signature + head.toString('latin1') + rest;
}
