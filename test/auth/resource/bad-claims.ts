import {
  goodClaims,
  goodHeader,
  signGood,
  signParts,
  type BadToken,
  type TokenFacts,
  type TokenMint,
} from './bad-token.ts';

type Claims = Record<string, unknown>;

/** What the names of the cases are made with. */
const sample: TokenFacts = {
  issuer: 'https://id.example.com',
  resource: 'https://mcp.example.com/mcp',
  seconds: 1_800_000_000,
};

/** Signed as they should be, by the key of the issuer: nothing but what they say is wrong. */
export const badClaims: readonly BadToken[] = [
  ...vary('issuer', ({ issuer }) => {
    const { hostname, port } = new URL(issuer);
    return [
      `${issuer}/`,
      issuer.replace('http', 'HTTP'),
      `${issuer}.evil.example.net`,
      ` ${issuer}`,
      `${issuer} `,
      `${issuer}\u0000`,
      `${issuer}#`,
      `${issuer}?`,
      `${issuer}/.`,
      `${issuer}@evil.example.net`,
      issuer.replace(hostname, `evil.example.net@${hostname}`),
      port === '' ? `${issuer}:443` : issuer.replace(port, `0${port}`),
      issuer.replace(/^https?/, 'ftp'),
      issuer.replace(hostname, hostname.replace('.', '%2e')),
      issuer.replace(hostname, hostname.replace('.', '\u3002')),
      issuer.replace('h', '\u04bb'),
      'https://other.example.com',
      '__proto__',
      'constructor',
      '',
      7,
      null,
      undefined,
      [issuer],
      { toString: issuer },
    ].map((iss) => ({ iss }));
  }),
  ...vary('audience-confusion', ({ resource }) => {
    const { origin, pathname, host } = new URL(resource);
    return [
      undefined,
      null,
      '',
      origin,
      `${resource}2`,
      `${resource}//`,
      `${resource}/tools`,
      `${origin}${pathname.toUpperCase()}`,
      `${origin}/%${pathname.charCodeAt(1).toString(16)}${pathname.slice(2)}`,
      `${origin}/x/..${pathname}`,
      `${resource}?x`,
      `${resource}#x`,
      `${resource}\u0000`,
      `${resource} x`,
      `x,${resource}`,
      ` ${resource}`,
      resource.replace('https:', 'http:'),
      resource.replace('https:', 'HTTPS:'),
      resource.replace(host, `a@${host}`),
      resource.replace(host, `${host}:443`),
      resource.replace(host, `${host}.`),
      '*',
      [],
      {},
      7,
      true,
      ['x'],
      [''],
      [[resource]],
      [{ aud: resource }],
      { 0: resource, length: 1 },
      JSON.stringify([resource]),
    ]
      .map((aud): Claims => ({ aud }))
      .concat([
        { aud: 'a-client', azp: resource },
        { aud: undefined, resource },
      ]);
  }),
  ...vary('expiry', ({ seconds }) =>
    [
      undefined,
      null,
      0,
      -1,
      -1e15,
      seconds,
      seconds - 1,
      seconds - 86_400,
      String(seconds + 600),
      '9999999999',
      '1e400',
      'soon',
      '',
      {},
      { $gt: 0 },
      [seconds + 600],
      true,
      false,
    ].map((exp) => ({ exp })),
  ),
  ...(['nbf', 'iat'] as const).flatMap((claim) =>
    vary(claim, ({ seconds }) =>
      [seconds + 60, seconds + 600, seconds * 1000, String(seconds), '0', {}, [seconds], null, true].map(
        (time) => ({
          [claim]: time,
        }),
      ),
    ),
  ),
  ...vary('subject', () =>
    [undefined, '', 7, null, {}, ['alice'], true, 'x'.repeat(1025)].map((sub) => ({ sub })),
  ),
  ...vary('kinds of values', () =>
    [7, {}, true].flatMap((odd) => [
      { client_id: odd },
      { scope: odd },
      { scope: [odd] },
      { groups: odd },
      { groups: ['staff', odd] },
    ]),
  ),
  ...vary('letter case', ({ issuer, resource, seconds }) => [
    { iss: undefined, Iss: issuer },
    { aud: undefined, AUD: resource },
    { exp: undefined, Exp: seconds + 600 },
    { sub: undefined, Sub: 'alice' },
  ]),
  ...write('duplicate-claims', (json, { seconds }) => [
    `{"sub":"mallory",${json.slice(1)}`,
    `${json.slice(0, -1)},"sub":"mallory"}`,
    `${json.slice(0, -1)},"s\\u0075b":"mallory"}`,
    `{"exp":${seconds - 1},${json.slice(1)}`,
    `{"aud":"https://other.example.com",${json.slice(1)}`,
    `{"iss":"https://other.example.com",${json.slice(1)}`,
    `${json.slice(0, -1)},"act":{"sub":"a","sub":"b"}}`,
    `${json.slice(0, -1)},"__proto__":{}}`,
    `${json.slice(0, -1)},"act":{"__proto__":{"sub":"root"}}}`,
  ]),
  ...write('odd numbers', (json, { seconds }) =>
    [
      '1e400',
      '-1e400',
      '1e-400',
      'NaN',
      'Infinity',
      `0${seconds + 600}`,
      `+${seconds + 600}`,
      '0xffffffff',
    ].map((exp) => json.replace(/"exp":\d+/, `"exp":${exp}`)),
  ),
  ...write('odd payloads', (json) => [
    `${json}x`,
    `${json}{}`,
    `${json}\u0000`,
    `[${json}]`,
    JSON.stringify(json),
    `/**/${json}`,
    json.replace(/\}$/, ',}'),
    json.replaceAll('"', "'"),
    json.replace('"alice"', '"ali\nce"'),
    `${json.slice(0, -1)},"deep":${'['.repeat(17)}${']'.repeat(17)}}`,
    'null',
    'true',
    '7',
    '{}',
    '[]',
    '{',
    '',
    `${json.slice(0, -1)},"deep":${'['.repeat(2000)}${']'.repeat(2000)}}`,
  ]),
  { name: 'not UTF-8', build: (mint) => signBytes(mint, Buffer.from([0x22, 0x61, 0xff, 0x22])) },
  { name: 'not UTF-8: overlong', build: (mint) => signBytes(mint, Buffer.from([0x22, 0xc0, 0xaf, 0x22])) },
  {
    name: 'UTF-16',
    build: (mint) => signParts(mint.signer, goodHeader, Buffer.from(toJson(mint), 'utf16le')),
  },
  {
    name: 'nested: signed around a good token',
    build: async (mint) => signParts(mint.signer, { ...goodHeader, cty: 'JWT' }, await signGood(mint)),
  },
  {
    name: 'compressed',
    build: (mint) =>
      signParts(mint.signer, { ...goodHeader, zip: 'DEF' }, Buffer.from('q1YqSyxSAgA', 'base64')),
  },
];

function toJson(facts: TokenFacts): string {
  return JSON.stringify(goodClaims(facts));
}

/** One token for each set of changed claims. How many there are does not depend on the mint. */
function vary(attack: string, changes: (facts: TokenFacts) => readonly Claims[]): BadToken[] {
  return changes(sample).map((change, index) => ({
    name: `${attack}: ${toLabel(change)}`,
    build: (mint) => signParts(mint.signer, goodHeader, { ...goodClaims(mint), ...changes(mint)[index] }),
  }));
}

/** One token for each payload as text. */
function write(attack: string, toTexts: (json: string, facts: TokenFacts) => readonly string[]): BadToken[] {
  return toTexts(toJson(sample), sample).map((_text, index) => ({
    name: `${attack}: ${index + 1}`,
    build: (mint) => signParts(mint.signer, goodHeader, toTexts(toJson(mint), mint)[index]),
  }));
}

function signBytes(mint: TokenMint, subject: Buffer): string {
  const [before = '', after = ''] = toJson(mint).split('"alice"');
  const payload = Buffer.concat([Buffer.from(before), subject, Buffer.from(after)]);
  return signParts(mint.signer, goodHeader, payload);
}

function toLabel(change: Claims): string {
  const parts = Object.entries(change).map(
    ([name, value]) => `${name} ${(JSON.stringify(value) ?? 'absent').slice(0, 60)}`,
  );
  return parts.join(', ');
}
