import type { Clock } from '../lib/clock.ts';
import type { CertificateEvent, ServedCertificate } from './certificate-provider.ts';

export interface ExpiryWatchOptions {
  readonly clock: Clock;
  readonly served: () => readonly ServedCertificate[];
  readonly report: (event: CertificateEvent) => void;
}

const hour = 3_600_000;
const day = 24 * hour;
/** From when on a certificate that nobody renews is spoken of. */
const notice = 14 * day;

/** Reports every certificate that ends soon, once a day each. */
export function createExpiryWatch(options: ExpiryWatchOptions): { close(): void } {
  const { clock, report } = options;
  /** When each was last spoken of, by serial number. */
  const told = new Map<string, number>();
  const look = (): void => {
    const now = clock.now();
    for (const certificate of options.served()) {
      const { facts } = certificate.material;
      if (!isWorthSaying(certificate, now) || now - (told.get(facts.serialNumber) ?? 0) < day) continue;
      told.set(facts.serialNumber, now);
      report({ kind: 'expiring', facts, daysLeft: Math.floor((facts.notAfter - now) / day) });
    }
  };
  look();
  const timer = clock.setInterval(look, hour);
  return { close: () => timer.cancel() };
}

/** Certificates that live for six days always end soon: with renewal of our own it is worth a word only when that is late. */
function isWorthSaying({ material, renewsAt }: ServedCertificate, now: number): boolean {
  const { notBefore, notAfter } = material.facts;
  if (notAfter - now > notice) return false;
  return renewsAt === undefined || now > renewsAt + Math.min(day, (notAfter - notBefore) / 10);
}
