import * as fc from 'fast-check';

/** Text of JSON in which white space, escapes and the order of keys vary, so that parsers have something to disagree on. */
export type JsonText = fc.Arbitrary<string>;

export const space: JsonText = fc.constantFrom('', '', '', ' ', '\n', '\t\r\n ');

/** One of many spellings of a string. */
export function spell(value: string): JsonText {
  return fc.array(fc.integer({ min: 0, max: 9 }), { minLength: value.length, maxLength: value.length }).map(
    (dice) =>
      `"${Array.from({ length: value.length }, (_, index) => {
        const unit = value.charAt(index);
        const plain = JSON.stringify(unit).slice(1, -1);
        // Halves of a surrogate pair are left alone, so that the pair stays one character in UTF-8.
        const isSurrogate = /[\ud800-\udfff]/.test(unit);
        if (isSurrogate) return unit;
        return dice[index] === 0 ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : plain;
      }).join('')}"`,
  );
}

const word = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.constant('__proto__'),
);
const scalar: JsonText = fc.oneof(
  word.chain(spell),
  fc.constantFrom('0', '-0', '1.5e3', '12345678901234567890', '1E-2', 'true', 'false', 'null', '"\\ud800"'),
  fc.integer().map(String),
);

export const anyValue: JsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    object(fc.array(fc.tuple(word, tie('value')), { maxLength: 4 })),
  ),
})).value;

/** Now and then a key comes twice, as the entries have it. */
export function object(entries: fc.Arbitrary<readonly (readonly [string, string])[]>): JsonText {
  return entries.chain((list) =>
    fc
      .tuple(...list.map(([key, value]) => fc.tuple(spell(key), space, fc.constant(value), space)))
      .map(
        (spelled) =>
          `{${spelled.map(([key, before, value, after]) => `${before}${key}${after}:${before}${value}${after}`).join(',')}}`,
      ),
  );
}

/** Members that are there most of the time, in any order, with now and then a foreign or misspelled one. */
function members(known: Readonly<Record<string, JsonText>>): JsonText {
  const names = Object.keys(known);
  const entry = fc
    .constantFrom(...names)
    .chain((name) => fc.tuple(fc.constant(name), known[name] ?? anyValue));
  const twin = fc.constantFrom(...names).map((name) => name.toUpperCase());
  const foreign = fc.tuple(
    fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: twin }),
    anyValue,
  );
  const most = fc.uniqueArray(entry, {
    selector: ([name]) => name,
    minLength: Math.min(3, names.length),
    maxLength: names.length,
  });
  const few = fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(foreign, { maxLength: 2 }) },
  );
  return object(fc.tuple(most, few).map(([own, others]) => [...own, ...others]));
}

const method = fc
  .constantFrom(
    'tools/call',
    'prompts/get',
    'resources/read',
    'initialize',
    'tasks/get',
    'ping',
    'tools/list',
    'completion/complete',
    'completion/complete',
  )
  .chain(spell);
const version = fc.constantFrom('2026-07-28', '2025-11-25', 'v999.0.0').chain(spell);
const meta = members({
  'io.modelcontextprotocol/protocolVersion': fc.oneof(version, anyValue),
  'io.modelcontextprotocol/clientInfo': anyValue,
  progressToken: scalar,
});
const ref = members({
  type: fc.oneof(fc.constantFrom('ref/prompt', 'ref/resource').chain(spell), scalar),
  name: fc.oneof(word.chain(spell), anyValue),
  uri: fc.oneof(word.chain(spell), anyValue),
});
const exactRef = fc
  .constantFrom('name', 'uri')
  .chain((key) =>
    required({ type: fc.constantFrom('ref/prompt', 'ref/resource').chain(spell), [key]: word.chain(spell) }),
  );
const params = members({
  ref: fc.oneof(exactRef, ref, anyValue),
  name: fc.oneof(word.chain(spell), anyValue),
  uri: fc.oneof(word.chain(spell), anyValue),
  taskId: scalar,
  arguments: anyValue,
  protocolVersion: fc.oneof(version, scalar),
  _meta: fc.oneof({ weight: 4, arbitrary: meta }, { weight: 1, arbitrary: anyValue }),
});

function required(core: Readonly<Record<string, JsonText>>): JsonText {
  return object(
    fc
      .tuple(...Object.entries(core).map(([name, value]) => fc.tuple(fc.constant(name), value)))
      .chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length })),
  );
}

const jsonrpc = fc.constantFrom('"2.0"', '"2\\u002e0"');
const id = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('1', '"a\\u0062"', '-0', '1e2') },
  { weight: 1, arbitrary: scalar },
);

/** One message: mostly well formed, sometimes with members missing, doubled, misspelled or of a wrong type. */
export const messageText: JsonText = fc.oneof(
  required({ jsonrpc, id, method, params }),
  required({ jsonrpc, method, params }),
  required({ jsonrpc, id, result: anyValue }),
  required({ jsonrpc, error: anyValue }),
  members({ jsonrpc, id, method, params, result: anyValue, error: anyValue }),
);

export const bodyText: JsonText = fc.oneof(
  { weight: 5, arbitrary: messageText },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof({ weight: 9, arbitrary: messageText }, { weight: 1, arbitrary: anyValue }), {
        maxLength: 4,
      })
      .map((list) => `[${list.join(' , ')}]`),
  },
  { weight: 1, arbitrary: anyValue },
);

const bytesOfInterest = Buffer.from(
  '{}[]":,\\ \n\t0123.-+eEtfnulrsaIDM_\u0000\u007f\u00c3\u00a9\u00ff\u00ed\u00a0\ufeff',
  'latin1',
);

/** A few bytes of `body` replaced, inserted or removed. */
export function mutate(body: Buffer): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    at: fc.nat({ max: Math.max(0, body.length - 1) }),
    kind: fc.constantFrom('replace', 'insert', 'remove'),
    byte: fc.oneof(fc.constantFrom(...bytesOfInterest), fc.nat({ max: 255 })),
  });
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    const bytes = [...body];
    for (const { at, kind, byte } of edits) {
      if (kind === 'insert') bytes.splice(at, 0, byte);
      else if (kind === 'remove') bytes.splice(at, 1);
      else bytes[at] = byte;
    }
    return Buffer.from(bytes);
  });
}
