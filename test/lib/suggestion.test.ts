import { describe, expect, it } from 'vitest';
import { suggestion } from '../../src/lib/suggestion.ts';

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
