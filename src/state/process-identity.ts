import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from '../lib/file-errors.ts';

/** Enough to find out, on the same machine, whether a process still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * Where the pid means something: host name, boot and pid namespace. Containers share host names, and a pid of another
   * container or of the time before a reboot says nothing about ours.
   */
  readonly host: string;
}

export function readProcessIdentity(): ProcessIdentity {
  return { pid: process.pid, host: [hostname(), ...readPlace()].join(' ') };
}

/** True when the process certainly does not run any more; false when it runs or nobody can tell from here. */
export function isProcessGone(identity: ProcessIdentity, own: ProcessIdentity): boolean {
  if (identity.host !== own.host) return false;
  try {
    process.kill(identity.pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

/** Other systems than Linux have no pid namespaces; there the host name has to do. */
function readPlace(): readonly string[] {
  if (process.platform !== 'linux') return [];
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return [boot, readlinkSync('/proc/self/ns/pid')];
  } catch {
    // Without /proc nobody can tell; a host that nobody else has makes every other process one that may run.
    return [`unknown-${process.pid}-${performance.timeOrigin}`];
  }
}
