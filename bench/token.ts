import { createHmac } from 'node:crypto';

/** Signs the token. HS256 is the cheapest check a proxy can make of a token, so it favours the one that makes it. */
export const tokenSecret = 'a-secret-of-the-benchmark-that-guards-nothing';

/**
 * The token of the secured rows: a JWT, so that a proxy which verifies signatures can do that, while the others take
 * it for the opaque key it is to them.
 */
export const token: string = createToken();

function createToken(): string {
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: 'bench', exp: 4_102_444_800 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signed = parts.join('.');
  return `${signed}.${createHmac('sha256', tokenSecret).update(signed).digest('base64url')}`;
}
