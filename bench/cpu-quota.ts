import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A share of one core that a process cannot go beyond. */
export interface CpuQuota {
  /** Puts a process there. */
  take(pid: number): void;
  /** Removes it as soon as its processes, which were ended, are gone. */
  remove(): Promise<void>;
}

/** So short that a call waits for a few milliseconds at most. */
const PERIOD_MICROSECONDS = 20_000;
const GONE_MILLISECONDS = 5000;
const POLL_MILLISECONDS = 20;
/** Where version 1 and version 2 of the kernel's control groups are mounted. */
const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';

/** Makes a control group; throws why this machine does not let us. */
export function createCpuQuota(name: string, share: number): CpuQuota {
  const quota = Math.round(share * PERIOD_MICROSECONDS);
  const isV2 = existsSync(join(V2, 'cgroup.controllers'));
  const folder = join(isV2 ? V2 : V1, name);
  try {
    if (isV2) enableController();
    mkdirSync(folder);
    if (isV2) writeFileSync(join(folder, 'cpu.max'), `${quota} ${PERIOD_MICROSECONDS}`);
    else {
      writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_MICROSECONDS));
      writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota));
    }
  } catch (error) {
    throw new Error(`no CPU quota can be set here (root and a writable ${V2} are needed)`, { cause: error });
  }
  return {
    take(pid) {
      writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    },
    async remove() {
      const deadline = performance.now() + GONE_MILLISECONDS;
      while (readFileSync(join(folder, 'cgroup.procs'), 'utf8') !== '' && performance.now() < deadline)
        await sleep(POLL_MILLISECONDS);
      rmdirSync(folder);
    },
  };
}

function enableController(): void {
  const file = join(V2, 'cgroup.subtree_control');
  if (!readFileSync(file, 'utf8').split(/\s+/).includes('cpu')) writeFileSync(file, '+cpu');
}
