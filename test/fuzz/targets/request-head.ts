import { isDeepStrictEqual } from 'node:util';
import { parseRequestHead, type RequestHead } from '../../../src/http/request-head.ts';
import { buildHead, headTokens } from '../grammar.ts';
import { readRequestHead } from '../reference/head.ts';
import { parseWithNode } from '../reference/node-parser.ts';
import { hold, type FuzzTarget } from '../target.ts';

const limits = { fields: 12, urlBytes: 64 };
const endOfHead = Buffer.from('\r\n\r\n');
/** Stands before and behind the head in the buffer, and must not matter. */
const before = Buffer.from('Host: evil\r\n');
const after = Buffer.from('GET /other HTTP/1.1\r\nHost: evil\r\n\r\n');

/** The head parser beside patterns on the whole text, and beside Node's own parser. */
export function createRequestHeadTarget(parse: typeof parseRequestHead = parseRequestHead): FuzzTarget {
  return {
    name: 'request-head',
    seeds: [
      'GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n',
    ],
    tokens: headTokens,
    generate: (random) => buildHead(random),
    maxBytes: 600,
    check(input) {
      const whole = Buffer.concat([input, endOfHead]);
      const head = whole.subarray(0, whole.indexOf(endOfHead) + 4);
      const text = head.toString('latin1');
      const parsed = parse(head, 0, head.length, limits);
      const moved = parse(
        Buffer.concat([before, head, after]),
        before.length,
        before.length + head.length,
        limits,
      );
      hold(isDeepStrictEqual(parsed, moved), 'what stands around the head does not matter', () => text);
      const expected = readRequestHead(text, limits);
      hold(parsed.ok === (expected !== undefined), 'it accepts what the patterns accept', () => [
        text,
        parsed,
      ]);
      if (!parsed.ok) return parsed.error;
      hold(isDeepStrictEqual(parsed.value, expected), 'it reads what the patterns read', () => [
        text,
        parsed.value,
        expected,
      ]);
      checkBesideNode(head, parsed.value);
      const { method, framing, keepAlive, fields } = parsed.value;
      return `${method} ${framing.kind} ${String(keepAlive)} ${fields.length}`;
    },
  };
}

function checkBesideNode(head: Buffer, ours: RequestHead): void {
  const theirs = parseWithNode(head);
  const show = (): unknown => [head.toString('latin1'), ours, theirs];
  hold(theirs !== undefined, 'Node accepts it too', show);
  hold(
    theirs.method === ours.method && theirs.url === ours.path + ours.query,
    'Node reads the same target',
    show,
  );
  const valuesOf = (name: string): string[] =>
    theirs.fields.filter(([other]) => other === name).map(([, value]) => value);
  hold(valuesOf('host')[0]?.toLowerCase() === ours.authority, 'Node reads the same Host', show);
  const { framing } = ours;
  const length = framing.kind === 'length' ? framing.length : 0;
  hold(Number(valuesOf('content-length')[0] ?? 0) === length, 'Node reads the same length', show);
  hold(
    valuesOf('transfer-encoding').length > 0 === (framing.kind === 'chunked'),
    'Node reads the same coding',
    show,
  );
  for (let index = 0; index < ours.fields.length; index += 2) {
    const [name = '', value = ''] = ours.fields.slice(index, index + 2);
    hold(valuesOf(name).includes(value), 'Node reads the same fields', show);
  }
}
