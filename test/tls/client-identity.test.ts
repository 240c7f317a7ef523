import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { buildCertificateVerifier } from '../../src/auth/client-certificate.ts';
import {
  createClientCheck,
  toClientIdentity,
  type ClientIdentity,
} from '../../src/tls/handshake/client-identity.ts';
import {
  createClientAuthority,
  createClientCertificate,
  type ClientCertificateOptions,
} from '../support/client-certificates.ts';

const issuer = await createClientAuthority();
type Parts = Pick<ClientCertificateOptions, 'subject' | 'alternativeNames'>;

async function parse(parts: Parts): Promise<X509Certificate> {
  return new X509Certificate((await createClientCertificate({ issuer, ...parts })).cert);
}

async function identify(parts: Parts): Promise<ClientIdentity> {
  return toClientIdentity(await parse(parts));
}

/** The reading that does without escapes: what every spoof below would get through. */
function naiveSubject(certificate: X509Certificate): string {
  const unescaped = certificate.subject.replaceAll(String.raw`\0A`, '\n').replaceAll('\\', '');
  return unescaped.split('\n').toReversed().join(', ');
}

describe('the identity of a client', () => {
  it('is the subject on one line, the common name first, and its names', async () => {
    expect(
      await identify({
        subject: [{ C: ['AU'] }, { O: ['Example'] }, { CN: ['ci'] }],
        alternativeNames: [
          { type: 'dns', value: 'ci.example.com' },
          { type: 'url', value: 'spiffe://example.com/ci' },
          { type: 'email', value: 'ci@example.com' },
          { type: 'ip', value: '192.0.2.7' },
        ],
      }),
    ).toEqual({
      subject: 'CN=ci, O=Example, C=AU',
      names: ['DNS:ci.example.com', 'URI:spiffe://example.com/ci', 'email:ci@example.com'],
    });
  });

  it('may have no subject', async () => {
    expect(await identify({ subject: [], alternativeNames: [{ type: 'dns', value: 'a.test' }] })).toEqual({
      subject: '',
      names: ['DNS:a.test'],
    });
  });

  it('reads letters of every script', async () => {
    const subject = [{ CN: [{ utf8String: 'Grüße 世界' }] }];
    expect((await identify({ subject })).subject).toBe('CN=Grüße 世界');
  });
});

describe('a subject cannot pose as another, subject-spoofing', () => {
  const wanted = 'CN=ci, O=Example';

  it.each([
    ['a separator inside the common name', 'ci, O=Example'],
    ['a line end inside the common name', 'ci\nO=Example'],
    ['a line end the other way round', 'Example\nCN=ci'],
    ['a carriage return', 'ci\r\nO=Example'],
    ['a NUL behind the name', 'ci\0'],
    ['a plus sign', 'ci + O=Example'],
    ['a space in front', ' ci'],
    ['a space behind', 'ci '],
    ['a backslash', 'ci\\, O=Example'],
    ['quotes', '"ci", O=Example'],
  ])('%s', async (_what, commonName) => {
    const { subject } = await identify({ subject: [{ CN: [{ utf8String: commonName }] }] });
    expect(subject).not.toBe(wanted);
    expect(subject).not.toMatch(/[\r\n\0]/);
    expect(subject.startsWith('CN=')).toBe(true);
    expect(
      buildCertificateVerifier([{ name: 'ci', subject: wanted }])({ subject, names: [] }),
    ).toBeUndefined();
  });

  it('would with a reading that drops escapes', async () => {
    const certificate = await parse({ subject: [{ CN: [{ utf8String: 'ci, O=Example' }] }] });
    expect(naiveSubject(certificate)).toBe(wanted);
  });

  it('an organisation that holds a common name', async () => {
    const { subject } = await identify({ subject: [{ O: [{ utf8String: 'Example, CN=ci' }] }] });
    expect(subject).toBe(String.raw`O=Example\, CN=ci`);
  });

  it('two attributes of one part', async () => {
    const { subject } = await identify({ subject: [{ O: ['Example'], CN: ['ci'] }] });
    expect(subject).not.toBe(wanted);
  });
});

describe('a name cannot pose as another, alternative-name-spoofing (CVE-2021-44532)', () => {
  it.each([
    ['DNS', { type: 'dns', value: 'evil.test, DNS:ci.example.com' }],
    ['URI', { type: 'url', value: 'spiffe://evil.test/, URI:spiffe://example.com/ci' }],
    ['email', { type: 'email', value: 'evil@evil.test, email:ci@example.com' }],
    ['DNS with quotes', { type: 'dns', value: 'evil.test", DNS:ci.example.com, "' }],
    ['directory name', { type: 'dn', value: 'CN=evil\\, DNS:ci.example.com' }],
  ] as const)('in a %s entry', async (_what, entry) => {
    const { names } = await identify({ alternativeNames: [entry] });
    expect(names).toEqual([]);
  });

  it('does not lose the honest names beside it', async () => {
    const { names } = await identify({
      alternativeNames: [
        { type: 'dns', value: 'first.test' },
        { type: 'dns', value: 'evil.test, DNS:ci.example.com' },
        { type: 'url', value: 'spiffe://example.com/last' },
      ],
    });
    expect(names).toEqual(['DNS:first.test', 'URI:spiffe://example.com/last']);
  });
});

describe('what a handshake says', () => {
  const socketWith = (certificate: X509Certificate | undefined, authorized: boolean): TLSSocket =>
    // The check reads only these two.
    ({ authorized, getPeerX509Certificate: () => certificate }) as unknown as TLSSocket;

  it.each([
    ['a good certificate', true, true, { kind: 'known' }, { kind: 'known' }],
    ['a bad certificate', true, false, { kind: 'refused' }, { kind: 'refused' }],
    ['no certificate', false, false, { kind: 'anonymous' }, { kind: 'refused' }],
    [
      'a resumed session without one, authorized-without-certificate',
      false,
      true,
      { kind: 'refused' },
      { kind: 'refused' },
    ],
  ])('%s', async (_what, shown, authorized, optional, required) => {
    const socket = socketWith(shown ? await parse({}) : undefined, authorized);
    expect(createClientCheck({ required: false })(socket)).toMatchObject(optional);
    expect(createClientCheck({ required: true })(socket)).toMatchObject(required);
  });
});
