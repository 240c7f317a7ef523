import type { Config } from '../../config/config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { defaultStateDir } from '../../config/state-dir.ts';
import { launchGateway, type LaunchedGateway } from '../../gateway/launch.ts';
import { systemClock } from '../../lib/clock.ts';
import { keepCompiledCode } from '../../lib/compiled-code.ts';
import { showDiagnostics, usesColor, writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { readVersion } from '../../lib/version.ts';
import type { CertificateEvent } from '../../tls/certificate-provider.ts';
import { buildBanner } from './banner.ts';
import { createCertificateProgress } from './certificate-progress.ts';

/** How long a second signal leaves to what still runs. */
const HASTE_MILLISECONDS = 1500;
const HOLD_MILLISECONDS = 60_000;

/** Runs the gateway until it has drained. Returns the exit code. */
export async function runGateway(loaded: LoadedConfig, context: CliContext): Promise<number> {
  const { stdout, stderr } = context.io;
  const colour = usesColor(context);
  // What happens before the first screen is told after it.
  const early: CertificateEvent[] = [];
  let tell = (event: CertificateEvent): unknown => early.push(event);
  const launched = await launchGateway({
    config: loaded.config,
    authRequested: loaded.authRequested,
    clock: systemClock,
    // The terminal of whoever started the gateway, or the journal, which is theirs as well.
    onOwnerCode: (code) => stderr.write(`\nYour login code: ${code}  (good for ten minutes, once)\n\n`),
    terminal: { isTty: stderr.isTerminal, colour },
    onCertificate: (event) => void tell(event),
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
    const banner = {
      version: readVersion(),
      readyIn,
      colour,
      now: Date.now(),
      stateDir: toForeignStateDir(loaded.config, context),
    };
    stderr.write(buildBanner(facts, banner));
    showDiagnostics(facts.warnings, context);
    if (!stdout.isTerminal) stdout.write(`${urls.join('\n')}\n`);
  }
  tell =
    context.json || !stderr.isTerminal
      ? () => undefined
      : createCertificateProgress({
          write: (text) => stderr.write(text),
          colour,
          unicode: context.io.unicode,
        });
  for (const event of early) tell(event);
  await untilStopped(launched.value);
  return 0;
}

/** The state directory, where it is not the one that commands use by themselves. */
function toForeignStateDir({ stateDir }: Config, { io }: CliContext): string | undefined {
  return stateDir === defaultStateDir(io.env, io.cwd) ? undefined : stateDir;
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
