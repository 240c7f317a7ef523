import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';

/** Descriptors that connections may not take: listeners, logs, certificates being read, the runtime's own. */
const RESERVED = 64;
/** A client connection, and the one to the upstream that its request needs. */
const DESCRIPTORS_PER_CONNECTION = 2;

/** Descriptors this process may have open; `undefined` where the system does not tell. The runtime has raised the soft limit to the hard one. */
export async function readDescriptorLimit(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  return parseDescriptorLimit(text);
}

/** Finds the soft limit in the text of /proc/self/limits (proc(5)). */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/**
 * Connections that fit the descriptors: with more, a flood would leave none for the upstream, for logs and for health
 * checks. A limit that does not fit is lowered, and said to be.
 */
export function fitConnections(
  config: Config,
  descriptors: number | undefined,
): { readonly config: Config; readonly warning: Diagnostic | undefined } {
  const { connections } = config.limits;
  const needed = connections * DESCRIPTORS_PER_CONNECTION + RESERVED;
  if (descriptors === undefined || needed <= descriptors) return { config, warning: undefined };
  const fitting = Math.max(1, Math.floor((descriptors - RESERVED) / DESCRIPTORS_PER_CONNECTION));
  return {
    config: { ...config, limits: { ...config.limits, connections: fitting } },
    warning: {
      severity: 'warning',
      code: 'E_CONFIG_RISK',
      message: `\`limits.connections\` is ${connections}, but the system lets this process open only ${descriptors} files: ${fitting} connections are taken`,
      fix: `allow ${needed} open files (\`ulimit -n ${needed}\`, in systemd \`LimitNOFILE=${needed}\`), or set \`limits.connections\` to ${fitting}`,
    },
  };
}
