import type { LoadedConfig } from '../../config/load.ts';
import { launchGateway, type LaunchedGateway } from '../../gateway/launch.ts';
import { systemClock } from '../../lib/clock.ts';
import { keepCompiledCode } from '../../lib/compiled-code.ts';
import { showDiagnostics, usesColor, writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { readVersion } from '../version.ts';
import { buildBanner } from './banner.ts';

/** How long a second signal leaves to what still runs. */
const HASTE_MILLISECONDS = 1500;
const HOLD_MILLISECONDS = 60_000;

/** Runs the gateway until it has drained. Returns the exit code. */
export async function runGateway(loaded: LoadedConfig, context: CliContext): Promise<number> {
  const { stdout, stderr } = context.io;
  const launched = await launchGateway({
    config: loaded.config,
    authRequested: loaded.authRequested,
    clock: systemClock,
    terminal: { isTty: stderr.isTerminal, colour: usesColor(context) },
  });
  if (!launched.ok) return reportProblems(launched.error, context);
  keepCompiledCode();
  const { facts } = launched.value;
  const urls = facts.routes.map(({ url }) => url);
  if (context.json) {
    const access = facts.createdKey === undefined ? {} : { key: facts.createdKey };
    const { audience, authorityFile = null } = facts;
    writeEnvelope(context, 'up', { audience, urls, authorityFile, ...access });
  } else {
    const readyIn = performance.now();
    const banner = { version: readVersion(), readyIn, colour: usesColor(context), now: Date.now() };
    stderr.write(buildBanner(facts, banner));
    showDiagnostics(facts.warnings, context);
    if (!stdout.isTerminal) stdout.write(`${urls.join('\n')}\n`);
  }
  await untilStopped(launched.value);
  return 0;
}

/** The first SIGTERM, SIGINT or SIGHUP drains; a second one ends within two seconds. */
function untilStopped(launched: LaunchedGateway): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (): void => {
      if (isStopping) {
        launched.gateway.hasten();
        // Whatever still holds on after its last words must not hold the process.
        setTimeout(() => process.exit(0), HASTE_MILLISECONDS).unref();
        return;
      }
      isStopping = true;
      // The timers of the gateway hold no process; while it drains there may be nothing else left that does.
      const hold = setInterval(() => undefined, HOLD_MILLISECONDS);
      void launched.stop().finally(() => {
        clearInterval(hold);
        resolve();
      });
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}
