import { isGatewayError, type GatewayError } from '../../lib/gateway-error.ts';
import { buildClientBundle, hasClientBundle, isBundleCurrent, toBundleFile } from './client-bundle.ts';
import { createNssStores } from './nss-store.ts';
import { loadAuthorityToTrust, readAuthorityToRemove, type OwnAuthority } from './own-authority.ts';
import { runCommand, type RunCommand } from './run-command.ts';
import { createSystemStore } from './system-store.ts';
import { readTrustPlatform, type TrustPlatform } from './trust-platform.ts';
import type { PlannedStep, TrustAction, TrustStore } from './trust-store.ts';

export interface TrustOptions {
  /** Absolute. */
  readonly stateDir: string;
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** This machine when absent. */
  readonly platform?: TrustPlatform;
  /** Runs the programs for real when absent. */
  readonly run?: RunCommand;
}

/** What is going to happen, complete before anything does. */
export interface TrustPlan {
  readonly action: TrustAction;
  /** Absent where there is nothing to take back, because the state directory holds no authority. */
  readonly authority?: OwnAuthority;
  readonly stores: readonly PlannedStore[];
  readonly bundle: PlannedBundle;
  /** Things to know before one says yes; whole sentences. */
  readonly notes: readonly string[];
  readonly run: RunCommand;
}

export type PlannedStore = { readonly id: string; readonly title: string } & (
  | { readonly kind: 'change'; readonly store: TrustStore; readonly steps: readonly PlannedStep[] }
  | { readonly kind: 'already' }
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: GatewayError }
);

/** What becomes of the file with all roots, for programs whose variable replaces their list. */
export type PlannedBundle =
  | { readonly kind: 'write'; readonly file: string; readonly data: string }
  | { readonly kind: 'remove'; readonly file: string }
  | { readonly kind: 'already' };

/**
 * Plans to make every trust store of this machine trust the local authority, which is created on first use. Changes no store.
 * Throws a GatewayError: E_STATE_UNWRITABLE, or E_TLS_STATE when the authority must not be trusted.
 */
export async function planTrust(options: TrustOptions): Promise<TrustPlan> {
  const platform = options.platform ?? readTrustPlatform();
  const authority = await loadAuthorityToTrust(options);
  const data = await buildClientBundle(authority, platform);
  const bundle: PlannedBundle = (await isBundleCurrent(authority, data))
    ? { kind: 'already' }
    : { kind: 'write', file: toBundleFile(authority), data };
  return buildPlan({ action: 'trust', authority, bundle, platform, run: options.run ?? runCommand });
}

/**
 * Plans to remove every trace of the local authority from the trust stores; the authority itself stays. Changes no store.
 * Throws a GatewayError: E_STATE_UNWRITABLE, or E_TLS_STATE when what is stored is not ours to remove.
 */
export async function planUntrust(options: Omit<TrustOptions, 'now'>): Promise<TrustPlan> {
  const platform = options.platform ?? readTrustPlatform();
  const run = options.run ?? runCommand;
  const authority = await readAuthorityToRemove(options.stateDir);
  if (authority === undefined) {
    const notes = [`There is no local certificate authority in ${options.stateDir}.`];
    return { action: 'untrust', stores: [], bundle: { kind: 'already' }, notes, run };
  }
  const bundle: PlannedBundle = (await hasClientBundle(authority))
    ? { kind: 'remove', file: toBundleFile(authority) }
    : { kind: 'already' };
  return buildPlan({ action: 'untrust', authority, bundle, platform, run });
}

/** True when applying the plan would change nothing. */
export function isNothingToDo(plan: TrustPlan): boolean {
  return plan.bundle.kind === 'already' && plan.stores.every(({ kind }) => kind !== 'change');
}

interface PlanParts {
  readonly action: TrustAction;
  readonly authority: OwnAuthority;
  readonly bundle: PlannedBundle;
  readonly platform: TrustPlatform;
  readonly run: RunCommand;
}

async function buildPlan({ platform, ...parts }: PlanParts): Promise<TrustPlan> {
  const system = await createSystemStore(platform, parts.run);
  const stores: PlannedStore[] = [];
  for (const store of [system, ...(await createNssStores(platform, parts.run))])
    stores.push(await planStore(store, parts));
  return { ...parts, stores, notes: buildNotes(platform) };
}

async function planStore(
  store: TrustStore,
  { action, authority }: Pick<PlanParts, 'action' | 'authority'>,
): Promise<PlannedStore> {
  const { id, title } = store;
  try {
    const state = await store.inspect(authority);
    if (state.kind === 'absent') return { id, title, ...state };
    if (state.kind === (action === 'trust' ? 'held' : 'none')) return { id, title, kind: 'already' };
    return { id, title, kind: 'change', store, steps: store.plan(action, authority) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { id, title, kind: 'failed', error };
  }
}

function buildNotes({ sudoUser, home }: TrustPlatform): string[] {
  if (sudoUser === undefined) return [];
  return [
    `This runs under sudo, so the browsers and the state of the home directory ${home} are meant. Run it as ${sudoUser} without sudo: it asks for more rights where it needs them.`,
  ];
}
