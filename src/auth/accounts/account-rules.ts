import { fail, ok, type Result } from '../../lib/result.ts';

const minPasswordLength = 12;
/** In characters: more is no safer, and hashing it is work for whoever sends it. */
const MAX_PASSWORD = 1024;

/** One form for what different keyboards send for the same characters (RFC 8265 section 4.2: NFC). */
export function toPasswordForm(password: string): string {
  return password.normalize('NFC');
}

/** Whether a password may be tried at all. */
export function isPossiblePassword(password: string): boolean {
  // HMAC, within scrypt, cannot tell a password from the same one with NULs at its end (RFC 2104 section 2).
  return password !== '' && password.length <= MAX_PASSWORD && !password.includes('\0');
}

/** Long enough, and nothing else: rules of composition make passwords no better (NIST SP 800-63B section 3.1.1.2). */
export function checkNewPassword(password: string): Result<string, string> {
  const form = toPasswordForm(password);
  const { length } = Array.from(form);
  if (length < minPasswordLength)
    return fail(`the password has ${length} characters, of ${minPasswordLength} at least`);
  if (!isPossiblePassword(form))
    return fail(`the password has more than ${MAX_PASSWORD} characters, or a NUL`);
  return ok(form);
}

/** Reads the name of an account: letters, digits and `._@+-`, 64 at most. Case does not matter, so that no two look alike. */
export function parseAccountName(text: string): Result<string, string> {
  const name = text.toLowerCase();
  return /^[a-z0-9][a-z0-9._@+-]{0,63}$/.test(name)
    ? ok(name)
    : fail(
        'a name has letters, digits and `._@+-`, begins with a letter or digit and has 64 characters at most',
      );
}

/** Reads an e-mail address, loosely: one `@` with something on both sides. */
export function parseEmail(text: string): Result<string, string> {
  return text.length <= 254 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(text)
    ? ok(text)
    : fail('write an address such as `alice@example.com`');
}
