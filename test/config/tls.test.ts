import { describe, expect, it } from 'vitest';
import { printConfig } from '../../src/config/print.ts';
import type { AcmeConfig, TlsConfig } from '../../src/config/tls-config.ts';
import { configOf, cwd, loadText, problemsOf } from './load-text.ts';

type Overrides = Parameters<typeof configOf>[1];

const route = 'routes: [{ upstream: 8000 }]\n';
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';
const hmacKey = 'A1b2C3d4E5f6G7h8I9j0';

async function tlsOf(text: string, overrides?: Overrides): Promise<TlsConfig> {
  return (await configOf(`${route}${text}\n`, overrides)).tls;
}

async function acmeOf(text: string, overrides?: Overrides): Promise<AcmeConfig> {
  const { automatic } = await tlsOf(text, overrides);
  if (automatic.kind !== 'acme') throw new Error(`certificates come from ${automatic.kind}`);
  return automatic;
}

describe('who signs', () => {
  it.each([
    ['', 'local-ca'],
    [
      'domains: [nas.local, localhost, app.test, box.lan, a.internal, 10.0.0.1, "::1", host.home.arpa]',
      'local-ca',
    ],
    ['domains: [mcp.example.com]', 'acme'],
    ['domains: [203.0.113.7]', 'acme'],
    ['domains: [mcp.example.com]\ntls: { policy: modern }', 'acme'],
    ['domains: [mcp.example.com]\ntls: { cert: c, key: k }', 'none'],
    ['tls: { cert: c, key: k }', 'none'],
    ['tls: { certificates: [{ cert: c, key: k }] }', 'none'],
    ['domains: [mcp.example.com]\ntls: { cert: c, key: k, acme: true }', 'acme'],
    ['domains: [nas.local]\ntls: { acme: { directory: "https://ca.lan/acme/directory" } }', 'acme'],
    ['domains: ["*.example.com"]\ntls: { cert: c, key: k, acme: {} }', 'acme'],
    ['tls: { acme: { on_demand: { ask: "http://127.0.0.1:9000/ask" } } }', 'acme'],
  ])('after %j is %s', async (text, kind) => {
    expect((await tlsOf(text)).automatic.kind).toBe(kind);
  });

  it("is Let's Encrypt for a public name, with terms that nobody accepted yet", async () => {
    expect(await acmeOf('domains: [mcp.example.com]')).toEqual({
      kind: 'acme',
      issuers: [
        {
          directory: letsEncrypt,
          title: "Let's Encrypt",
          email: undefined,
          termsAccepted: false,
          profile: undefined,
          preferredChain: undefined,
          ca: undefined,
          eab: undefined,
        },
      ],
      challenges: ['http-01', 'tls-alpn-01'],
      dns: undefined,
      onDemand: undefined,
    });
  });
});

describe('ACME', () => {
  it('takes every setting', async () => {
    const text = `
domains: [mcp.example.com, "*.mcp.example.com"]
tls:
  cert: own.pem
  key: own.key
  passphrase_file: own.pass
  certificates: [{ cert: /other.pem, key: /other.key, passphrase_env: KEY_PASS }]
  acme:
    email: ops@example.com
    accept_terms: true
    directory: https://ca.example.com:14000/dir
    profile: shortlived
    chain: Example Root X2
    ca: roots/ca.pem
    eab: { kid: k1, hmac_key_file: eab.txt }
    challenges: [dns-01, tls-alpn-01, dns-01]
    dns: { command: [./hook, --zone, example.com], wait: 2m }
    fallback:
      - { directory: google, eab: { kid: k2, hmac_key_env: GTS_KEY } }
      - { directory: letsencrypt, email: other@example.com, accept_terms: true }
    on_demand: { ask: "https://ask.example.com/may?x=1", per_hour: 5 }
  policy: modern
  clients: { ca: clients.pem, crl: revoked.pem, required: false }
`;
    const env = { KEY_PASS: 'hunter2', GTS_KEY: `${hmacKey}+/==` };
    const tls = await tlsOf(text, { env, files: { [`${cwd}/eab.txt`]: `${hmacKey}\n` } });
    expect(tls).toEqual({
      files: [
        {
          cert: `${cwd}/own.pem`,
          key: `${cwd}/own.key`,
          passphrase: { kind: 'file', path: `${cwd}/own.pass` },
        },
        {
          cert: '/other.pem',
          key: '/other.key',
          passphrase: { kind: 'environment', name: 'KEY_PASS', value: 'hunter2' },
        },
      ],
      automatic: {
        kind: 'acme',
        issuers: [
          {
            directory: 'https://ca.example.com:14000/dir',
            title: 'ca.example.com:14000',
            email: 'ops@example.com',
            termsAccepted: true,
            profile: 'shortlived',
            preferredChain: 'Example Root X2',
            ca: `${cwd}/roots/ca.pem`,
            eab: { kid: 'k1', hmacKey, hmacKeySource: { kind: 'file', path: `${cwd}/eab.txt` } },
          },
          {
            directory: 'https://dv.acme-v02.api.pki.goog/directory',
            title: 'Google Trust Services',
            email: 'ops@example.com',
            termsAccepted: false,
            profile: undefined,
            preferredChain: undefined,
            ca: undefined,
            eab: {
              kid: 'k2',
              hmacKey: `${hmacKey}-_`,
              hmacKeySource: { kind: 'environment', name: 'GTS_KEY' },
            },
          },
          {
            directory: letsEncrypt,
            title: "Let's Encrypt",
            email: 'other@example.com',
            termsAccepted: true,
            profile: undefined,
            preferredChain: undefined,
            ca: undefined,
            eab: undefined,
          },
        ],
        challenges: ['dns-01', 'tls-alpn-01'],
        dns: { command: [`${cwd}/hook`, '--zone', 'example.com'], wait: 120_000 },
        onDemand: { ask: 'https://ask.example.com/may?x=1', perHour: 5 },
      },
      policy: 'modern',
      clients: { ca: `${cwd}/clients.pem`, crl: `${cwd}/revoked.pem`, required: false },
    });
  });

  const domain = 'domains: [mcp.example.com]\n';

  it.each([
    ['acme: { staging: true }', 'https://acme-staging-v02.api.letsencrypt.org/directory'],
    [
      'acme: { directory: letsencrypt, staging: true }',
      'https://acme-staging-v02.api.letsencrypt.org/directory',
    ],
    ['acme: { directory: letsencrypt-staging }', 'https://acme-staging-v02.api.letsencrypt.org/directory'],
    ['acme: true', letsEncrypt],
  ])('%s asks %s', async (tls, directory) => {
    expect((await acmeOf(`${domain}tls: { ${tls} }`)).issuers.map((issuer) => issuer.directory)).toEqual([
      directory,
    ]);
  });

  it.each([
    ['', ['http-01', 'tls-alpn-01']],
    ['plain_http: false', ['tls-alpn-01']],
    ['tls: { acme: { dns: { command: hook } } }', ['dns-01']],
    ['plain_http: false\ntls: { acme: { challenges: [http-01, tls-alpn-01] } }', ['tls-alpn-01']],
  ])('after %j proves names by %j', async (text, challenges) => {
    expect((await acmeOf(domain + text)).challenges).toEqual(challenges);
  });

  it('proves addresses by connections even where there is a DNS command', async () => {
    const text = 'domains: [203.0.113.7, "*.example.com"]\ntls: { acme: { dns: { command: hook } } }';
    expect((await acmeOf(text)).challenges).toEqual(['dns-01', 'http-01', 'tls-alpn-01']);
  });

  it('looks for a bare program in PATH and for one with a slash beside the file', async () => {
    const dns = (command: string): Promise<AcmeConfig> =>
      acmeOf(`${domain}tls: { acme: { dns: { command: ${command} } } }`);
    expect((await dns('hook')).dns).toEqual({ command: ['hook'], wait: 30_000 });
    expect((await dns('bin/hook')).dns?.command).toEqual([`${cwd}/bin/hook`]);
  });

  it('takes email, staging and terms from flags over the environment over the file', async () => {
    const env = { BREAKWATER_TLS_ACME_EMAIL: 'env@example.com', BREAKWATER_TLS_ACME_STAGING: 'true' };
    const text = `${domain}tls: { acme: true }`;
    const flags = { email: 'flag@example.com', acceptTerms: true };
    const [fromEnvironment] = (await acmeOf(text, { env })).issuers;
    expect(fromEnvironment).toMatchObject({ email: 'env@example.com', title: "Let's Encrypt (staging)" });
    const [fromFlags] = (await acmeOf(text, { env, flags })).issuers;
    expect(fromFlags).toMatchObject({ email: 'flag@example.com', termsAccepted: true });
    const [alone] = (await acmeOf(domain, { flags: { staging: true } })).issuers;
    expect(alone).toMatchObject({ title: "Let's Encrypt (staging)", termsAccepted: false });
  });

  it('lets the terms of each authority be accepted apart', async () => {
    const fallback =
      'tls: { acme: { directory: "https://ca.example/d", fallback: [{ directory: letsencrypt }] } }';
    const { issuers } = await acmeOf(domain + fallback, { flags: { acceptTerms: true } });
    expect(issuers.map(({ termsAccepted }) => termsAccepted)).toEqual([true, false]);
  });
});

describe('client certificates', () => {
  const clients = 'tls: { clients: { ca: clients.pem } }\n';

  it('are demanded of every connection unless the routes shall ask', async () => {
    expect((await tlsOf(clients)).clients).toMatchObject({ required: true, crl: undefined });
  });

  it('are admitted by subject', async () => {
    const { routes } = await configOf(
      `${clients}auth: { certificates: [{ name: ci, subject: "CN=ci, O=Example" }] }\nroutes: [{ upstream: 1 }]\n`,
    );
    expect(routes[0]?.auth).toEqual({
      kind: 'required',
      keys: undefined,
      certificates: [{ name: 'ci', subject: 'CN=ci, O=Example' }],
      oauth: undefined,
    });
  });

  it.each(['DNS:ci.example.com', 'URI:spiffe://example.com/ci', 'email:ci@example.com', 'O=Example, CN=ci'])(
    '%s is a subject',
    async (subject) => {
      const auth = JSON.stringify({ certificates: [{ name: 'a', subject }] });
      await expect(tlsOf(`${clients}auth: ${auth}`)).resolves.toBeDefined();
    },
  );

  it.each(['ci', '', 'DNS:', 'dns:a', 'URI:a b', 'CN=', 'CN=a\nO=b'])('%j is none', async (subject) => {
    const auth = JSON.stringify({ certificates: [{ name: 'a', subject }] });
    expect(await problemsOf(`${route}${clients}auth: ${auth}`)).toEqual([
      'E_CONFIG_VALUE: `auth.certificates[0].subject` is not a subject',
    ]);
  });

  it('that are demanded close the door that `danger_allow_public` opens', async () => {
    const warnings = async (tls: string): Promise<unknown> => {
      const loaded = await loadText(`${route}${tls}danger_allow_public: true\n`);
      return loaded.ok && loaded.value.warnings.map(({ code }) => code);
    };
    expect(await warnings(clients)).toEqual([]);
    expect(await warnings('')).toEqual(['E_CONFIG_RISK']);
  });
});

describe('the printed configuration', () => {
  const env = { KEY_PASS: 'Hunter2', HMAC: hmacKey };
  const texts: readonly (readonly [name: string, text: string])[] = [
    ['the default for a public name', 'domains: [mcp.example.com]'],
    ['a pair of files', 'tls: { cert: c, key: k, passphrase_env: KEY_PASS }'],
    [
      'a list of files',
      'tls: { certificates: [{ cert: c, key: k, passphrase_file: p }, { cert: d, key: e }] }',
    ],
    [
      'an authority with everything',
      'domains: [mcp.example.com]\ntls: { acme: { staging: true, email: a@example.com, profile: p, chain: c, ca: r, eab: { kid: k, hmac_key_env: HMAC }, dns: { command: [h, x] }, fallback: [{ directory: "https://a.example/d" }], on_demand: { ask: "http://a/" } } }',
    ],
    ['client certificates', 'tls: { policy: modern, clients: { ca: a, crl: b } }'],
  ];

  it.each(texts)('of %s means the same when it is read again, and holds no secret', async (_name, text) => {
    const loaded = await loadText(`${route}${text}\n`, { env });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const { config, provenance } = loaded.value;
    const printed = printConfig(config, provenance);
    expect(await configOf(printed, { env })).toEqual(config);
    expect(printed).not.toMatch(/Hunter2|A1b2/);
  });

  it('tells where a value comes from', async () => {
    const loaded = await loadText(`${route}tls: { certificates: [{ cert: c, key: k }] }\n`);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    expect(printConfig(loaded.value.config, loaded.value.provenance)).toMatch(
      /- cert: \/srv\/gateway\/c +# breakwater\.yaml:2:31/,
    );
  });
});
