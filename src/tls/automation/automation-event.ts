import type { Diagnostic } from '../../lib/diagnostic.ts';
import type { GatewayError } from '../../lib/gateway-error.ts';
import type { IssueStep } from './issuer.ts';
import type { CertificateFacts } from '../tls-material.ts';

/**
 * What happens to certificates that are looked after. Times are wall-clock milliseconds, `elapsed` milliseconds since
 * the attempt began.
 */
export type AutomationEvent =
  | {
      readonly kind: 'step';
      readonly name: string;
      readonly step: IssueStep;
      /** Title of the issuer. */
      readonly issuer: string;
      readonly elapsed: number;
    }
  | {
      readonly kind: 'issued';
      readonly name: string;
      readonly facts: CertificateFacts;
      readonly issuer: string;
      readonly elapsed: number;
    }
  /** Another process on the same state directory, or a person, has put a certificate there. */
  | { readonly kind: 'adopted'; readonly name: string; readonly facts: CertificateFacts }
  /** No issuer gave a certificate; the one in service, if any, serves on. */
  | {
      readonly kind: 'failed';
      readonly name: string;
      readonly error: GatewayError;
      readonly nextAttemptAt: number;
    }
  | { readonly kind: 'warning'; readonly name: string; readonly warning: Diagnostic };
