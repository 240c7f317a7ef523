import { startAskedProcess } from './asked-process.ts';
import type { CallerCommand, CallReport } from './steady-caller-protocol.ts';

/**
 * A client in a process of its own that makes so many calls a second, whatever the answers do: a call counts from
 * the moment it was due, so that a gateway standing still is charged with every call it kept waiting. Calls go in
 * turn over HTTP/1.1 and HTTP/2, on connections that stay open.
 */
export interface SteadyCaller extends AsyncDisposable {
  /** The calls answered since the report before. */
  report(): Promise<CallReport>;
  /** Makes no more calls, and resolves once those under way are answered. */
  stop(): Promise<CallReport>;
}

export interface SteadyCallerOptions {
  readonly port: number;
  /** PEM of the authority to trust. */
  readonly ca: string;
  readonly perSecond: number;
}

/** Resolves once a call over each protocol has been answered. */
export async function startSteadyCaller(options: SteadyCallerOptions): Promise<SteadyCaller> {
  const program = new URL('steady-caller-process.ts', import.meta.url);
  const caller = await startAskedProcess<CallerCommand, CallReport>(program);
  const { failures } = await caller.ask({ kind: 'start', ...options });
  if (Object.keys(failures).length > 0) {
    await caller[Symbol.asyncDispose]();
    throw new Error(`the first calls failed: ${JSON.stringify(failures)}`);
  }
  return {
    report: () => caller.ask({ kind: 'report' }),
    stop: () => caller.ask({ kind: 'stop' }),
    [Symbol.asyncDispose]: () => caller[Symbol.asyncDispose](),
  };
}
