import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterList, type ListFilter } from '../../src/mcp/list-filter.ts';
import { filterParsed, listKeys } from './list-oracle.ts';
import { anyValue, mutate, object, space, spell, type JsonText } from './message-arbitrary.ts';

const names = ['a', 'b', 'caf\u00e9', '\u{1f600}', '__proto__', 'b"\\\n', '', '5'];
const hidden: ReadonlySet<string> = new Set(['b', 'caf\u00e9', '__proto__', '']);
type ListName = keyof typeof listKeys;

const isShown = (name: string): boolean => !hidden.has(name);
const filter: ListFilter = { isShown: (_kind, name) => isShown(name), makePrivate: false };

/** Members that no filter knows, some of them named like those of other places. */
const foreign = fc.tuple(
  fc.constantFrom('title', 'description', 'inputSchema', 'ttlMs', '__proto__', 'method'),
  anyValue,
);

function entryText(list: ListName): JsonText {
  const named = fc.constantFrom(...names).chain(spell);
  const own = fc.tuple(
    fc.constant<string>(listKeys[list]),
    fc.oneof({ weight: 9, arbitrary: named }, { weight: 1, arbitrary: anyValue }),
  );
  const members = fc.tuple(
    fc.array(own, { maxLength: 1 }),
    fc.array(own, { maxLength: 0 }),
    fc.array(foreign, { maxLength: 2 }),
  );
  const entry = object(
    members.chain((parts) => fc.shuffledSubarray(parts.flat(), { minLength: parts.flat().length })),
  );
  return fc.oneof({ weight: 12, arbitrary: entry }, { weight: 1, arbitrary: anyValue });
}

const listMember = fc
  .constantFrom<ListName>('tools', 'tools', 'prompts', 'resources', 'resourceTemplates')
  .chain((list) =>
    fc.tuple(
      fc.constant<string>(list),
      fc
        .array(fc.tuple(space, entryText(list), space), { maxLength: 6 })
        .map((entries) => `[${entries.map((parts) => parts.join('')).join(',')}]`),
    ),
  );
const result = object(
  fc
    .tuple(
      fc.uniqueArray(listMember, { selector: ([name]) => name, maxLength: 2 }),
      fc.uniqueArray(foreign, { selector: ([name]) => name, maxLength: 2 }),
    )
    .chain((parts) => fc.shuffledSubarray(parts.flat(), { minLength: parts.flat().length })),
);
const message = object(
  fc
    .tuple(fc.constantFrom('result', 'result', 'result', 'error'), result)
    .map((member) => [['id', '1'] as const, member]),
);
const answer: JsonText = fc.oneof(
  { weight: 4, arbitrary: message },
  {
    weight: 1,
    arbitrary: fc.array(message, { maxLength: 3 }).map((messages) => `[ ${messages.join(' ,')}]`),
  },
);

function isSubsequence(part: Buffer, whole: Buffer): boolean {
  let at = 0;
  for (const byte of whole) if (at < part.length && part[at] === byte) at++;
  return at === part.length;
}

describe('filterList against JSON.parse', { timeout: 60_000 }, () => {
  it('is the parsed answer without the entries, and the same bytes without theirs', () => {
    const outcomes: Record<string, number> = {};
    fc.assert(
      fc.property(answer, (text) => {
        const bytes = Buffer.from(text);
        const found = filterList(bytes, filter);
        outcomes[found.kind] = (outcomes[found.kind] ?? 0) + 1;
        // Values of foreign members may hold an entry's key twice; those are the only ones that are refused.
        if (found.kind === 'unreadable') return expect(found.reason).toBe('ambiguous');
        const output = found.kind === 'filtered' ? found.bytes : bytes;
        // Text, so that the order of keys counts too.
        expect(JSON.stringify(JSON.parse(output.toString()))).toBe(
          JSON.stringify(filterParsed(JSON.parse(text), isShown)),
        );
        expect(isSubsequence(output, bytes)).toBe(true);
        expect(found.kind === 'filtered').toBe(output.length < bytes.length);
      }),
      { numRuns: 6000 },
    );
    expect(outcomes['filtered']).toBeGreaterThan(1000);
    expect(outcomes['unchanged']).toBeGreaterThan(500);
    expect(outcomes['unreadable'] ?? 0).toBeLessThan(300);
  });

  it('name-leak: whatever is damaged, what comes out is JSON without hidden names', () => {
    let readable = 0;
    fc.assert(
      fc.property(
        answer.chain((text) => mutate(Buffer.from(text))),
        (bytes) => {
          const found = filterList(bytes, filter);
          if (found.kind === 'unreadable') return;
          readable++;
          const output = found.kind === 'filtered' ? found.bytes : bytes;
          const parsed = JSON.parse(output.toString()) as unknown;
          expect(JSON.stringify(parsed)).toBe(JSON.stringify(filterParsed(structuredClone(parsed), isShown)));
        },
      ),
      { numRuns: 6000 },
    );
    expect(readable).toBeGreaterThan(500);
  });
});
