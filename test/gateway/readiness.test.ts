import { describe, expect, it } from 'vitest';
import { toReadiness } from '../../src/gateway/readiness.ts';
import type { Certificates } from '../../src/tls/certificates.ts';

const now = Date.UTC(2026, 10, 26);
const day = 86_400_000;

type InService = Pick<Certificates, 'expiry' | 'missing'>;

function withCertificates(ends: readonly number[], missing: readonly string[] = []): InService {
  const facts = { issuer: 'CN=Test', serialNumber: '01', notBefore: now - day, renewsAt: undefined };
  const names = ['mcp.example.com'];
  return { expiry: () => ends.map((notAfter) => ({ ...facts, names, notAfter })), missing };
}

function read(isDraining: boolean, certificates: InService): { status: number; body: unknown } {
  const { status, body } = toReadiness(isDraining, certificates, now);
  return { status, body: JSON.parse(body) };
}

describe('readiness', () => {
  it('tells when the first certificate in service ends', () => {
    expect(read(false, withCertificates([now + 60 * day, now + 30.5 * day]))).toEqual({
      status: 200,
      body: {
        status: 'ok',
        certificates: 2,
        missing: 0,
        notAfter: '2026-12-26T12:00:00.000Z',
        daysLeft: 30,
      },
    });
  });

  it('tells an expired certificate by negative days', () => {
    expect(read(false, withCertificates([now - 1.5 * day])).body).toMatchObject({ daysLeft: -2 });
  });

  it('names no names: a stranger does not learn of hosts that it has not asked for', () => {
    const { status, body } = read(false, withCertificates([now + day], ['b.example.com']));
    expect(status).toBe(200);
    expect(body).toMatchObject({ missing: 1 });
    expect(JSON.stringify(body)).not.toContain('example.com');
  });

  it('is not given while no certificate can be shown, and while it drains', () => {
    const none: InService = { expiry: () => [], missing: ['mcp.example.com'] };
    expect(read(false, none)).toMatchObject({ status: 503, body: { status: 'no certificate yet' } });
    expect(read(true, withCertificates([now + day]))).toMatchObject({
      status: 503,
      body: { status: 'draining' },
    });
  });
});
