import { styleText } from 'node:util';
import type { IssueStep } from '../../tls/automation/issuer.ts';
import type { CertificateEvent } from '../../tls/certificate-provider.ts';

export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly colour: boolean;
  readonly unicode: boolean;
}

/** What happens in each step of obtaining a certificate, for people. */
export const stepTitles: { readonly [step in IssueStep]: string } = {
  account: 'account',
  order: 'order',
  challenge: 'proving that the name is ours',
  issue: 'waiting for the certificate',
  download: 'fetching the certificate',
};

/**
 * Tells a person at a terminal how far a certificate is: a line when a step begins, with the time since the first one.
 * How it ended is a line of the log, there as everywhere.
 */
export function createCertificateProgress(options: ProgressOptions): (event: CertificateEvent) => void {
  const sign = options.unicode ? '·' : '-';
  return (event) => {
    if (event.kind !== 'step') return;
    const at = event.elapsed < 100 ? `at ${event.issuer}` : `${(event.elapsed / 1000).toFixed(1)} s`;
    const line = `  ${sign} ${event.name}: ${stepTitles[event.step]} (${at})`;
    options.write(`${options.colour ? styleText('dim', line, { validateStream: false }) : line}\n`);
  };
}
