import { resolve as resolvePath } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { defaultStateDir } from '../../config/state-dir.ts';
import type { LaunchedGateway } from '../../gateway/launch.ts';
import { systemClock } from '../../lib/clock.ts';
import { fitEngine } from '../../lib/engine-settings.ts';
import { showDiagnostics, usesColor, writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { readVersion } from '../../lib/version.ts';
import type { CertificateEvent } from '../../tls/certificate-provider.ts';
import { createFileWatcher, type FileWatcher } from '../../tls/files/file-watcher.ts';
import type { UpOptions } from '../actions/up.ts';
import { buildBanner } from './banner.ts';
import { createCertificateProgress } from './certificate-progress.ts';
import { openControl } from './control.ts';
import { launch } from './launch.ts';
import { createReloader, toServingStatus, type Reloader } from './reload.ts';
import { createServiceManager, readMonotonicMicroseconds, runSystemdNotify } from './service-manager.ts';

/** How long a second signal leaves to what still runs. */
const HASTE_MILLISECONDS = 1500;
const HOLD_MILLISECONDS = 60_000;
const SETTLED_MILLISECONDS = 1000;

/** Runs the gateway until it has drained. `options` are what the configuration is read from when it is to be reloaded. Returns the exit code. */
export async function runGateway(
  loaded: LoadedConfig,
  options: UpOptions,
  context: CliContext,
): Promise<number> {
  const { stdout, stderr } = context.io;
  const colour = usesColor(context);
  const manager = createServiceManager(process.env, {
    clock: systemClock,
    pid: process.pid,
    run: runSystemdNotify,
    monotonic: readMonotonicMicroseconds,
    warn: (message) =>
      showDiagnostics([{ severity: 'warning', code: 'E_NOTIFY_UNAVAILABLE', message }], context),
  });
  // What happens before the first screen is told after it.
  const early: CertificateEvent[] = [];
  let tell = (event: CertificateEvent): unknown => early.push(event);
  const launched = await launch(
    {
      config: loaded.config,
      authRequested: loaded.authRequested,
      clock: systemClock,
      // The terminal of whoever started the gateway, or the journal, which is theirs as well.
      onOwnerCode: (code) => stderr.write(`\nYour login code: ${code}  (good for ten minutes, once)\n\n`),
      terminal: { isTty: stderr.isTerminal, colour },
      onCertificate: (event) => void tell(event),
    },
    context,
  );
  if (!launched.ok) return reportProblems(launched.error, context);
  fitEngine();
  // Before the first screen: whoever reads it may give a command at once.
  const reloader = createReloader(
    { up: options, config: loaded.config, launched: launched.value, manager },
    context,
  );
  const stopping = untilStopped(launched.value, {
    reload: () => void reloader.reload(),
    upgrade: () => void upgrade(launched.value, context),
    onStop: () => manager.stopping(reloader.config.timeouts.drain),
    hasTerminal: stderr.isTerminal,
  });
  const control = await openControl(
    { loaded, launched: launched.value, reloader, stop: (how) => stopping.stop(how) },
    context,
  );
  const watcher = options.watch === true ? watchConfig(loaded, reloader, context) : undefined;
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
  manager.ready(toServingStatus(urls));
  await stopping.stopped;
  watcher?.close();
  await control.close();
  await manager.close();
  return 0;
}

/** The state directory, where it is not the one that commands use by themselves. */
function toForeignStateDir({ stateDir }: Config, { io }: CliContext): string | undefined {
  return stateDir === defaultStateDir(io.env, io.cwd) ? undefined : stateDir;
}

async function upgrade(launched: LaunchedGateway, context: CliContext): Promise<void> {
  const result = await launched.upgrade();
  if (!result.ok) reportProblems(result.error, context);
}

interface Stopping {
  readonly stopped: Promise<void>;
  /** Begins to drain; a second time, or with `now`, it ends within two seconds. */
  stop(how?: { readonly now: boolean }): void;
}

/**
 * The first SIGTERM or SIGINT drains, a second one ends within two seconds. SIGHUP reloads; on a terminal it says that the terminal has
 * gone, and drains.
 */
function untilStopped(
  launched: LaunchedGateway,
  {
    reload,
    upgrade: onUpgrade,
    onStop,
    hasTerminal,
  }: {
    readonly reload: () => void;
    readonly upgrade: () => void;
    readonly onStop: () => void;
    readonly hasTerminal: boolean;
  },
): Stopping {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let isStopping = false;
  const hasten = (): void => {
    launched.hasten();
    // Whatever still holds on after its last words must not hold the process.
    setTimeout(() => process.exit(0), HASTE_MILLISECONDS).unref();
  };
  const stop = ({ now }: { readonly now: boolean } = { now: false }): void => {
    if (isStopping) {
      hasten();
      return;
    }
    isStopping = true;
    onStop();
    // The timers of the gateway hold no process; while it drains there may be nothing else left that does.
    const hold = setInterval(() => undefined, HOLD_MILLISECONDS);
    void launched.stop().finally(() => {
      clearInterval(hold);
      resolve(undefined);
    });
    if (now) hasten();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop());
  process.on('SIGUSR2', onUpgrade);
  process.on('SIGHUP', hasTerminal ? () => stop() : reload);
  return { stopped: promise, stop };
}

/** Reloads when the file is written. */
function watchConfig(
  { file, text }: LoadedConfig,
  reloader: Reloader,
  { io }: CliContext,
): FileWatcher | undefined {
  if (file === undefined || file === '<stdin>') return undefined;
  const path = resolvePath(io.cwd, file);
  let seen = text;
  const look = async (): Promise<void> => {
    // While it is being replaced there may be none.
    const bytes = await io.readFile(path).catch(() => undefined);
    const now = bytes === undefined ? seen : Buffer.from(bytes).toString();
    if (now === seen) return;
    seen = now;
    await reloader.reload();
  };
  // What is written while the watcher is being set up is found a moment later.
  systemClock.setTimeout(() => void look(), SETTLED_MILLISECONDS);
  return createFileWatcher({ paths: [path], clock: systemClock, onChange: () => void look() });
}
