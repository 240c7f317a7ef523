import { X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Extension, id_ce_nameConstraints } from '@peculiar/asn1-x509';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localNameConstraints } from '../../../src/lib/local-names.ts';
import { loadAuthorityToTrust, readAuthorityToRemove } from '../../../src/tls/trust/own-authority.ts';
import { serverAuthentication, type CertificateFields } from '../../../src/tls/x509/certificate-fields.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import {
  createTrustMachine,
  resignAuthority,
  writeAuthority,
  type TrustMachine,
} from '../../support/trust-machine.ts';

const networks = localNameConstraints.filter((name) => name.includes('/'));
const domains = localNameConstraints.filter((name) => !name.includes('/'));
const clientAuthentication = '1.3.6.1.5.5.7.3.2';

let machine: TrustMachine;
beforeEach(async () => {
  machine = await createTrustMachine();
});
afterEach(() => machine.clean());

const authorityFile = (): string => join(machine.stateDir, 'local-ca', 'ca.pem');
const load = (): ReturnType<typeof loadAuthorityToTrust> =>
  loadAuthorityToTrust({ stateDir: machine.stateDir, now: Date.now() });

describe('the authority to trust', () => {
  it('is created on first use, and the same afterwards', async () => {
    const first = await load();
    expect(first.name).toBe(`Breakwater local CA ${first.mark}`);
    expect(first.file).toBe(authorityFile());
    expect((await load()).pem).toBe(first.pem);
    expect((await readAuthorityToRemove(machine.stateDir))?.pem).toBe(first.pem);
  });

  it('control: an authority written by the test with the fields of ours is accepted', async () => {
    const pem = await writeAuthority(machine.stateDir);
    expect((await load()).pem.trim()).toBe(pem.trim());
  });

  it('may permit less than today’s', async () => {
    await writeAuthority(machine.stateDir, (fields) => ({
      ...fields,
      nameConstraints: ['localhost', '127.0.0.0/8'],
    }));
    expect((await load()).mark).toMatch(/^[0-9a-f]{8}$/);
  });

  const replaced: readonly [string, (fields: CertificateFields) => CertificateFields, RegExp][] = [
    [
      'without name constraints',
      ({ nameConstraints: _none, ...rest }) => rest,
      /no name constraints, so it could sign for any site/,
    ],
    [
      'whose constraints allow a name of the internet',
      (fields) => ({ ...fields, nameConstraints: [...localNameConstraints, 'example.com'] }),
      /allow names of the internet/,
    ],
    [
      'whose constraints allow all addresses',
      (fields) => ({ ...fields, nameConstraints: [...domains, '0.0.0.0/0'] }),
      /allow names of the internet/,
    ],
    [
      'that limits addresses and leaves all names free',
      (fields) => ({ ...fields, nameConstraints: networks }),
      /leave a kind of name free/,
    ],
    [
      'that limits names and leaves all addresses free',
      (fields) => ({ ...fields, nameConstraints: domains }),
      /leave a kind of name free/,
    ],
    [
      'that lets further authorities stand below it',
      (fields) => ({ ...fields, basicConstraints: { ca: true } }),
      /further authorities below it/,
    ],
    [
      'that signs for clients, too',
      (fields) => ({ ...fields, extendedKeyUsage: [serverAuthentication, clientAuthentication] }),
      /more than servers/,
    ],
    [
      'that bears another name',
      (fields) => ({
        ...fields,
        issuer: { commonName: 'Example Root' },
        subject: { commonName: 'Example Root' },
      }),
      /does not bear the name/,
    ],
    [
      'that bears the mark of another key',
      (fields) => ({ ...fields, subject: { ...fields.subject, commonName: 'Breakwater local CA 00000000' } }),
      /does not bear the name/,
    ],
    [
      'that another authority issued',
      (fields) => ({ ...fields, issuer: { commonName: 'Example Root' } }),
      /not signed by its own key/,
    ],
  ];

  it.each(replaced)('is refused as a replaced file %s', async (_name, change, reason) => {
    await writeAuthority(machine.stateDir, change);
    await expect(load()).rejects.toMatchObject({
      code: 'E_TLS_STATE',
      message: expect.stringMatching(reason),
    });
    await expect(readAuthorityToRemove(machine.stateDir)).rejects.toMatchObject({ code: 'E_TLS_STATE' });
  });

  it('control: an authority that was signed anew unchanged is accepted', async () => {
    await writeAuthority(machine.stateDir);
    await resignAuthority(machine.stateDir, (extensions) => extensions);
    expect((await load()).mark).toMatch(/^[0-9a-f]{8}$/);
  });

  it('is refused when clients may overlook its name constraints', async () => {
    await writeAuthority(machine.stateDir);
    await resignAuthority(machine.stateDir, (extensions) =>
      extensions.map(({ extnID, extnValue, critical }) => {
        const isConstraint = extnID === id_ce_nameConstraints;
        return new Extension({ extnID, extnValue, critical: critical && !isConstraint });
      }),
    );
    await expect(load()).rejects.toThrow(/no name constraints/);
  });

  it('is refused when clients may choose among two name constraints', async () => {
    await writeAuthority(machine.stateDir);
    await resignAuthority(machine.stateDir, (extensions) => [
      ...extensions,
      ...extensions.filter(({ extnID }) => extnID === id_ce_nameConstraints),
    ]);
    await expect(load()).rejects.toMatchObject({ code: 'E_TLS_STATE' });
    await expect(readAuthorityToRemove(machine.stateDir)).rejects.toThrow(/no name constraints/);
  });

  it('is refused when its signature is forged', async () => {
    const { raw } = new X509Certificate(await writeAuthority(machine.stateDir));
    // The end of the signature, which is the end of the certificate.
    raw[raw.length - 1] = (raw[raw.length - 1] ?? 0) ^ 1;
    const lines = raw.toString('base64').replaceAll(/.{1,64}/g, '$&\n');
    await writeFile(authorityFile(), `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`);
    await expect(load()).rejects.toThrow(/not signed by its own key/);
  });

  it('is refused when only the certificate was replaced by a foreign root', async () => {
    await load();
    const foreign = await createTestCertificate({ names: ['Example Root'], ca: true });
    await writeFile(authorityFile(), foreign.cert);
    await expect(load()).rejects.toMatchObject({ code: 'E_TLS_STATE' });
    // Untrusting must not remove the root of somebody else either.
    await expect(readAuthorityToRemove(machine.stateDir)).rejects.toThrow(/does not bear the name/);
  });

  it('is refused when a foreign root was put behind ours in the file', async () => {
    const own = await load();
    const foreign = await createTestCertificate({ names: ['Example Root'], ca: true });
    await writeFile(authorityFile(), own.pem + foreign.cert);
    await expect(load()).rejects.toThrow(/more than one certificate/);
  });

  it('is refused when it is no certificate', async () => {
    await load();
    const key = await readFile(join(machine.stateDir, 'local-ca', 'ca-key.pem'), 'utf8');
    for (const text of [
      '',
      'nonsense',
      key,
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    ]) {
      await writeFile(authorityFile(), text);
      await expect(readAuthorityToRemove(machine.stateDir)).rejects.toMatchObject({ code: 'E_TLS_STATE' });
    }
  });

  it('is refused once it has expired, and can still be removed', async () => {
    await writeAuthority(machine.stateDir);
    const options = { stateDir: machine.stateDir, now: Date.now() + 7_200_000 };
    await expect(loadAuthorityToTrust(options)).rejects.toThrow(/expired/);
    expect(await readAuthorityToRemove(machine.stateDir)).toBeDefined();
  });

  it('can be removed without its key, and is not there when its directory is gone', async () => {
    await load();
    await rm(join(machine.stateDir, 'local-ca', 'ca-key.pem'));
    expect(await readAuthorityToRemove(machine.stateDir)).toBeDefined();
    await rm(join(machine.stateDir, 'local-ca'), { recursive: true });
    expect(await readAuthorityToRemove(machine.stateDir)).toBeUndefined();
  });
});
