import { setTimeout as sleep } from 'node:timers/promises';
import type { ReloadAnswer, UpgradeAnswer } from '../../gateway/control/control-server.ts';
import type { GatewayStatus } from '../../gateway/control/status.ts';
import { showDiagnostics, writeEnvelope, type CliContext } from '../context.ts';
import { findRunningGateways, type RunningGateway } from '../control/running-gateways.ts';
import { toOpenText, toStatusText } from '../control/status-text.ts';
import { isProcessGone, readProcessIdentity } from '../../state/process-identity.ts';
import { reportProblems } from '../failure.ts';
import type { StateOptions } from '../state-source.ts';

const LOOK_MILLISECONDS = 250;
const TELL_MILLISECONDS = 5000;
const GONE_MILLISECONDS = 3000;

/** Says what the gateways of a state directory serve and have open. */
export async function runStatus(options: StateOptions, context: CliContext): Promise<number> {
  const found = await findRunningGateways(options, context);
  if (!found.ok) return reportProblems(found.error, context);
  const gateways = await listStatus(found.value);
  if (context.json) writeEnvelope(context, 'status', { gateways });
  else {
    const now = Date.now();
    context.io.stdout.write(gateways.map((status) => toStatusText(status, now)).join('\n'));
  }
  return 0;
}

/** Has the gateways of a state directory read their configuration again; shows why one did not take it. */
export async function runReload(options: StateOptions, context: CliContext): Promise<number> {
  const found = await findRunningGateways(options, context);
  if (!found.ok) return reportProblems(found.error, context);
  const { stdout } = context.io;
  let exit = 0;
  for (const gateway of found.value) {
    // What the gateway answers is of this very program.
    const answer = (await gateway.ask('POST', '/reload')) as ReloadAnswer | undefined;
    if (answer === undefined) continue;
    if (!answer.ok) exit = reportProblems(answer.diagnostics, context);
    else if (context.json) writeEnvelope(context, 'reload', { pid: gateway.pid, urls: answer.urls });
    else {
      showDiagnostics(answer.diagnostics, context);
      stdout.write(answer.urls.map((url) => `${url}\n`).join(''));
    }
  }
  return exit;
}

/** Has the program on disk take the place of the workers that run. */
export async function runUpgrade(options: StateOptions, context: CliContext): Promise<number> {
  const found = await findRunningGateways(options, context);
  if (!found.ok) return reportProblems(found.error, context);
  for (const gateway of found.value) {
    // What the gateway answers is of this very program.
    const answer = (await gateway.ask('POST', '/upgrade')) as UpgradeAnswer | undefined;
    if (answer?.ok === false) return reportProblems(answer.diagnostics, context);
  }
  const pids = found.value.map(({ pid }) => pid);
  if (context.json) writeEnvelope(context, 'upgrade', { pids });
  else context.io.stderr.write('upgraded: new workers serve, and the ones before drain\n');
  return 0;
}

/** Has the gateways of a state directory drain, and waits until they are gone, showing what they still wait for. */
export async function runStop(
  { now, ...options }: StateOptions & { readonly now: boolean },
  context: CliContext,
): Promise<number> {
  const found = await findRunningGateways(options, context);
  if (!found.ok) return reportProblems(found.error, context);
  await Promise.all(found.value.map((gateway) => gateway.ask('POST', now ? '/stop?now' : '/stop')));
  let told = Number.NEGATIVE_INFINITY;
  for (let left = await listStatus(found.value); left.length > 0; left = await listStatus(found.value)) {
    if (!context.json && performance.now() - told >= TELL_MILLISECONDS) {
      told = performance.now();
      for (const status of left) {
        const text = status.open.length === 0 ? 'nothing is open\n' : toOpenText(status);
        context.io.stderr.write(`draining, pid ${status.pid}\n${text}`);
      }
    }
    await sleep(LOOK_MILLISECONDS);
  }
  const pids = found.value.map(({ pid }) => pid);
  await untilGone(pids);
  if (context.json) writeEnvelope(context, 'stop', { pids });
  else context.io.stderr.write(`stopped: ${pids.map((pid) => `pid ${pid}`).join(', ')}\n`);
  return 0;
}

/** A process ends a moment after its socket. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const own = readProcessIdentity();
  const deadline = performance.now() + GONE_MILLISECONDS;
  while (performance.now() < deadline && !pids.every((pid) => isProcessGone({ ...own, pid }, own)))
    await sleep(LOOK_MILLISECONDS / 5);
}

/** Those that are still there. */
async function listStatus(gateways: readonly RunningGateway[]): Promise<readonly GatewayStatus[]> {
  const answers = await Promise.all(gateways.map((gateway) => gateway.ask('GET', '/status')));
  return answers.filter((answer) => answer !== undefined) as GatewayStatus[];
}
