import { describe, expect, it } from 'vitest';
import { suggestion, toHint } from '../../src/lib/suggestion.ts';

const settings = ['listen', 'plain_http', 'domains', 'hosts', 'origins', 'tls', 'routes'];

describe('suggestions', () => {
  it.each([
    ['lisen', 'listen'],
    ['lsiten', 'listen'],
    ['Domain', 'domains'],
    ['plainhttp', 'plain_http'],
    ['tsl', 'tls'],
  ])('%s means %s', (word, meant) => {
    expect(suggestion(word, settings)).toBe(meant);
  });

  it.each(['', 'x', 'banana', 'upstreams_of_everything', 'x'.repeat(100_000)])(
    'has nothing for %.20s',
    (word) => {
      expect(suggestion(word, settings)).toBeUndefined();
    },
  );
});

describe('hints', () => {
  it('ask whether the candidate was meant', () => {
    expect(toHint('listen', 'see the list')).toBe('did you mean `listen`?');
  });

  it('say what else helps when none is close', () => {
    expect(toHint(undefined, 'see the list')).toBe('see the list');
  });
});
