import { errorCodes } from '../lib/error-codes.ts';
import type { Log } from '../observe/log.ts';
import type { CertificateEvent } from '../tls/certificate-provider.ts';

/** One line of the log for each thing that happens to certificates. */
export function logCertificateEvent(log: Log, event: CertificateEvent): void {
  switch (event.kind) {
    case 'replaced':
      log.info({ certificate: event.facts }, 'serving a new certificate');
      return;
    case 'warning':
      log.warn({ code: event.warning.code }, event.warning.message);
      return;
    case 'kept':
      for (const { code, message } of event.errors)
        log.error({ code }, `${message}; the old certificate serves on`);
      return;
    case 'clients-replaced':
      log.info({}, 'checking client certificates against new authorities');
      return;
    case 'clients-kept':
      for (const { code, message } of event.errors)
        log.error({ code }, `${message}; client certificates are checked against the old files`);
      return;
    case 'expiring': {
      const { facts, daysLeft } = event;
      const end = daysLeft < 0 ? 'has expired' : `ends in ${daysLeft} days`;
      log.warn(
        { code: 'E_CERT_EXPIRING', certificate: facts },
        `the certificate of ${facts.names[0]} ${end}`,
      );
      return;
    }
    case 'step': {
      const { name, issuer, step } = event;
      log.debug({ name, issuer, step }, 'obtaining a certificate');
      return;
    }
    case 'issued': {
      const { name, issuer, facts, elapsed } = event;
      const seconds = (elapsed / 1000).toFixed(1);
      log.info(
        { issuer, certificate: facts, elapsed },
        `${issuer} issued a certificate for ${name} in ${seconds} s`,
      );
      return;
    }
    case 'failed': {
      const { name, error, nextAttemptAt } = event;
      const fix = error.fix ?? errorCodes[error.code].fix;
      const next = nextAttemptAt === undefined ? {} : { nextAttempt: new Date(nextAttemptAt).toISOString() };
      log.error({ code: error.code, fix, ...next }, `no new certificate for ${name}: ${error.message}`);
    }
  }
}
