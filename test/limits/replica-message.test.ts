import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLimits } from '../../src/limits/limits.ts';
import { createReplicaLimits } from '../../src/limits/replica-limits.ts';
import {
  formatReplicaMessage,
  parseReplicaMessage,
  splitNews,
  type ReplicaMessage,
} from '../../src/limits/replica-message.ts';
import { ManualClock } from '../support/manual-clock.ts';

const sender = { replica: '0000000000000001', member: '00000000000000aa', sequence: 7 } as const;
const news = {
  limits: 'x',
  taken: [[['key:ci', 2]]],
  running: [[['key:ci', { calls: 1, streams: 0 }]]],
} as const;
const good: readonly ReplicaMessage[] = [
  { ...sender, content: { kind: 'beat' } },
  { ...sender, content: { kind: 'ask', members: ['00000000000000ab'] } },
  { ...sender, content: { kind: 'news', news } },
  {
    ...sender,
    content: {
      kind: 'summary',
      isFirst: true,
      summary: { limits: 'x', spent: [[['\u0000192.0.2.1', 0.25]]], running: [[]] },
    },
  },
];

describe('messages of replicas', () => {
  it.each(good)('are read as they were written: $content.kind', (message) => {
    expect(parseReplicaMessage(formatReplicaMessage(message))).toEqual(message);
  });

  const change = (text: string, from: string, to: string): string => {
    expect(text).toContain(from);
    return text.replace(from, to);
  };
  const written = formatReplicaMessage({ ...sender, content: { kind: 'news', news } });
  it.each([
    ['a newer version', change(written, '"version":1', '"version":2')],
    ['no JSON', '{'],
    ['no object', '[1]'],
    ['nothing', ''],
    ['an unknown kind', change(written, '"kind":"news"', '"kind":"order"')],
    ['a foreign name', change(written, sender.member, '__proto__')],
    ['a negative sequence', change(written, '"sequence":7', '"sequence":-7')],
    ['a negative count', change(written, '["key:ci",2]', '["key:ci",-2]')],
    ['a count that is none', change(written, '["key:ci",2]', '["key:ci","2"]')],
    ['a count beyond all', change(written, '["key:ci",2]', '["key:ci",1e300]')],
    ['negative calls', change(written, '"calls":1', '"calls":-1')],
    ['an entry that is too long', change(written, '["key:ci",2]', '["key:ci",2,3]')],
    ['a key that is too long', change(written, '"key:ci",2', `"${'k'.repeat(9000)}",2`)],
    ['too many characters', `${written}${' '.repeat(300_000)}`],
  ])('channel-injection: are ignored with %s', (_name, text) => {
    expect(parseReplicaMessage(text)).toBeUndefined();
  });

  it('channel-injection: no text whatever makes the reader throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseReplicaMessage(text)).toBeUndefined();
      }),
    );
  });

  it('that are split say the same together', () => {
    const taken = [Array.from({ length: 3000 }, (_, n) => [`key:${n}`, n] as const), [['a', 1] as const]];
    const parts = splitNews({ limits: 'x', taken, running: [] });
    expect(parts.length).toBeGreaterThan(1);
    expect([0, 1].map((at) => parts.flatMap((part) => part.taken[at] ?? []))).toEqual(taken);
  });

  it('channel-injection: of a flood of members a thousand are kept, and each waits in vain for two allowances at most', () => {
    const clock = new ManualClock();
    let say: (text: string) => void = () => undefined;
    const published: string[] = [];
    const rates = [{ per: 'principal', requests: 4, within: 60_000, routes: [], tools: [] }] as const;
    const limits = createLimits({ rates, concurrency: [], clock, isShared: true });
    const sharing = createReplicaLimits({
      channel: {
        publish: async (text) => void published.push(text),
        listen(onMessage) {
          say = onMessage;
          return () => undefined;
        },
      },
      clock,
      replica: '0000000000000002',
      limits: () => limits,
      onAlone: () => undefined,
      onTogether: () => undefined,
    });
    sharing.tell(undefined);
    const summary = { limits: limits.summarise().limits, spent: [[['key:ci', 1e9]]], running: [] } as const;
    for (let n = 0; n < 3000; n++)
      say(
        formatReplicaMessage({
          ...sender,
          member: n.toString(16).padStart(16, '0'),
          content: { kind: 'summary', isFirst: false, summary },
        }),
      );
    clock.advance(50);
    sharing.tell(undefined);
    expect(published.join('').match(/[0-9a-f]{16}/g)?.length).toBeLessThan(1100);
    const outcome = limits.enter({
      principalId: 'key:ci',
      client: undefined,
      address: '192.0.2.1',
      route: '/mcp',
      tool: undefined,
      isStream: false,
    });
    expect(outcome.kind === 'limited' && outcome.retryAfter).toBe(75);
  });
});
