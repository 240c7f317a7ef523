import { describe, expect, it } from 'vitest';
import { checkNewPassword, parseAccountName, parseEmail } from '../../../src/auth/accounts/account-rules.ts';

describe('new passwords', () => {
  it.each(['twelve chars', 'aaaaaaaaaaaa', '🔑'.repeat(12), 'x'.repeat(1024)])('may be %j', (password) => {
    expect(checkNewPassword(password)).toEqual({ ok: true, value: password });
  });

  it.each(['', 'eleven char', '🔑'.repeat(11), 'e\u0301'.repeat(11), 'x'.repeat(1025), 'twelve chars\0'])(
    'may not be %j',
    (password) => {
      expect(checkNewPassword(password).ok).toBe(false);
    },
  );
});

describe('names of accounts', () => {
  it.each([
    ['alice', 'alice'],
    ['Alice.B-1@Example.com', 'alice.b-1@example.com'],
    ['a', 'a'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ])('%s', (text, name) => {
    expect(parseAccountName(text)).toEqual({ ok: true, value: name });
  });

  it.each(['', '.a', '-a', 'a b', 'a\n', 'a\u0000', 'älice', 'аlice', 'a/b', 'a:b', '<b>', 'x'.repeat(65)])(
    'not %j',
    (text) => {
      expect(parseAccountName(text).ok).toBe(false);
    },
  );
});

it('e-mail addresses are checked loosely', () => {
  for (const text of ['a@b', 'Alice+mcp@example.com']) expect(parseEmail(text).ok, text).toBe(true);
  for (const text of [
    '',
    '@',
    'a',
    'a@',
    '@b',
    'a b@c',
    'a@b@c',
    'a@b\u001b',
    `${'x'.repeat(250)}@b.example`,
  ]) {
    expect(parseEmail(text).ok, text).toBe(false);
  }
});
