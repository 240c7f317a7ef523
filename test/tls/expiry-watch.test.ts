import { describe, expect, it } from 'vitest';
import type { CertificateEvent, ServedCertificate } from '../../src/tls/certificate-provider.ts';
import { createExpiryWatch } from '../../src/tls/expiry-watch.ts';
import { ManualClock } from '../support/manual-clock.ts';

const day = 86_400_000;
const start = Date.UTC(2026, 10, 26);

function watch(certificate: { life: number; renewsAfter?: number }): { days: number[]; clock: ManualClock } {
  const clock = new ManualClock(start);
  const days: number[] = [];
  const facts = { names: ['a.test'], issuer: 'CN=Test', serialNumber: '01', notBefore: start };
  const { life, renewsAfter } = certificate;
  const served: ServedCertificate = {
    material: { chain: '', key: '', facts: { ...facts, notAfter: start + life } },
    renewsAt: renewsAfter === undefined ? undefined : start + renewsAfter,
  };
  const report = (event: CertificateEvent): void => {
    if (event.kind === 'expiring') days.push(event.daysLeft);
  };
  createExpiryWatch({ clock, served: () => [served], report });
  return { days, clock };
}

describe('the watch over the end of certificates', () => {
  it('speaks once a day from 14 days before the end of certificate files on, and goes on after it', () => {
    const { days, clock } = watch({ life: 90 * day });
    clock.advance(76 * day - 1);
    expect(days).toEqual([]);
    clock.advance(16 * day);
    expect(days).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1]);
  });

  it('says nothing of a certificate of six days that is renewed in time', () => {
    const { days, clock } = watch({ life: 6 * day, renewsAfter: 3 * day });
    clock.advance(3 * day);
    expect(days).toEqual([]);
  });

  it('speaks of a certificate of six days whose renewal is late', () => {
    const { days, clock } = watch({ life: 6 * day, renewsAfter: 3 * day });
    clock.advance(4 * day);
    expect(days).toEqual([2]);
  });

  it('says nothing of one that is renewed with more than 14 days left, however late that is', () => {
    const { days, clock } = watch({ life: 90 * day, renewsAfter: 60 * day });
    clock.advance(75 * day);
    expect(days).toEqual([]);
  });
});
