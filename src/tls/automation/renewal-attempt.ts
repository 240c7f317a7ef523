import type { ChallengeType } from '../acme/challenge.ts';
import type { Clock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import { withDeadline } from './deadline.ts';
import {
  IssueError,
  type CertificateIssuer,
  type IssuedCertificate,
  type IssueRequest,
  type IssueStep,
} from './issuer.ts';
import { parseStoredCertificate, toStoredText } from './stored-certificate.ts';
import type { TlsMaterial } from '../tls-material.ts';

export interface AttemptOptions {
  readonly name: string;
  readonly issuers: readonly CertificateIssuer[];
  readonly challenges: readonly ChallengeType[];
  /** The certificate that is to be replaced and the id of its issuer. */
  readonly current: { readonly certificate: IssuedCertificate; readonly issuer: string } | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onStep: (issuer: CertificateIssuer, step: IssueStep) => void;
  /** Says why this issuer may not be asked now; `replaces` tells whether the order will name a predecessor. */
  readonly admit: (issuer: CertificateIssuer, replaces: boolean) => Promise<GatewayError | undefined>;
  /** Called for every order that failed, before the next one. */
  readonly onFailure: (failure: OrderFailure) => Promise<void>;
}

export interface OrderFailure extends IssuerFailure {
  /** Whether the order named the predecessor. */
  readonly replaced: boolean;
}

export type AttemptOutcome =
  | {
      readonly kind: 'issued';
      readonly material: TlsMaterial;
      readonly issuer: CertificateIssuer;
      /** Whether the order named the predecessor, which makes it exempt from the authority's limits. */
      readonly replaced: boolean;
      /** Of the issuers that were asked before. */
      readonly failures: readonly IssuerFailure[];
    }
  | { readonly kind: 'failed'; readonly failures: readonly IssuerFailure[] };

export interface IssuerFailure {
  readonly issuer: CertificateIssuer;
  readonly error: GatewayError;
}

/** Milliseconds. An issuer that answers nothing at all for so long is given up; its own deadlines are far shorter. */
const longestIssue = 1_800_000;

const onLate = (): Error =>
  new IssueError('E_ACME_STUCK', 'the certificate authority did not finish in time');

/**
 * Asks one issuer after the other for a certificate, each a second time at most: with another challenge type when the name
 * could not be verified, without `replaces` when the order was refused with it. Rejects with the signal's reason when it is
 * aborted; all other failures are part of the outcome.
 */
export async function attemptRenewal(options: AttemptOptions): Promise<AttemptOutcome> {
  const failures: IssuerFailure[] = [];
  for (const issuer of options.issuers) {
    const outcome = await askIssuer(issuer, options);
    if (outcome.kind === 'issued') return { ...outcome, failures };
    failures.push({ issuer, error: outcome.error });
  }
  return { kind: 'failed', failures };
}

type IssuerOutcome =
  | Omit<Extract<AttemptOutcome, { kind: 'issued' }>, 'failures'>
  | { readonly kind: 'failed'; readonly error: GatewayError };

async function askIssuer(issuer: CertificateIssuer, options: AttemptOptions): Promise<IssuerOutcome> {
  const { challenges, current } = options;
  const replaces = current?.issuer === issuer.id ? current.certificate : undefined;
  const first = await order(issuer, options, { challenges, replaces });
  if (first.kind === 'issued') return first;

  const [preferred, ...others] = challenges;
  const other = first.error.code === 'E_ACME_CHALLENGE' && preferred !== undefined && others.length > 0;
  const alone = first.error.code === 'E_ACME_REFUSED' && replaces !== undefined;
  if (!other && !alone) return first;
  const second = other ? [...others, preferred] : challenges;
  const outcome = await order(issuer, options, { challenges: second, replaces: undefined });
  // That a second order is not admitted says less than why the first one failed.
  return outcome.kind === 'failed' && outcome.error.code === 'E_ACME_LIMIT' ? first : outcome;
}

async function order(
  issuer: CertificateIssuer,
  options: AttemptOptions,
  how: Pick<IssueRequest, 'challenges' | 'replaces'>,
): Promise<IssuerOutcome> {
  const { name, clock, signal } = options;
  const replaced = how.replaces !== undefined;
  const refusal = await options.admit(issuer, replaced);
  if (refusal !== undefined) return { kind: 'failed', error: refusal };
  signal.throwIfAborted();
  try {
    const issued = await withDeadline({ clock, signal, milliseconds: longestIssue, onLate }, (limited) =>
      issuer.issue({
        names: [name],
        ...how,
        onStep: (step) => options.onStep(issuer, step),
        signal: limited,
      }),
    );
    return { kind: 'issued', material: checkIssued(issued, name, clock.now()), issuer, replaced };
  } catch (error) {
    signal.throwIfAborted();
    const failure = toFailure(error);
    await options.onFailure({ issuer, error: failure, replaced });
    return { kind: 'failed', error: failure };
  }
}

/** An authority that lies costs an order, never the certificate in service. */
function checkIssued(issued: IssuedCertificate, name: string, now: number): TlsMaterial {
  const parsed = parseStoredCertificate({ file: 'certificate.pem', text: toStoredText(issued) }, name);
  if (!parsed.ok) {
    throw new IssueError('E_ACME_CERTIFICATE', `the new certificate is not used: ${parsed.error.message}`);
  }
  const { notAfter } = parsed.value.facts;
  if (now >= notAfter) {
    const message = `the new certificate is not used: it ended on ${new Date(notAfter).toISOString()}`;
    throw new IssueError('E_ACME_CERTIFICATE', message);
  }
  return parsed.value;
}

/** A defect in an issuer must not end the process that serves: it is reported like any other failure. */
function toFailure(error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  const message = `asking the certificate authority failed: ${toErrorMessage(error)}`;
  return new GatewayError('E_INTERNAL', message, { cause: error });
}
