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
 * Whether new work is taken, with the end of each certificate in service for whoever watches that from outside. What it names
 * any client sees in the handshake. Not ready: while it drains, and while no certificate can be shown at all.
 */
export function toReadiness(
  isDraining: boolean,
  certificates: Pick<Certificates, 'expiry' | 'missing'>,
  now: number,
): Readiness {
  const inService = certificates.expiry().map(({ names, notAfter }) => ({
    names,
    notAfter: new Date(notAfter).toISOString(),
    daysLeft: Math.floor((notAfter - now) / DAY_MILLISECONDS),
  }));
  const status = isDraining ? 'draining' : inService.length === 0 ? 'no certificate yet' : 'ok';
  const { missing } = certificates;
  const body = { status, certificates: inService, ...(missing.length === 0 ? {} : { missing }) };
  return { status: status === 'ok' ? 200 : 503, body: `${JSON.stringify(body)}\n` };
}
