import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanEnvelope, type EnvelopeResult } from '../../src/mcp/envelope.ts';
import { expectEnvelope } from './envelope-oracle.ts';
import { bodyText, messageText, mutate } from './message-arbitrary.ts';

function check(body: Buffer): EnvelopeResult {
  const result = scanEnvelope(body);
  const expected = expectEnvelope(body);
  if (result.kind !== 'refused') {
    const { ...facts } = result;
    if (facts.kind === 'request' || facts.kind === 'response') checkId(body, facts.id);
    expect({ ...facts, id: undefined }).toEqual({ ...expected, id: undefined });
    return result;
  }
  expect(expected.kind).toBe('refused');
  if (expected.reason !== undefined) expect(expected.reason).toContain(result.reason);
  else expect(result.reason).toMatch(/^(duplicate-key|case-twin|not-json-rpc)$/);
  if (result.id !== 'null') checkId(body, result.id);
  return result;
}

function checkId(body: Buffer, id: string): void {
  const text = body.toString();
  // The scanner accepted the text as JSON, so it has one top-level object.
  const message = JSON.parse(text) as { id?: unknown };
  expect(JSON.parse(id)).toEqual(message.id ?? null);
  if (id !== 'null') expect(text).toContain(id);
}

describe('scanEnvelope against JSON.parse', () => {
  it('reads every message and batch as JSON.parse does, or refuses it for a reason JSON.parse cannot see', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(bodyText, (text) => {
        const result = check(Buffer.from(text));
        const label = result.kind === 'refused' ? result.reason : result.kind;
        seen.set(label, (seen.get(label) ?? 0) + 1);
      }),
      { numRuns: 3000 },
    );
    // The generator must reach all of these, or the property proves little.
    const reached = [
      'request',
      'notification',
      'response',
      'batch',
      'duplicate-key',
      'case-twin',
      'not-json-rpc',
    ];
    expect([...seen.keys()]).toEqual(expect.arrayContaining(reached));
  });

  it('gives the same verdict on messages with damaged bytes', () => {
    let readable = 0;
    fc.assert(
      fc.property(
        messageText.chain((text) => mutate(Buffer.from(text))),
        (body) => {
          const result = check(body);
          if (result.kind !== 'refused' || !/^not-(json|utf8)$/.test(result.reason)) readable++;
        },
      ),
      { numRuns: 6000 },
    );
    expect(readable).toBeGreaterThan(500);
  });

  it('gives the same verdict on any bytes', () => {
    const soup = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'a', '\\', ' ', 'null', '"id"'),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(soup, (parts) => void check(Buffer.from(parts.join('')))),
      { numRuns: 5000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void check(Buffer.from(bytes))));
  });
});
