import { setTimeout as pause } from 'node:timers/promises';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { isAnyPresent } from '../../state/presence.ts';
import type { IssueStep } from '../../tls/automation/issuer.ts';
import { emptyRecord } from '../../tls/automation/renewal-record.ts';
import { requestRenewal } from '../../tls/automation/renewal-requests.ts';
import { listCertificates, readRenewalRecord } from '../../tls/inventory/certificate-inventory.ts';
import type { KnownCertificate } from '../../tls/inventory/known-certificate.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { exitOf, reportFailure, reportProblems } from '../failure.ts';
import { stepTitles } from '../up/certificate-progress.ts';
import { getCertificate } from './show.ts';
import { findSource, type CertsOptions } from './source.ts';

export interface RenewOptions extends CertsOptions {
  /** All that were obtained over ACME when absent. */
  readonly name?: string;
  /** Whether to stay until the outcome is known. */
  readonly wait: boolean;
}

/** What renewing needs of the machine; tests bring their own. */
export interface RenewSurroundings {
  /** Wall-clock milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  readonly isAnyPresent: (stateDir: string) => Promise<boolean>;
}

const LOOK_MILLISECONDS = 250;
const LONGEST_WAIT = 300_000;

const machine: RenewSurroundings = { now: () => Date.now(), pause, isAnyPresent };

interface Outcome {
  readonly name: string;
  readonly result: 'requested' | 'issued' | 'failed' | 'unfinished';
  /** Milliseconds from the request to the outcome. */
  readonly elapsed: number;
  readonly code?: ErrorCode;
  readonly message?: string;
}

/**
 * Asks the running gateway to renew certificates now, and tells how that goes: it alone can be found by a certificate authority.
 * Throws a GatewayError: E_CERT_UNKNOWN, E_CERT_NO_GATEWAY, E_STATE_UNWRITABLE.
 */
export async function runRenew(
  options: RenewOptions,
  context: CliContext,
  surroundings: RenewSurroundings = machine,
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const { stateDir } = source.value;
  const wanted = choose(await listCertificates(source.value), options.name);
  if (!(await surroundings.isAnyPresent(stateDir))) {
    throw new GatewayError('E_CERT_NO_GATEWAY', `no gateway runs on \`${stateDir}\``);
  }
  const begun = surroundings.now();
  for (const { name } of wanted) await requestRenewal(stateDir, name);
  const outcomes = options.wait
    ? await follow(wanted, { stateDir, begun, context, surroundings })
    : wanted.map(({ name }): Outcome => ({ name, result: 'requested', elapsed: 0 }));
  if (context.json) writeEnvelope(context, 'certs-renew', { certificates: outcomes });
  else if (!options.wait) context.io.stderr.write(`asked the gateway to renew ${listNames(outcomes)}\n`);
  const bad = outcomes.find(({ code }) => code !== undefined);
  if (bad?.code === undefined) return 0;
  const { code, message = '', name } = bad;
  const hint = new GatewayError(code, message).hint;
  return reportFailure({ code, message: `${name}: ${message}`, hint, exit: exitOf(code) }, context);
}

function choose(known: readonly KnownCertificate[], name: string | undefined): readonly KnownCertificate[] {
  const automatic = known.filter(({ origin }) => origin === 'acme');
  if (name === undefined) {
    if (automatic.length > 0) return automatic;
    throw new GatewayError('E_CERT_UNKNOWN', 'there is no certificate that was obtained over ACME');
  }
  const found = getCertificate([...automatic, ...known], name);
  if (found.origin === 'acme') return [found];
  const message =
    found.origin === 'files'
      ? `\`${name}\` comes from \`${toPrintable(found.files.certificate)}\`, which Breakwater does not renew`
      : `\`${name}\` is renewed by the gateway itself and asks no certificate authority`;
  throw new GatewayError('E_USAGE', message, {
    hint: found.origin === 'files' ? 'replace the files: they are watched' : 'nothing needs to be done',
  });
}

interface Following {
  readonly stateDir: string;
  readonly begun: number;
  readonly context: CliContext;
  readonly surroundings: RenewSurroundings;
}

/** Looks at all of them until each has an outcome, in the order in which they were asked for. */
async function follow(
  wanted: readonly KnownCertificate[],
  following: Following,
): Promise<readonly Outcome[]> {
  const { begun, surroundings } = following;
  const outcomes = new Map<string, Outcome>();
  const steps = new Map<string, IssueStep>();
  for (;;) {
    const elapsed = surroundings.now() - begun;
    for (const { name } of wanted) {
      const outcome = outcomes.get(name) ?? (await look(name, elapsed, { ...following, steps }));
      if (outcome !== undefined) outcomes.set(name, outcome);
    }
    if (outcomes.size === wanted.length) return wanted.flatMap(({ name }) => outcomes.get(name) ?? []);
    await surroundings.pause(LOOK_MILLISECONDS);
  }
}

/** Tells a step that is new; undefined while there is no outcome. */
async function look(
  name: string,
  elapsed: number,
  { stateDir, begun, context, steps }: Following & { readonly steps: Map<string, IssueStep> },
): Promise<Outcome | undefined> {
  const record = await readRenewalRecord(stateDir, name);
  // A record that cannot be read just now may be in order at the next look.
  const { step, obtainedAt = 0, lastFailure } = record.ok ? record.value : emptyRecord;
  if (step !== undefined && step !== steps.get(name)) {
    steps.set(name, step);
    tell(`${name}: ${stepTitles[step]}`, elapsed, context);
  }
  if (obtainedAt >= begun) {
    tell(`${name}: issued`, elapsed, context);
    return { name, result: 'issued', elapsed };
  }
  if (lastFailure !== undefined && lastFailure.at >= begun) {
    return { name, result: 'failed', elapsed, code: lastFailure.code, message: lastFailure.message };
  }
  if (elapsed < LONGEST_WAIT) return undefined;
  const message = `nothing came of it within ${LONGEST_WAIT / 60_000} minutes; the log of the gateway may tell more`;
  return { name, result: 'unfinished', elapsed, code: 'E_ACME_STUCK', message };
}

function tell(text: string, elapsed: number, context: CliContext): void {
  if (context.json) return;
  context.io.stderr.write(`  ${text} (${(elapsed / 1000).toFixed(1)} s)\n`);
}

function listNames(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ name }) => name).join(', ');
}
