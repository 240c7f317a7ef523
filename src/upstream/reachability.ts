import { connect } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { UpstreamTarget } from './target.ts';

export type Reachability =
  | { readonly kind: 'up'; readonly milliseconds: number }
  /** `reason` is the system's error code, such as ECONNREFUSED, or `timeout`. */
  | { readonly kind: 'down'; readonly reason: string };

/** Opens and closes one connection to an upstream. Nothing is sent: `initialize` would leave a session behind. */
export function checkReachability(
  target: UpstreamTarget,
  options: { readonly clock: Clock; readonly timeout: number },
): Promise<Reachability> {
  const { clock, timeout } = options;
  const startedAt = clock.monotonic();
  return new Promise((resolve) => {
    const socket =
      target.kind === 'unix'
        ? connect({ path: target.socketPath })
        : connect({ host: target.host, port: target.port });
    const settle = (result: Reachability): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = clock.setTimeout(() => settle({ kind: 'down', reason: 'timeout' }), timeout);
    socket.once('connect', () =>
      settle({ kind: 'up', milliseconds: Math.round(clock.monotonic() - startedAt) }),
    );
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle({ kind: 'down', reason: error.code ?? 'unknown' }),
    );
  });
}
