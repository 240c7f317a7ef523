import { isDeepStrictEqual } from 'node:util';
import { expectEnvelope } from '../../mcp/envelope-oracle.ts';
import { scanEnvelope, type EnvelopeResult } from '../../../src/mcp/envelope.ts';
import type { Random } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

const keys = [
  'jsonrpc',
  'id',
  'method',
  'params',
  'result',
  'error',
  'name',
  'uri',
  'taskId',
  '_meta',
  'arguments',
  'protocolVersion',
  'io.modelcontextprotocol/protocolVersion',
  'ref',
  'type',
  'Ref',
  'io.modelcontextprotocol/x',
  'IO.modelcontextprotocol/y',
  'Method',
  'ID',
  'param\u017f',
  '\\u006dethod',
  'i\\u0064',
  '__proto__',
  'a',
  '',
];
const methods = [
  'initialize',
  'tools/call',
  'prompts/get',
  'resources/read',
  'tasks/get',
  'completion/complete',
  'tools/list',
  'notifications/x',
  '',
];
const scalars = [
  '0',
  '-0',
  '1',
  '1.5e3',
  '01',
  '1.',
  '.5',
  '1e',
  'true',
  'false',
  'null',
  'nul',
  'NaN',
  '"2.0"',
  '"ref/prompt"',
  '"ref/resource"',
  '"a"',
  '""',
  '"\\ud800"',
  '"\\u00"',
  '"\\x"',
  '"\t"',
  '12345678901234567890',
  '"2025-11-25"',
  '"2026-07-28"',
];
const semanticReasons: readonly string[] = ['duplicate-key', 'case-twin', 'not-json-rpc'];

/** The envelope scanner beside JSON.parse. */
export function createEnvelopeTarget(scan: typeof scanEnvelope = scanEnvelope): FuzzTarget {
  return {
    name: 'envelope',
    seeds: [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}',
      '[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"a","result":{}}]',
    ],
    tokens: [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '\\u',
      '\xef\xbb\xbf',
      '\xc0\x80',
      '\xed\xa0\x80',
      '\xc5\xbf',
      '\xc4\xb1',
      '[[[[[[[[[[[[[[[[',
      ']]]]]]]]]]]]]]]]',
      '{"a":',
      ...keys.map((key) => `"${toBytes(key)}":`),
      ...scalars,
      ...methods.map((name) => `"${name}"`),
    ],
    generate: (random) =>
      toBytes(random.oneIn(5) ? `[${list(random, () => buildMessage(random))}]` : buildMessage(random)),
    maxBytes: 700,
    check(input) {
      const result = scan(input);
      const expected = expectEnvelope(input);
      const show = (): unknown => ({ input: input.toString('latin1'), result, expected });
      if ('id' in result && result.id !== 'null')
        hold(isRawId(input, result.id), 'the id is that of the message', show);
      if (result.kind !== 'refused') {
        const isSame = isDeepStrictEqual({ ...result, id: undefined }, { ...expected, id: undefined });
        hold(isSame, 'it reads what JSON.parse reads', show);
        return toOutcome(result);
      }
      hold(expected.kind === 'refused', 'it accepts what JSON.parse reads in one way', show);
      hold((expected.reason ?? semanticReasons).includes(result.reason), 'its reason is a true one', show);
      hold(result.offset >= 0 && result.offset <= input.length, 'the offset lies in the text', show);
      return toOutcome(result);
    },
  };
}

function toOutcome(result: EnvelopeResult): string {
  switch (result.kind) {
    case 'refused':
      return `refused ${result.reason} ${String(result.id === 'null')} ${Math.min(31, result.offset >> 3)}`;
    case 'batch':
      return `batch ${Math.min(result.entries, 3)} ${String(result.hasRequest)} ${String(result.hasProtocolVersion)}`;
    case 'response':
      return `response ${String(result.id === 'null')}`;
    case 'request':
    case 'notification':
      return [
        result.kind,
        result.hasName,
        result.name,
        result.hasProtocolVersion,
        result.initializeVersion,
        result.ref?.kind,
      ]
        .map((fact) => (typeof fact === 'string' ? Math.min(fact.length, 4) : String(fact)))
        .join(' ');
  }
}

/** The scanner names an id only where the whole text is one JSON object. */
function isRawId(input: Buffer, id: string): boolean {
  const text = input.toString();
  const message = JSON.parse(text) as { readonly id: unknown };
  return text.includes(id) && Object.is(JSON.parse(id), message.id);
}

function buildMessage(random: Random): string {
  const members = [
    random.oneIn(20) ? '' : '"jsonrpc":"2.0"',
    random.oneIn(4) ? '' : `"id":${random.pick(['1', '"a"', '1.0', 'null', '"\\u0061"', '{}'])}`,
    random.oneIn(4) ? '' : `"method":${JSON.stringify(random.pick(methods))}`,
    random.oneIn(3) ? '' : `"params":${buildParams(random)}`,
    random.oneIn(6) ? `"${random.pick(['result', 'error'])}":${buildValue(random, 2)}` : '',
    random.oneIn(8) ? `"${random.pick(keys)}":${buildValue(random, 2)}` : '',
  ];
  return `{${members.filter((member) => member !== '').join(',')}}`;
}

function buildParams(random: Random): string {
  if (random.oneIn(10)) return buildValue(random, 1);
  const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":${random.pick(scalars)}}`;
  const ref = ['"type":"ref/prompt"', '"name":"x"', '"uri":"a:b"'].filter(() => random.oneIn(2)).join(',');
  const members = [
    '"name":"x"',
    '"uri":"a:b"',
    '"taskId":"7"',
    '"protocolVersion":"2025-11-25"',
    `"ref":{${ref}}`,
    meta,
  ];
  return `{${members.filter(() => random.oneIn(2)).join(random.oneIn(20) ? ' ' : ', ')}}`;
}

function buildValue(random: Random, depth: number): string {
  if (depth === 0 || random.oneIn(2)) return random.pick(scalars);
  if (random.oneIn(2)) return `[${list(random, () => buildValue(random, depth - 1))}]`;
  return `{${list(random, () => `"${random.pick(keys)}":${buildValue(random, depth - 1)}`)}}`;
}

function list(random: Random, make: () => string): string {
  return Array.from({ length: random.below(4) }, make).join(',');
}

/** UTF-8, written as latin1. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
