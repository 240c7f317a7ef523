import { goodClaims, signGood, toPart, type BadToken, type TokenMint } from './bad-token.ts';

/** What is no signed token at all, or a good one spelled in another way. */
export const badTexts: readonly BadToken[] = [
  ...[
    '',
    '.',
    '..',
    '...',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    ' ',
    '\u00e9',
    '"',
    '{}',
    'null',
    'undefined',
    'Bearer',
  ].map((text): BadToken => ({ name: `not a token: ${JSON.stringify(text)}`, build: () => text })),
  { name: 'opaque', build: () => 'opaque' },
  { name: 'encrypted', build: () => 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA' },
  {
    name: 'encrypted: with a public key',
    build: () => `${toPart({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'one', typ: 'JWE' })}.AA.AA.AA.AA`,
  },
  ...respell('base64-malleability', {
    'padding behind': (token) => `${token}=`,
    'two paddings behind': (token) => `${token}==`,
    'padding in the header': (token) => token.replace('.', '=.'),
    'padding in the payload': (token) => token.replace(/\.(?=[^.]*$)/, '=.'),
    'line feed behind': (token) => `${token}\n`,
    'line feed inside': (token) => token.replace('.', '\n.'),
    'blank behind': (token) => `${token} `,
    'blank before': (token) => ` ${token}`,
    'NUL behind': (token) => `${token}\0`,
    'byte order mark before': (token) => `\ufeff${token}`,
    'a foreign character inside': (token) => token.replace('.', '!.'),
    'another dot between': (token) => token.replace('.', '..'),
    'dot behind': (token) => `${token}.`,
    'dot before': (token) => `.${token}`,
    'its header twice': (token) => `${token.slice(0, token.indexOf('.'))}.${token}`,
    'a fourth part': (token) => `${token}.AAAA`,
    'percent-encoded dots': (token) => token.replaceAll('.', '%2e'),
    'the other alphabet': (token) => `${token.slice(0, -4)}+/+/`,
    'unused bits of the signature': (token) => token.slice(0, -1) + toSibling(token.slice(-1)),
    'quotes around': (token) => `"${token}"`,
    'two tokens': (token) => `${token},${token}`,
    'its hash': (token) => toPart(token).slice(0, 43),
    'in base64 once more': (token) => toPart(token),
  }),
  ...respell('json-serialization', {
    flattened: (token) => JSON.stringify(toMembers(token)),
    general: (token) => {
      const { payload, ...rest } = toMembers(token);
      return JSON.stringify({ payload, signatures: [rest] });
    },
    'flattened, in base64': (token) => toPart(JSON.stringify(toMembers(token))),
  }),
  ...[8193, 16_384, 1_000_000].map((length): BadToken => ({
    name: `too long: ${length}`,
    build: () => 'x'.repeat(length),
  })),
  {
    name: 'too long: a good one that says much',
    build: (mint) => mint.signer.sign({ ...goodClaims(mint), much: 'x'.repeat(8000) }),
  },
  { name: 'too long: a part', build: () => `${'x'.repeat(1_000_000)}.y.z` },
  { name: 'too long: dots', build: () => '.'.repeat(1_000_000) },
];

/** A good token in spellings that careless readers take for the same. */
function respell(attack: string, spellings: Readonly<Record<string, (token: string) => string>>): BadToken[] {
  return Object.entries(spellings).map(([name, spell]) => ({
    name: `${attack}: ${name}`,
    build: async (mint: TokenMint) => spell(await signGood(mint)),
  }));
}

function toMembers(token: string): { protected: string; payload: string; signature: string } {
  const [head = '', payload = '', signature = ''] = token.split('.');
  return { protected: head, payload, signature };
}

/** The next letter of base64url: where bits are left over at the end, the bytes stay what they are. */
function toSibling(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet.charAt(alphabet.indexOf(letter) + 1);
}
