import { fail, ok, type Result } from '../../lib/result.ts';

/** Reads the name of a key: letters, digits and `._@+-`, 64 at most. */
export function parseKeyName(text: string): Result<string, string> {
  return /^[A-Za-z0-9][\w.@+-]{0,63}$/.test(text)
    ? ok(text)
    : fail(
        'a name has letters, digits and `._@+-`, begins with a letter or digit and has 64 characters at most',
      );
}

/** Reads scopes between commas or spaces, each of them once (RFC 6749 section 3.3, without the comma). */
export function parseScopes(text: string): Result<readonly string[], string> {
  const scopes = text.split(/[, ]+/).filter((scope) => scope !== '');
  const odd = scopes.find((scope) => !/^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/.test(scope));
  return odd === undefined
    ? ok([...new Set(scopes)])
    : fail('a scope has letters, digits and punctuation but `"` and `\\`, 128 characters at most');
}
