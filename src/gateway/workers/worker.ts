import type { Socket } from 'node:net';
import { systemClock } from '../../lib/clock.ts';
import { fitEngine } from '../../lib/engine-settings.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import { launchGateway, type LaunchedWorker } from '../launch.ts';
import { protocol, type FromWorker, type StartFailure, type ToWorker } from './messages.ts';
import { SupervisorDoors } from './supervisor-doors.ts';

const HOLD_MILLISECONDS = 60_000;

/** The life of a worker: it does what its supervisor says, and drains when that is gone. Resolves once it has ended. */
export async function runWorker(): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  let launched: LaunchedWorker | undefined;
  const { promise: ready, resolve: onReady } = Promise.withResolvers<LaunchedWorker>();
  let isStopping = false;
  const stop = (how: { readonly lingers: boolean }): void => {
    if (isStopping) return;
    isStopping = true;
    void (launched?.stop(how) ?? Promise.resolve()).finally(() => end(undefined));
  };
  const doors = new SupervisorDoors(tell);
  const obey = async (message: ToWorker, connection: Socket | undefined): Promise<void> => {
    switch (message.kind) {
      case 'start': {
        const started = await start(message, doors);
        if (started.launched === undefined) {
          process.send?.({ kind: 'failed', failure: started.failure } satisfies FromWorker, () =>
            process.exit(1),
          );
          return;
        }
        launched = started.launched;
        onReady(launched);
        tell({ kind: 'ready', facts: launched.facts });
        return;
      }
      case 'reload': {
        const result = await (await ready).reload(message.wanted);
        tell({ kind: 'reloaded', ask: message.ask, result });
        return;
      }
      case 'describe': {
        const description = await (await ready).describe();
        tell({ kind: 'described', ask: message.ask, description });
        return;
      }
      case 'stop':
        stop(message);
        return;
      case 'hasten':
        launched?.hasten();
        return;
      case 'news':
        launched?.gateway.hear(message.from, message.news);
        return;
      case 'gone':
        launched?.gateway.forget(message.worker);
        return;
      case 'opened':
      case 'connection':
      case 'closed':
        doors.hear(message, connection);
    }
  };
  // The terminal sends its signals to every process in front of it; the supervisor tells what is to be done.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  // The supervisor checks its messages against the same type.
  process.on(
    'message',
    (message, connection) => void obey(message as ToWorker, connection as Socket | undefined),
  );
  process.on('disconnect', () => stop({ lingers: false }));
  // Until it listens there may be nothing else that holds the process.
  const hold = setInterval(() => undefined, HOLD_MILLISECONDS);
  await ended;
  clearInterval(hold);
  process.exit(0);
}

async function start(
  options: Extract<ToWorker, { kind: 'start' }>,
  doors: SupervisorDoors,
): Promise<
  { readonly launched: LaunchedWorker } | { readonly launched: undefined; readonly failure: StartFailure }
> {
  if (options.protocol !== protocol) return { launched: undefined, failure: otherProgram };
  try {
    const result = await launchGateway({
      ...options,
      doors,
      clock: systemClock,
      onOwnerCode: (code) => tell({ kind: 'owner-code', code }),
      onCertificate: (event) => tell({ kind: 'certificate', event }),
      share: (news) => tell({ kind: 'news', news }),
    });
    if (!result.ok) return { launched: undefined, failure: { kind: 'problems', diagnostics: result.error } };
    fitEngine();
    return { launched: result.value };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const { code, message, hint } = error;
    return { launched: undefined, failure: { kind: 'error', code, message, hint } };
  }
}

const otherProgram: StartFailure = {
  kind: 'problems',
  diagnostics: [
    {
      severity: 'error',
      code: 'E_RELOAD_REFUSED',
      message: 'the program on disk speaks another language than the supervisor that runs',
    },
  ],
};

/** A supervisor that has gone hears nothing, and `disconnect` tells so. */
function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
