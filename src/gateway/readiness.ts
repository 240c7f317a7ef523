import type { Certificates } from '../tls/certificates.ts';

/** The answer to a health check: status and one line of JSON. */
export interface Readiness {
  readonly status: number;
  readonly body: string;
}

const DAY_MILLISECONDS = 86_400_000;

/** The process lives; nothing more is looked at. */
export const alive: Readiness = { status: 200, body: '{"status":"ok"}\n' };

/**
 * Whether new work is taken, with how many certificates are in service and when the first of them ends, for whoever watches that from
 * outside. It names none: a stranger sees the one whose name it asks for, and need not learn of the others. Not ready: while it drains,
 * and while no certificate can be shown at all.
 */
export function toReadiness(
  isDraining: boolean,
  certificates: Pick<Certificates, 'expiry' | 'missing'>,
  now: number,
): Readiness {
  const ends = certificates.expiry().map(({ notAfter }) => notAfter);
  const status = isDraining ? 'draining' : ends.length === 0 ? 'no certificate yet' : 'ok';
  const body = {
    status,
    certificates: ends.length,
    missing: certificates.missing.length,
    ...(ends.length === 0 ? {} : describeEnd(Math.min(...ends), now)),
  };
  return { status: status === 'ok' ? 200 : 503, body: `${JSON.stringify(body)}\n` };
}

function describeEnd(notAfter: number, now: number): object {
  return {
    notAfter: new Date(notAfter).toISOString(),
    daysLeft: Math.floor((notAfter - now) / DAY_MILLISECONDS),
  };
}
