import type { Diagnostic } from '../lib/diagnostic.ts';
import type { IssueStep } from './automation/issuer.ts';
import type { ClientAuthorityEvent } from './client-authority-watch.ts';
import type { CertificateFacts, TlsMaterial } from './tls-material.ts';

/** One origin of certificates while the gateway runs: a pair of files, the local authority, or authorities on the internet. */
export interface CertificateProvider {
  /** What is to be served, the preferred one first; nothing while a first certificate is being obtained. */
  served(): readonly ServedCertificate[];
  /** Looks now whether there is something new; also happens by itself. */
  refresh(): Promise<void>;
  /** Stops all timers and watchers at once; resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

export interface ServedCertificate {
  readonly material: TlsMaterial;
  /** Wall-clock milliseconds from which on Breakwater replaces it by itself; undefined for files. */
  readonly renewsAt: number | undefined;
}

/** What happens while the gateway runs. After `kept` the old certificate serves on. Times are wall-clock milliseconds. */
export type CertificateEvent =
  | ClientAuthorityEvent
  | { readonly kind: 'replaced'; readonly facts: CertificateFacts }
  | { readonly kind: 'kept'; readonly errors: readonly Diagnostic[] }
  | { readonly kind: 'expiring'; readonly facts: CertificateFacts; readonly daysLeft: number }
  /** A step of obtaining a certificate begins; `elapsed` milliseconds after the first one. */
  | {
      readonly kind: 'step';
      readonly name: string;
      readonly issuer: string;
      readonly step: IssueStep;
      readonly elapsed: number;
    }
  | {
      readonly kind: 'issued';
      readonly name: string;
      readonly issuer: string;
      readonly facts: CertificateFacts;
      readonly elapsed: number;
    }
  | {
      readonly kind: 'failed';
      readonly name: string;
      readonly error: Diagnostic;
      readonly nextAttemptAt: number | undefined;
    };
