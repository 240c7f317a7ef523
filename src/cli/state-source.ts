import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { openKeyStore } from '../auth/key-file.ts';
import { systemClock } from '../lib/clock.ts';
import { createMemoryStore } from '../state/store/memory-store.ts';
import type { Store } from '../state/store/store.ts';
import { findSource, type CertsOptions } from './certs/source.ts';
import type { CliContext } from './context.ts';
import { reportProblems } from './failure.ts';

/** Which state directory a command means. */
export type StateOptions = CertsOptions;

export interface StateWork {
  readonly stateDir: string;
  readonly store: Store;
}

/**
 * Runs a command on the store of the gateway's state directory and closes it again. `reads`: where there is no store yet, none is made,
 * and the command finds an empty one. Problems of the configuration are told; the store's are thrown as GatewayErrors.
 */
export async function withState(
  options: StateOptions & { readonly access: 'reads' | 'writes' },
  context: CliContext,
  work: (state: StateWork) => Promise<number>,
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const { stateDir } = source.value;
  const isEmpty = options.access === 'reads' && !(await hasState(stateDir));
  const store = isEmpty
    ? createMemoryStore({ clock: systemClock })
    : // Closed again before there is anything to sweep.
      await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined });
  try {
    return await work({ stateDir, store });
  } finally {
    store.close();
  }
}

/** What is there and cannot be opened counts: why it cannot has to be told. */
async function hasState(stateDir: string): Promise<boolean> {
  const looks = ['breakwater.db', 'keys.json'].map((name) => access(join(stateDir, name)));
  const outcomes = await Promise.allSettled(looks);
  return outcomes.some(({ status }) => status === 'fulfilled');
}
