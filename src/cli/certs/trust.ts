import { GatewayError } from '../../lib/gateway-error.ts';
import { toBundleFile } from '../../tls/trust/client-bundle.ts';
import { buildClientEnvironment, buildClientLines, type ClientFiles } from '../../tls/trust/client-lines.ts';
import { formatCommand } from '../../tls/trust/command-text.ts';
import { describeClientLines, describePlan, describeResults } from '../../tls/trust/describe-trust.ts';
import { applyTrust } from '../../tls/trust/trust.ts';
import {
  isNothingToDo,
  planTrust,
  planUntrust,
  type TrustOptions,
  type TrustPlan,
} from '../../tls/trust/trust-plan.ts';
import type { StoreResult, TrustAction } from '../../tls/trust/trust-store.ts';
import { confirm } from '../confirm.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { exitOf, reportFailure, reportProblems } from '../failure.ts';
import { findSource, type CertsOptions } from './source.ts';

export interface TrustCommandOptions extends CertsOptions {
  readonly action: TrustAction;
  /** Agrees beforehand. */
  readonly yes: boolean;
  /** Shows the plan and stops. */
  readonly dryRun: boolean;
}

/** The machine whose stores are meant; the real one when absent. */
export type TrustSurroundings = Pick<TrustOptions, 'platform' | 'run'>;

/**
 * Shows what is going to happen to which trust store, asks, and does it. Throws a GatewayError: E_TRUST_UNCONFIRMED where nobody
 * agreed, E_TLS_STATE for an authority that must not be trusted, E_STATE_UNWRITABLE.
 */
export async function runTrust(
  options: TrustCommandOptions,
  context: CliContext,
  surroundings: TrustSurroundings = {},
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const { stateDir } = source.value;
  const { action } = options;
  const plan =
    action === 'trust'
      ? await planTrust({ stateDir, now: Date.now(), ...surroundings })
      : await planUntrust({ stateDir, ...surroundings });
  if (!context.json) context.io.stderr.write(toText(describePlan(plan)));
  if (options.dryRun) {
    if (context.json) writeEnvelope(context, `certs-${action}`, { plan: toPlanJson(plan) });
    return 0;
  }
  if (!isNothingToDo(plan) && !options.yes) await agree(action, context);
  const results = await applyTrust(plan);
  tellResults(plan, results, context);
  const failed = results.find((result) => result.status === 'failed');
  if (failed === undefined) return 0;
  const { code, message, hint } = failed.error;
  // A person has read it already, beside the stores that went well.
  if (!context.json) return exitOf(code);
  return reportFailure({ code, message: `${failed.title}: ${message}`, hint, exit: exitOf(code) }, context);
}

/** Against trust that nobody wanted: only a person at a terminal, or `--yes`, agrees. */
async function agree(action: TrustAction, context: CliContext): Promise<void> {
  const agreed = await confirm(action === 'trust' ? 'Trust it?' : 'Go on?', context);
  if (agreed === true) return;
  const message = agreed === undefined ? 'there is nobody to ask' : 'not confirmed, so nothing was changed';
  throw new GatewayError('E_TRUST_UNCONFIRMED', message);
}

function tellResults(plan: TrustPlan, results: readonly StoreResult[], context: CliContext): void {
  const { action, authority } = plan;
  const files: ClientFiles | undefined =
    action === 'trust' && authority !== undefined
      ? { authorityFile: authority.file, bundleFile: toBundleFile(authority) }
      : undefined;
  const { stdout, stderr } = context.io;
  if (context.json) {
    writeEnvelope(context, `certs-${action}`, {
      stores: results.map(toResultJson),
      ...(files === undefined ? {} : { files, environment: buildClientEnvironment(files) }),
    });
    return;
  }
  if (results.length > 0) stderr.write(`\n${toText(describeResults(results))}`);
  if (files === undefined) return;
  const shell = process.platform === 'win32' ? 'powershell' : 'posix';
  stdout.write(toText(describeClientLines(buildClientLines(files, shell), files)));
}

function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function toPlanJson(plan: TrustPlan): object {
  return {
    authority: plan.authority === undefined ? null : plan.authority.name,
    stores: plan.stores.map((store) => ({
      id: store.id,
      title: store.title,
      kind: store.kind,
      ...(store.kind === 'absent' ? { reason: store.reason } : {}),
      ...(store.kind === 'failed' ? { code: store.error.code, reason: store.error.message } : {}),
      ...(store.kind === 'change'
        ? {
            steps: store.steps.map((step) => ({
              text: step.text,
              command: step.kind === 'command' ? formatCommand(step) : null,
              needsRoot: step.needsRoot,
            })),
          }
        : {}),
    })),
    bundle:
      plan.bundle.kind === 'already'
        ? { kind: 'already' }
        : { kind: plan.bundle.kind, file: plan.bundle.file },
    notes: plan.notes,
  };
}

function toResultJson(result: StoreResult): object {
  const { id, title, status } = result;
  if (result.status === 'absent') return { id, title, status, reason: result.reason };
  if (result.status !== 'failed') return { id, title, status };
  const { code, message, hint } = result.error;
  return { id, title, status, code, message, fix: hint };
}
