import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanEnvelope, type EnvelopeResult } from '../../src/mcp/envelope.ts';
import { expectEnvelope } from './envelope-oracle.ts';
import { bodyText, messageText, mutate } from './message-arbitrary.ts';

const semantic: readonly string[] = ['duplicate-key', 'case-twin', 'not-json-rpc'];

/** What the scanner and the oracle disagree on; `undefined` when they agree. */
function findDisagreement(body: Buffer, result: EnvelopeResult): string | undefined {
  const expected = expectEnvelope(body);
  const both = JSON.stringify({ text: body.toString('latin1'), result, expected });
  if ('id' in result && result.id !== 'null' && !isRawId(body, result.id)) return `id: ${both}`;
  if (result.kind === 'refused') {
    const { reason = semantic } = expected;
    return expected.kind === 'refused' && reason.includes(result.reason) ? undefined : both;
  }
  return isDeepStrictEqual({ ...result, id: undefined }, { ...expected, id: undefined }) ? undefined : both;
}

function isRawId(body: Buffer, id: string): boolean {
  const text = body.toString();
  // The scanner names an id only where the whole text is one JSON object.
  const message = JSON.parse(text) as { readonly id: unknown };
  return text.includes(id) && Object.is(JSON.parse(id), message.id);
}

function toLabel(result: EnvelopeResult): string {
  return result.kind === 'refused' ? result.reason : result.kind;
}

describe('scanEnvelope against JSON.parse', { timeout: 30_000 }, () => {
  it('reads every message and batch as JSON.parse does, or refuses what JSON.parse cannot see', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(bodyText, (text) => {
        const body = Buffer.from(text);
        const result = scanEnvelope(body);
        seen.add(toLabel(result));
        if (result.kind === 'request' && result.ref !== undefined) seen.add(`ref/${result.ref.kind}`);
        expect(findDisagreement(body, result)).toBeUndefined();
      }),
      { numRuns: 4000 },
    );
    // The generator must reach all of these, or the property proves little.
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'request',
        'notification',
        'response',
        'batch',
        'ref/prompt',
        'ref/resource',
        ...semantic,
      ]),
    );
  });

  it('gives the same verdict on messages with damaged bytes', () => {
    let readable = 0;
    fc.assert(
      fc.property(
        messageText.chain((text) => mutate(Buffer.from(text))),
        (body) => {
          const result = scanEnvelope(body);
          if (!/^not-(json|utf8)$/.test(toLabel(result))) readable++;
          expect(findDisagreement(body, result)).toBeUndefined();
        },
      ),
      { numRuns: 6000 },
    );
    expect(readable).toBeGreaterThan(500);
  });

  it('gives the same verdict on any bytes', () => {
    const soup = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'a', '\\', ' ', 'null', '"id"'),
      { maxLength: 12 },
    );
    const bodies = fc.oneof(
      soup.map((parts) => Buffer.from(parts.join(''))),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        expect(findDisagreement(body, scanEnvelope(body))).toBeUndefined();
      }),
      { numRuns: 5000 },
    );
  });
});
