import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAlternates } from '../../../src/tls/acme/certificate-download.ts';
import { acceptCertificate, type DeliveredCertificate } from '../../../src/tls/acme/delivered-certificate.ts';
import { createTestCertificate, createTestChain, type TestCertificate } from '../../support/certificates.ts';

type Chain = Awaited<ReturnType<typeof createTestChain>>;

const names = ['mcp.example.com', '192.0.2.1', '2001:db8::1'];
const day = 24 * 3_600_000;
const now = Date.UTC(2026, 8, 21);
const life = { notBefore: now - day, days: 30 };

let chain: Chain;
let other: Chain;

beforeAll(async () => {
  chain = await createTestChain({ names, ...life });
  other = await createTestChain({ names, ...life });
});

function parse(...certificates: readonly TestCertificate[]): X509Certificate[] {
  return certificates.map(({ cert }) => new X509Certificate(cert));
}

function deliver(changes: Partial<DeliveredCertificate> = {}): DeliveredCertificate {
  return {
    title: 'Example CA',
    certificates: parse(chain.leaf, chain.intermediate),
    key: createPrivateKey(chain.leaf.key),
    names,
    now,
    roots: [],
    ...changes,
  };
}

describe('acceptCertificate', () => {
  it('takes what was ordered, leaf first, with its key', () => {
    const issued = acceptCertificate(deliver());
    expect(issued.chain).toBe(
      parse(chain.leaf, chain.intermediate)
        .map((certificate) => certificate.toString())
        .join(''),
    );
    expect(createPrivateKey(issued.key).equals(createPrivateKey(chain.leaf.key))).toBe(true);
  });

  it('puts a chain in order, and keeps a root that came along', () => {
    const certificates = parse(chain.leaf, chain.root, chain.intermediate);
    const issued = acceptCertificate(deliver({ certificates }));
    expect(issued.chain.match(/BEGIN/g)).toHaveLength(3);
  });

  it('takes a leaf alone only right below a root that is known', () => {
    const roots = parse(chain.intermediate);
    expect(acceptCertificate(deliver({ certificates: parse(chain.leaf), roots })).chain).toContain('BEGIN');
    expect(() => acceptCertificate(deliver({ certificates: parse(chain.leaf) }))).toThrow('is missing');
  });

  it('takes a certificate whose time begins a little later, for the clocks', () => {
    expect(acceptCertificate(deliver({ now: now - day - 3_599_000 })).chain).toContain('BEGIN');
  });

  it.each<[string, () => Partial<DeliveredCertificate>, string]>([
    ['for another key', () => ({ key: createPrivateKey(other.leaf.key) }), 'another key'],
    ['without a name', () => ({ names: [...names, 'www.example.com'] }), 'does not name `www.example.com`'],
    ['with a name too many', () => ({ names: names.slice(0, 2) }), 'which was not ordered'],
    ['of the future', () => ({ now: now - day - 3_601_000 }), 'not valid before'],
    ['that has ended', () => ({ now: now + 29 * day }), 'it ended'],
    ['without anything', () => ({ certificates: [] }), 'there is none'],
    [
      "with another authority's intermediate of the same name",
      () => ({ certificates: parse(chain.leaf, other.intermediate) }),
      'did not sign',
    ],
    [
      'with a stranger at the end of the chain',
      () => ({ certificates: parse(chain.leaf, chain.intermediate, other.leaf) }),
      'did not sign',
    ],
    ['with the chain first', () => ({ certificates: parse(chain.intermediate, chain.leaf) }), 'another key'],
  ])('refuses a certificate %s', (_what, changes, reason) => {
    expect(() => acceptCertificate(deliver(changes()))).toThrow(reason);
    expect(() => acceptCertificate(deliver(changes()))).toThrow(
      expect.objectContaining({ code: 'E_ACME_CERTIFICATE' }) as Error,
    );
  });

  it('refuses a self-signed leaf that nobody vouches for', async () => {
    const lonely = await createTestCertificate({ names, ...life });
    const parts = { certificates: parse(lonely), key: createPrivateKey(lonely.key) };
    expect(() => acceptCertificate(deliver(parts))).toThrow('it is signed by itself');
  });
});

describe('parseAlternates', () => {
  it('finds the targets among other links, and makes them absolute', () => {
    const field =
      '<https://ca.example.com/dir>;rel="index", </cert/1/1>;rel="alternate", <https://ca.example.com/cert/1/2>; title="a, b"; rel=alternate';
    expect(parseAlternates(field, 'https://ca.example.com/cert/1')).toEqual([
      'https://ca.example.com/cert/1/1',
      'https://ca.example.com/cert/1/2',
    ]);
  });

  it('looks at eight chains at most, however many are offered', () => {
    const field = Array.from({ length: 1000 }, (_, index) => `</${index}>;rel="alternate"`).join(', ');
    expect(parseAlternates(field, 'https://ca.example.com/')).toHaveLength(8);
  });

  it('finds nothing where there is nothing', () => {
    expect(parseAlternates(undefined, 'https://ca.example.com/')).toEqual([]);
    expect(parseAlternates('<<<>>>;rel="alternates"', 'https://ca.example.com/')).toEqual([]);
  });
});
