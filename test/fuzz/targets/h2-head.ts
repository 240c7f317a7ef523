import { isDeepStrictEqual } from 'node:util';
import { parseH2Head } from '../../../src/http/h2-request.ts';
import { readRequestHead } from '../reference/head.ts';
import type { Random } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

const URL_BYTES = 64;
const names = [
  ':method',
  ':path',
  ':authority',
  ':scheme',
  ':status',
  ':protocol',
  'host',
  'expect',
  'cookie',
  'content-length',
  'transfer-encoding',
  'connection',
  'te',
  'x-a',
  'X-A',
  'x_a',
  'x a',
  'x\r\nb',
  '',
  'x:',
  'authorization',
  '__proto__',
];
const values = [
  'POST',
  'GET',
  'post',
  '/mcp',
  '/mcp?x=1',
  '/a b',
  '*',
  'https',
  'localhost',
  'localhost:1',
  'a@b',
  'evil.example',
  '100-continue',
  'x\r\ny: z',
  'x\ny',
  'a\0b',
  'chunked',
  '5',
  '',
  ' padded ',
  'caf\xe9',
  '/ HTTP/1.1\r\nHost: evil\r\n\r\n',
];
const lead = ':method\x01POST\x02:scheme\x01https\x02:authority\x01localhost\x02:path\x01/mcp\x02';

/**
 * The reader of HTTP/2 header lists: what it accepts, written as HTTP/1.1, is one request of the same meaning to the
 * strict patterns. In the input, 0x01 stands behind a name and 0x02 behind a value.
 */
export function createH2HeadTarget(parse: typeof parseH2Head = parseH2Head): FuzzTarget {
  return {
    name: 'h2-head',
    seeds: [
      lead,
      `${lead}accept\x01*/*\x02cookie\x01a=1\x02cookie\x01b=2\x02`,
      `${lead}host\x01localhost\x02`,
    ],
    tokens: ['\x01', '\x02', '\r\n', '\r', '\n', '\0', ' ', ':', lead, ...names, ...values],
    generate: (random) => buildList(random),
    maxBytes: 400,
    check(input) {
      const list = input
        .toString('latin1')
        .split('\x02')
        .slice(0, -1)
        .flatMap((field) => {
          const [name = '', ...value] = field.split('\x01');
          return [name, value.join('\x01')];
        });
      const parsed = parse(list, URL_BYTES);
      const show = (): unknown => ({ list, parsed });
      const pseudo = (wanted: string): string[] =>
        list.filter((_text, index) => index % 2 === 1 && list[index - 1] === wanted);
      if (!parsed.ok) {
        hold(!isPlain(list), 'a plain request is accepted', show);
        return parsed.error;
      }
      const { method, path, query, authority, fields } = parsed.value;
      hold(pseudo(':method').join() === method, 'the method is the one given', show);
      hold(pseudo(':path').join() === path + query, 'the target is the one given', show);
      const hosts = [...pseudo(':authority'), ...pseudo('host')];
      hold(
        hosts.every((host) => host.toLowerCase() === authority),
        'all names of the host agree',
        show,
      );
      const text = `${method} ${path}${query} HTTP/1.1\r\nHost: ${authority}\r\n${toLines(fields)}\r\n`;
      const read = readRequestHead(text, { fields: 1000, urlBytes: URL_BYTES });
      hold(read !== undefined, 'as HTTP/1.1 it is one request', show);
      const trimmed = fields.map((field) => field.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
      const isSame = isDeepStrictEqual(
        [read.method, read.path, read.query, read.authority, read.fields],
        [method, path, query, authority, trimmed],
      );
      hold(isSame && read.framing.kind === 'none', 'as HTTP/1.1 it says the same', show);
      const given = list.filter((_text, index) => index % 2 === 0 && index > 6);
      return `ok ${method} ${query === '' ? '' : '?'} ${hosts.length} ${Math.min(fields.length, 8)} ${Math.min(given.length, 4)}`;
    },
  };
}

/** Whether a list is one that nobody could object to. */
function isPlain(list: readonly string[]): boolean {
  const start = lead.split(/[^ -~]/).slice(0, -1);
  const isStart = start.every((text, index) => list[index] === text);
  return (
    isStart &&
    list.slice(start.length).every((text, index) => {
      if (index % 2 === 1) return /^[a-z\d]*$/.test(text);
      return /^[a-z]+$/.test(text) && text !== 'te' && text !== 'expect' && text !== 'host';
    })
  );
}

function toLines(fields: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < fields.length; index += 2)
    lines += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return lines;
}

function buildList(random: Random): string {
  const base = random.oneIn(6) ? '' : lead;
  return base + random.repeat(0, 5, () => `${random.pick(names)}\x01${random.pick(values)}\x02`);
}
