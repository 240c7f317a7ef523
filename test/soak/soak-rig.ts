import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';
import { startEventSource, type EventSource } from './event-source.ts';
import { allowFiles } from './file-limit.ts';

/** A gateway with clients and an upstream, each in a process of its own; all of it goes at the end of the test. */
export interface SoakRig extends AsyncDisposable {
  readonly source: EventSource;
  readonly fleet: StreamFleet;
  /** The one that was started last. */
  readonly gateway: GatewayProcess;
  /** Opens streams beside those that run, half of them of each era; resolves with why some did not open. */
  open(this: void, streams: number): Promise<readonly string[]>;
  /** Ends the gateway in order and starts another one; resolves with the exit code of the one that ended. */
  restart(): Promise<number>;
}

export interface SoakRigOptions {
  /** The most streams it will have to hold. */
  readonly streams: number;
  readonly limits?: Readonly<Record<string, unknown>>;
}

/** Beside the two sockets of a stream: calls, files, the runtime's own. */
const SPARE_FILES = 1000;
/** Below the 5 s in which all sockets must be gone. */
const timeouts = { upstream_idle: '2s' };

export async function startSoakRig({ streams, limits = {} }: SoakRigOptions): Promise<SoakRig> {
  const source = await startEventSource();
  const fleet = await startStreamFleet();
  const wrapper = allowFiles(2 * streams + SPARE_FILES);
  const start = (): Promise<GatewayProcess> =>
    startGatewayProcess({ upstreamPort: source.port, wrapper, limits, timeouts });
  let gateway = await start();
  return {
    source,
    fleet,
    get gateway() {
      return gateway;
    },
    async open(count) {
      const { port, ca } = gateway;
      const half = Math.floor(count / 2);
      const legacy = await fleet.open({ port, ca, streams: half });
      const modern = await fleet.open({ port, ca, streams: count - half, era: 'modern' });
      return [...legacy.failures, ...modern.failures];
    },
    async restart() {
      const code = await gateway.stop();
      await gateway.clean();
      gateway = await start();
      return code;
    },
    async [Symbol.asyncDispose]() {
      await gateway.clean();
      await fleet[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}
