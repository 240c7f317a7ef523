import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { logCertificateEvent } from '../../src/gateway/certificate-log.ts';
import type { CertificateEvent } from '../../src/tls/certificate-provider.ts';

const facts = {
  names: ['mcp.example.com'],
  issuer: 'CN=Test',
  serialNumber: '01',
  notBefore: 0,
  notAfter: Date.UTC(2027, 0, 1),
};
const about = { name: 'mcp.example.com', issuer: 'Test CA' };

function lineOf(event: CertificateEvent): Record<string, unknown> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  logCertificateEvent(pino({ level: 'debug', base: null, timestamp: false }, { write }), event);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('the log of certificates', () => {
  it('tells what was issued, by whom and how long it took', () => {
    expect(lineOf({ kind: 'issued', ...about, facts, elapsed: 6149 })).toMatchObject({
      level: 30,
      msg: 'Test CA issued a certificate for mcp.example.com in 6.1 s',
      certificate: facts,
    });
  });

  it('tells why none came, what to do, and when the next attempt is', () => {
    const error = { severity: 'error', code: 'E_ACME_CHALLENGE', message: 'no answer on port 80' } as const;
    expect(
      lineOf({ kind: 'failed', name: about.name, error, nextAttemptAt: Date.UTC(2026, 10, 26) }),
    ).toMatchObject({
      level: 50,
      code: 'E_ACME_CHALLENGE',
      fix: expect.stringContaining('resolves to this machine'),
      nextAttempt: '2026-11-26T00:00:00.000Z',
      msg: 'no new certificate for mcp.example.com: no answer on port 80',
    });
  });

  it('warns of the end, before and after it', () => {
    expect(lineOf({ kind: 'expiring', facts, daysLeft: 13 })).toMatchObject({
      level: 40,
      code: 'E_CERT_EXPIRING',
      msg: 'the certificate of mcp.example.com ends in 13 days',
    });
    expect(lineOf({ kind: 'expiring', facts, daysLeft: -1 })['msg']).toBe(
      'the certificate of mcp.example.com has expired',
    );
  });

  it('keeps steps for those who look for them', () => {
    expect(lineOf({ kind: 'step', ...about, step: 'order', elapsed: 12 })).toMatchObject({
      level: 20,
      step: 'order',
    });
  });
});
