import { describe, expect, it } from 'vitest';
import { toReadiness } from '../../src/gateway/readiness.ts';
import type { Certificates } from '../../src/tls/certificates.ts';

const now = Date.UTC(2026, 10, 26);
const day = 86_400_000;

type InService = Pick<Certificates, 'expiry' | 'missing'>;

function withCertificate(notAfter: number, missing: readonly string[] = []): InService {
  const facts = { issuer: 'CN=Test', serialNumber: '01', notBefore: now - day, renewsAt: undefined };
  return { expiry: () => [{ ...facts, names: ['mcp.example.com'], notAfter }], missing };
}

function read(isDraining: boolean, certificates: InService): { status: number; body: unknown } {
  const { status, body } = toReadiness(isDraining, certificates, now);
  return { status, body: JSON.parse(body) };
}

describe('readiness', () => {
  it('names the end of each certificate in service', () => {
    expect(read(false, withCertificate(now + 30.5 * day))).toEqual({
      status: 200,
      body: {
        status: 'ok',
        certificates: [{ names: ['mcp.example.com'], notAfter: '2026-12-26T12:00:00.000Z', daysLeft: 30 }],
      },
    });
  });

  it('tells an expired certificate by negative days', () => {
    expect(read(false, withCertificate(now - 1.5 * day)).body).toMatchObject({
      certificates: [{ daysLeft: -2 }],
    });
  });

  it('names those that are still missing', () => {
    expect(read(false, withCertificate(now + day, ['b.example.com']))).toMatchObject({
      status: 200,
      body: { missing: ['b.example.com'] },
    });
  });

  it('is not given while no certificate can be shown, and while it drains', () => {
    const none: InService = { expiry: () => [], missing: ['mcp.example.com'] };
    expect(read(false, none)).toMatchObject({ status: 503, body: { status: 'no certificate yet' } });
    expect(read(true, withCertificate(now + day))).toMatchObject({
      status: 503,
      body: { status: 'draining' },
    });
  });
});
