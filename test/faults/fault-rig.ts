import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import type { GatewayProcessOptions } from '../support/gateway-process.ts';
import { countDescriptors, countSockets } from '../support/process-meter.ts';
import { until } from '../support/until.ts';

/** A gateway in its own process, with what it held open before its first client. */
export interface FaultRig extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  /** Sockets and descriptors above those of the start, once they are back or 5 s have gone by. */
  leftovers(): Promise<{ readonly sockets: number; readonly descriptors: number }>;
  /** Ends the gateway in order; what it complained of has to be nothing. */
  end(): Promise<{ readonly exitCode: number; readonly complaints: string }>;
}

/** The time within which everything has to be back as it was. */
export const BASELINE_MILLISECONDS = 5000;

/** Idle upstream connections go after a second instead of four, so that the baseline is reached in time for the test. */
export async function startFaultRig(options: GatewayProcessOptions): Promise<FaultRig> {
  const gateway = await startGatewayProcess({
    ...options,
    timeouts: { upstream_idle: '1s', ...options.timeouts },
  });
  const sockets = countSockets(gateway.pid);
  const descriptors = countDescriptors(gateway.pid);
  const measure = (): { readonly sockets: number; readonly descriptors: number } => ({
    sockets: countSockets(gateway.pid) - sockets,
    descriptors: Math.max(0, countDescriptors(gateway.pid) - descriptors),
  });
  return {
    gateway,
    async leftovers() {
      await until(() => {
        const left = measure();
        return left.sockets === 0 && left.descriptors === 0;
      }, BASELINE_MILLISECONDS);
      return measure();
    },
    async end() {
      const exitCode = await gateway.stop();
      return { exitCode, complaints: gateway.complaints };
    },
    [Symbol.asyncDispose]: () => gateway.clean(),
  };
}

/** What `leftovers` and `end` resolve with when all is well. */
export const nothingLeft = { sockets: 0, descriptors: 0 };
export const endedWell = { exitCode: 0, complaints: '' };
