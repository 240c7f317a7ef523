import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IssuedCertificate } from '../../../src/tls/automation/issuer.ts';
import { toFacts } from '../../../src/tls/tls-material.ts';
import type { Fault } from '../../support/acme-stub/faults.ts';
import { createStubRig, type StubRig } from './stub-rig.ts';

let rig: StubRig;

beforeEach(async () => {
  rig = await createStubRig();
});
afterEach(() => rig.stop());

const never = new AbortController().signal;
const day = 24 * 3_600_000;

function toLifetime({ chain }: IssuedCertificate): number {
  const { notBefore, notAfter } = toFacts(new X509Certificate(chain));
  return (notAfter - notBefore) / day;
}

describe('createAcmeIssuer', () => {
  it('orders, proves and fetches a certificate, and the authority has nothing to object to', async () => {
    const issued = await rig.issue();
    expect(toFacts(new X509Certificate(issued.chain)).names).toEqual(['mcp.example.com']);
    expect(rig.steps).toEqual(['account', 'order', 'challenge', 'issue', 'download']);
    expect(rig.stub.ledger.refusals).toEqual([]);
    expect(rig.stub.ledger.violations).toEqual([]);
  });

  it('does not prove again what the authority holds for proven', async () => {
    await rig.issue();
    rig.steps.length = 0;
    await rig.issue();
    expect(rig.steps).toEqual(['account', 'order', 'issue', 'download']);
  });

  it('orders the profile that is configured', async () => {
    const issuer = rig.createIssuer({ profile: 'shortlived' });
    expect(toLifetime(await rig.issue({ issuer }))).toBeLessThan(7);
    expect(toLifetime(await rig.issue())).toBeGreaterThan(30);
  });

  it('orders the short-lived profile for an address by itself', async () => {
    expect(toLifetime(await rig.issue({ names: ['192.0.2.1'] }))).toBeLessThan(7);
  });

  it('names the profiles when the configured one is not offered, before it asks for anything', async () => {
    const issuer = rig.createIssuer({ profile: 'eternal' });
    await expect(rig.issue({ issuer })).rejects.toMatchObject({
      code: 'E_ACME_REFUSED',
      message: expect.stringMatching(/`eternal`, but .*`tlsserver`/) as string,
    });
    expect(rig.stub.ledger.orders).toEqual([]);
  });

  it('says which certificate the new one replaces (RFC 9773 section 5)', async () => {
    const replaces = await rig.issue();
    await rig.issue({ replaces });
    const [first, second] = rig.stub.ledger.orders;
    expect(first?.replaces).toBeUndefined();
    expect(second?.replaces).toBe(rig.stub.ledger.certificates[0]?.certId);
    expect(second?.exempt).toBe(true);
  });

  it('orders without saying so when the authority objects to it', async () => {
    const replaces = await rig.issue();
    rig.stub.faults.add({ kind: 'replacesRefused' });
    await rig.issue({ replaces });
    expect(rig.stub.ledger.orders.at(-1)?.replaces).toBeUndefined();
  });

  it('takes up an order after answers were lost on the way', async () => {
    rig.stub.faults.add({ kind: 'down', how: 'lost' }, { times: 1, at: ['finalize'] });
    rig.stub.faults.add({ kind: 'down', how: 'refused' }, { times: 1, at: ['order'] });
    await rig.issue();
    expect(rig.stub.ledger.orders).toHaveLength(1);
    expect(rig.stub.ledger.certificates).toHaveLength(1);
  });

  it('makes one account although the answer to its registration was lost', async () => {
    rig.stub.faults.add({ kind: 'down', how: 'lost' }, { times: 1, at: ['newAccount'] });
    await expect(rig.issue()).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
    await rig.issue();
    expect(rig.stub.ledger.accounts).toHaveLength(1);
  });

  it('makes no account that it cannot keep', async () => {
    await writeFile(join(rig.stateDir, 'acme'), 'a file in place of the directory');
    await expect(rig.issue()).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
    expect(rig.stub.ledger.accounts).toEqual([]);
  });

  it('says what is wrong with the file of roots', async () => {
    const ca = join(rig.stateDir, 'roots.pem');
    const attempt = (): Promise<unknown> => rig.issue({ issuer: rig.createIssuer({ ca }) });
    await expect(attempt()).rejects.toThrow('it does not exist');
    await writeFile(ca, 'no certificate');
    await expect(attempt()).rejects.toThrow('there is no certificate in');
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    await writeFile(ca, rig.stub.roots[0] + damaged);
    await expect(attempt()).rejects.toThrow('it is damaged');
    await writeFile(ca, rig.stub.roots[0]);
    await attempt();
  });

  it('registers again with an authority that has lost its accounts', async () => {
    await rig.issue();
    rig.stub.wipeAccounts();
    await rig.issue();
    expect(rig.stub.ledger.accounts).toHaveLength(2);
  });

  it('gives up an authority that rejects every nonce', async () => {
    rig.stub.faults.add({ kind: 'badNonce', rate: 1 });
    await expect(rig.issue()).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
  });

  it.each([
    [{ kind: 'down', how: 'refused' }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'down', how: 'silent' }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'down', how: 'error' }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'down', how: 'garbage' }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'redirect', location: 'https://evil.example.com/' }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'oversized', bytes: 2_000_000 }, 'E_ACME_UNREACHABLE'],
    [{ kind: 'orderStuck', at: 'pending' }, 'E_ACME_STUCK'],
    [{ kind: 'orderStuck', at: 'processing' }, 'E_ACME_STUCK'],
    [{ kind: 'externalAccountRequired' }, 'E_ACME_ACCOUNT'],
    [{ kind: 'wrongCertificate', how: 'foreignKey' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongCertificate', how: 'otherNames' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongCertificate', how: 'expired' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongCertificate', how: 'notYetValid' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongCertificate', how: 'strangerSigned' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongChain', how: 'truncated' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongChain', how: 'empty' }, 'E_ACME_CERTIFICATE'],
    [{ kind: 'wrongChain', how: 'notPem' }, 'E_ACME_CERTIFICATE'],
  ] satisfies [Fault, string][])('answers %j with %s', async (fault, code) => {
    rig.stub.faults.add(fault);
    await expect(rig.issue()).rejects.toMatchObject({ code });
    rig.stub.faults.clear();
    await rig.issue();
  });

  it('passes on how long the authority wants to be left alone', async () => {
    rig.stub.faults.add({ kind: 'rateLimited', retryAfter: { seconds: 7200, as: 'date' } });
    const error = await rig.issue().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'E_ACME_RATE_LIMITED' });
    const { retryAfter = 0 } = error as { retryAfter?: number };
    expect(Math.abs(retryAfter - 7_200_000)).toBeLessThan(5000);
  });

  it('asks for the new terms to be accepted', async () => {
    await rig.issue();
    rig.stub.faults.add({ kind: 'termsChanged' });
    await expect(rig.issue()).rejects.toMatchObject({ code: 'E_ACME_TERMS' });
  });
});

describe('renewalInfo', () => {
  it('says when the authority wants the certificate renewed', async () => {
    const issuer = rig.createIssuer();
    const issued = await rig.issue({ issuer });
    const { notBefore, notAfter } = toFacts(new X509Certificate(issued.chain));
    const info = await rig.run(issuer.renewalInfo(issued, never));
    expect(info?.windowStart).toBeGreaterThan(notBefore);
    expect(info?.windowEnd).toBeLessThan(notAfter);
    expect(info?.windowStart).toBeLessThan(info?.windowEnd ?? 0);
    expect(info?.retryAfter).toBeGreaterThanOrEqual(60_000);
    expect(info?.retryAfter).toBeLessThanOrEqual(day);
  });

  it.each(['endBeforeStart', 'noDates', 'empty', 'notJson', 'error'] as const)(
    'rejects an answer that is nonsense: %s',
    async (how) => {
      const issuer = rig.createIssuer();
      const issued = await rig.issue({ issuer });
      rig.stub.faults.add({ kind: 'renewalInfo', how });
      const asked = rig.run(issuer.renewalInfo(issued, never));
      await expect(asked).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
    },
  );

  it('says nothing of a certificate that the authority does not know', async () => {
    const issuer = rig.createIssuer();
    const issued = await rig.issue({ issuer });
    rig.stub.faults.add({ kind: 'renewalInfo', how: 'notFound' });
    expect(await rig.run(issuer.renewalInfo(issued, never))).toBeUndefined();
  });

  it.each([
    ['retryAfterHuge', day],
    ['retryAfterNegative', 6 * 3_600_000],
  ] as const)('does not let %s rule how often it asks', async (how, retryAfter) => {
    const issuer = rig.createIssuer();
    const issued = await rig.issue({ issuer });
    rig.stub.faults.add({ kind: 'renewalInfo', how });
    expect(await rig.run(issuer.renewalInfo(issued, never))).toMatchObject({ retryAfter });
  });
});
