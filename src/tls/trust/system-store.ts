import { createLinuxStore } from './linux-store.ts';
import { createMacosStore } from './macos-store.ts';
import type { RunCommand } from './run-command.ts';
import type { TrustPlatform } from './trust-platform.ts';
import type { TrustStore } from './trust-store.ts';
import { createWindowsStore } from './windows-store.ts';

/** The list of authorities of the operating system itself. */
export async function createSystemStore(platform: TrustPlatform, run: RunCommand): Promise<TrustStore> {
  if (platform.os === 'linux') return createLinuxStore(platform);
  if (platform.os === 'darwin') return createMacosStore(platform, run);
  if (platform.os === 'win32') return createWindowsStore(platform, run);
  return createAbsentStore({
    id: 'system',
    title: 'system',
    reason: `how ${platform.os} keeps its list of authorities is not known`,
  });
}

/** Stands for a store that this machine does not have. */
export function createAbsentStore(facts: {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
}): TrustStore {
  const { id, title, reason } = facts;
  return { id, title, inspect: () => Promise.resolve({ kind: 'absent', reason }), plan: () => [] };
}
