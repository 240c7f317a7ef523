import { describe, expect, it } from 'vitest';
import { filterList, isListMethod, type FilteredList, type ListedKind } from '../../src/mcp/list-filter.ts';

/** Filters, and gives the text that goes on, or the reason why none does. */
function filter(
  answer: string | Buffer,
  options: { readonly hidden?: readonly string[]; readonly makePrivate?: boolean } = {},
): string {
  const { hidden = ['b'], makePrivate = false } = options;
  const bytes = Buffer.from(answer);
  const result = filterList(bytes, { isShown: (_kind, name) => !hidden.includes(name), makePrivate });
  return toText(result, bytes);
}

function toText(result: FilteredList, bytes: Buffer): string {
  switch (result.kind) {
    case 'unchanged':
      return bytes.toString();
    case 'filtered':
      return result.bytes.toString();
    case 'unreadable':
      return `unreadable: ${result.reason}`;
  }
}

const toAnswer = (result: string): string => `{"jsonrpc":"2.0","id":1,"result":${result}}`;
const toolsOf = (entries: string): string => toAnswer(`{"tools":[${entries}]}`);
const [a, b, c] = ['{"name":"a","n":1.50}', '{ "x":{"name":"a"}, "name":"b" }', '{"name":"c"}'];

describe('filterList', () => {
  it.each([
    ['none', `${a},${c}`, `${a},${c}`],
    ['the first', `${b}, ${a}`, a],
    ['the last', `${a} , ${b}`, a],
    ['the one in the middle', `${a}, ${b} ,${c}`, `${a}, ${c}`],
    ['two in a row', `${a},${b},${b},${c}`, `${a},${c}`],
    ['every second', `${b},${a},${b},${c},${b}`, `${a},${c}`],
    ['the only', b, ''],
    ['all', `${b},${b}`, ''],
    ['all, white space stays', `\n  ${b},\n  ${b}\n`, '\n  \n'],
    ['the last, white space stays', `\n  ${a},\n  ${b}\n`, `\n  ${a}\n`],
    ['nothing of an empty list', '', ''],
  ])('takes out %s', (_case, entries, expected) => {
    expect(filter(toolsOf(entries))).toBe(toolsOf(expected));
  });

  it('counts what it took out, and hands on the very bytes where that is nothing', () => {
    const isShown = (_kind: ListedKind, name: string): boolean => name !== 'b';
    const run = (text: string): FilteredList =>
      filterList(Buffer.from(text), { isShown, makePrivate: false });
    expect(run(toolsOf(`${b},${a},${b}`))).toMatchObject({ kind: 'filtered', removed: 2 });
    expect(run(toolsOf(a))).toEqual({ kind: 'unchanged' });
    expect(run('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"b"}}')).toEqual({ kind: 'unchanged' });
  });

  it('leaves numbers, escapes, key order and white space as they are', () => {
    const kept = '{"z":1E400,"a":-0,"name":"\\u0061\\/","y":"\\ud83d\\ude00\u00e9", "\\u0062" : [1 , 2.0]}';
    const text = (entries: string): string =>
      `\r\n{ "result" : {"nextCursor":"b\\u0000","tools" :[\t${entries} ] ,"_meta":{"tools":[{"name":"b"}]}}, "id":12345678901234567890,"jsonrpc":"2.0" }\n`;
    expect(filter(text(`${kept},${b}`))).toBe(text(kept));
  });

  it.each<[string, string, ListedKind]>([
    ['tools', 'name', 'tool'],
    ['prompts', 'name', 'prompt'],
    ['resources', 'uri', 'resource'],
    ['resourceTemplates', 'uriTemplate', 'resource'],
  ])('judges %s by their %s', (list, key, kind) => {
    const seen: [ListedKind, string][] = [];
    const answer = toAnswer(`{"${list}":[{"title":"t","${key}":"k:/{x}","name2":"n"}]}`);
    filterList(Buffer.from(answer), {
      isShown: (...entry) => seen.push(entry) > 0,
      makePrivate: false,
    });
    expect(seen).toEqual([[kind, 'k:/{x}']]);
  });

  it('escape-evasion: judges names by what they mean, in list, key and value', () => {
    expect(filter(toolsOf('{"name":"\\u0062"}'))).toBe(toolsOf(''));
    expect(filter(toolsOf('{"n\\u0061me":"b"}'))).toBe(toolsOf(''));
    expect(filter(toAnswer(`{"t\\u006fols":[${b}]}`))).toBe(toAnswer('{"t\\u006fols":[]}'));
    expect(filter(toolsOf(b).replace('result', 'r\\u0065sult'))).toBe(
      toolsOf('').replace('result', 'r\\u0065sult'),
    );
    expect(filter(toolsOf('{"name":"\u00e9"}'), { hidden: ['\u00e9'] })).toBe(toolsOf(''));
  });

  it('takes out what has no name of its own', () => {
    for (const entry of [
      '{}',
      '{"title":"a"}',
      '{"name":5}',
      '{"name":["a"]}',
      '{"x":{"name":"a"}}',
      '"a"',
      '5',
      'null',
      '[]',
      '[{"name":"a"}]',
    ]) {
      expect(filter(toolsOf(`${a},${entry},${c}`)), entry).toBe(toolsOf(`${a},${c}`));
    }
  });

  it('does not take the name of one entry for another', () => {
    expect(filter(toolsOf(`${a},{},5,[]`))).toBe(toolsOf(a));
  });

  it('filters each answer of a batch, and each list of an answer', () => {
    const text = (entries: string): string =>
      `[${toolsOf(entries)} ,{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[${b}]}}, ${toAnswer(`{"prompts":[${entries}],"tools":[${entries}]}`)}]`;
    expect(filter(text(`${a},${b}`))).toBe(text(a));
  });

  it('looks for lists only in results', () => {
    for (const text of [
      `{"jsonrpc":"2.0","id":1,"error":{"tools":[${b}]}}`,
      toAnswer(`{"content":[{"tools":[${b}]}],"structuredContent":{"tools":[${b}]}}`),
      toAnswer(`[{"tools":[${b}]}]`),
      toAnswer('{"tools":null}'),
      toAnswer('null'),
      '[]',
      '"b"',
    ]) {
      expect(filter(text)).toBe(text);
    }
  });

  it.each([
    ['not-json', ''],
    ['not-json', toolsOf(`${a},`)],
    ['not-json', toolsOf(a).slice(0, -1)],
    ['not-json', `${toolsOf(b)}x`],
    ['not-json', `${toolsOf(b)}${toolsOf(b)}`],
    ['not-json', `\ufeff${toolsOf(b)}`],
    ['not-json', toolsOf(b).replace(':1', ':01')],
    ['not-json', `{"result":{"tools":[${b}]},}`],
    ['not-json', `{"result":{"tools":[${b}}}]`],
    ['not-json', `{result:{"tools":[${b}]}}`],
    ['not-json', toolsOf("{'name':'b'}")],
    ['not-json', toolsOf('{"name":"b\n"}')],
    ['not-json', ':'],
    ['not-json', ']'],
    ['too-deep', toolsOf(`{"name":"a","x":${'['.repeat(600)}${']'.repeat(600)}}`)],
    // answer-smuggling: of two lists a client reads the first, the last, or the one in another letter case.
    ['ambiguous', toAnswer(`{"tools":[${a}],"tools":[${b}]}`)],
    ['ambiguous', toAnswer(`{"tools":[${a}],"Tools":[${b}]}`)],
    ['ambiguous', toAnswer(`{"tool\\u017f":[${b}]}`)],
    ['ambiguous', `{"result":{"tools":[${a}]},"result":{"tools":[${b}]}}`],
    ['ambiguous', `{"result":{"tools":[${a}]},"Result":{"tools":[${b}]}}`],
    ['ambiguous', toolsOf('{"name":"a","name":"b"}')],
    ['ambiguous', toolsOf('{"name":"b","n\\u0061me":"a"}')],
    ['ambiguous', toolsOf('{"name":"a","Name":"b"}')],
    ['not-a-list', toAnswer('{"tools":{"b":{"name":"b"}}}')],
    ['not-a-list', toAnswer('{"tools":"b"}')],
    ['not-a-list', toAnswer(`{"tools":[${a}],"cacheScope":[]}`)],
  ])('name-leak: refuses an answer that is %s: %j', (reason, answer) => {
    expect(filter(answer)).toBe(`unreadable: ${reason}`);
  });

  it('name-leak: refuses what is not UTF-8, which clients read with replacement characters', () => {
    const bytes = Buffer.concat([Buffer.from(toolsOf(b)).subarray(0, -4), Buffer.from([0xff])]);
    expect(filter(bytes)).toBe('unreadable: not-utf8');
  });

  it('takes a schema of a hundred levels', () => {
    const schema = `${'{"items":'.repeat(100)}{}${'}'.repeat(100)}`;
    const entry = `{"inputSchema":${schema},"name":"a"}`;
    expect(filter(toolsOf(`${b},${entry}`))).toBe(toolsOf(entry));
  });

  it('takes time in proportion to the length', () => {
    const answer = Buffer.from(
      toolsOf(Array.from({ length: 100_000 }, (_, index) => (index % 2 === 0 ? a : b)).join(',')),
    );
    const started = performance.now();
    expect(JSON.parse(filter(answer))).toHaveProperty('result.tools.length', 50_000);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('cacheScope', () => {
  const run = (result: string, hidden: readonly string[] = []): string =>
    filter(toAnswer(result), { makePrivate: true, hidden });

  it.each([
    ['public', `{"tools":[${a}],"cacheScope":"public"}`, `{"tools":[${a}],"cacheScope":"private"}`],
    [
      'public, before the list',
      `{"cacheScope" : "public","tools":[${a}]}`,
      `{"cacheScope" : "private","tools":[${a}]}`,
    ],
    ['private', `{"tools":[${a}],"cacheScope":"private"}`, `{"tools":[${a}],"cacheScope":"private"}`],
    ['escaped', `{"tools":[],"cacheScope":"p\\u0075blic"}`, '{"tools":[],"cacheScope":"private"}'],
    ['null', '{"tools":[],"cacheScope":null}', '{"tools":[],"cacheScope":"private"}'],
    ['unknown', '{"tools":[],"cacheScope":"shared"}', '{"tools":[],"cacheScope":"private"}'],
    ['absent', '{"tools":[]\n}', '{"tools":[]\n,"cacheScope":"private"}'],
    ['no list', '{"cacheScope":"public"}', '{"cacheScope":"public"}'],
    [
      'in the entry',
      '{"tools":[{"name":"a","cacheScope":"public"}]}',
      '{"tools":[{"name":"a","cacheScope":"public"}],"cacheScope":"private"}',
    ],
  ])('cache-leak: %s becomes private where it describes a list', (_case, result, expected) => {
    expect(run(result)).toBe(toAnswer(expected));
  });

  it('goes together with entries that go', () => {
    expect(run(`{"cacheScope":"public","tools":[${b},${a}],"ttlMs":1}`, ['b'])).toBe(
      toAnswer(`{"cacheScope":"private","tools":[${a}],"ttlMs":1}`),
    );
    expect(run(`{"tools":[${b}]}`, ['b'])).toBe(toAnswer('{"tools":[],"cacheScope":"private"}'));
  });

  it('answer-smuggling: refuses two of them', () => {
    expect(run('{"cacheScope":"private","tools":[],"cacheScope":"public"}')).toBe('unreadable: ambiguous');
    expect(run('{"cacheScope":"private","tools":[],"CacheScope":"public"}')).toBe('unreadable: ambiguous');
  });

  it('is left alone where it is not asked for', () => {
    const text = toAnswer(`{"tools":[${a}],"cacheScope":"public"}`);
    expect(filter(text)).toBe(text);
  });
});

it('knows the methods whose answers are lists', () => {
  expect(
    ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].every(isListMethod),
  ).toBe(true);
  expect(['tools/call', 'tasks/list', 'Tools/list', 'resources/read'].some(isListMethod)).toBe(false);
});
