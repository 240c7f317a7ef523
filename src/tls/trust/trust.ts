import { readFile } from 'node:fs/promises';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import { parsePem } from '../files/pem.ts';
import {
  buildClientBundle,
  hasClientBundle,
  isBundleCurrent,
  removeClientBundle,
  writeClientBundle,
} from './client-bundle.ts';
import { holdsCertificate, readAuthorityToRemove, type OwnAuthority } from './own-authority.ts';
import { readTrustPlatform, type TrustPlatform } from './trust-platform.ts';
import type { PlannedStore, TrustPlan } from './trust-plan.ts';
import { changeStore, type StoreResult } from './trust-store.ts';

/**
 * Does what the plan says, store by store; one that fails does not keep the others from their turn. The results come in the
 * order of the plan, the bundle last. Throws a GatewayError E_TLS_STATE when the authority is another one than was planned for.
 */
export async function applyTrust(plan: TrustPlan): Promise<readonly StoreResult[]> {
  const { authority } = plan;
  if (authority === undefined) return [];
  await checkUnchanged(authority);
  const results: StoreResult[] = [];
  for (const planned of plan.stores) results.push(await applyStore(planned, plan, authority));
  results.push(await applyBundle(plan, authority));
  return results;
}

/**
 * Brings a bundle that somebody asked for up to date with the roots of today; where there is none, none is made. Returns
 * whether it was written. Throws a GatewayError: E_STATE_UNWRITABLE, E_TLS_STATE, or E_TRUST_STORE when the system's list
 * cannot be read.
 */
export async function refreshClientBundle(
  stateDir: string,
  platform: TrustPlatform = readTrustPlatform(),
): Promise<boolean> {
  const authority = await readAuthorityToRemove(stateDir);
  if (authority === undefined || !(await hasClientBundle(authority))) return false;
  const data = await buildClientBundle(authority, platform);
  if (await isBundleCurrent(authority, data)) return false;
  await writeClientBundle(authority, data);
  return true;
}

/** Some systems read the certificate from its file: it must still be the one that was checked. */
async function checkUnchanged(authority: OwnAuthority): Promise<void> {
  const { file } = authority;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (parsePem(text).length === 1 && holdsCertificate(text, authority)) return;
  throw new GatewayError('E_TLS_STATE', `\`${file}\` changed after the plan was made`, {
    hint: 'run the command again and read the new plan',
  });
}

async function applyStore(
  planned: PlannedStore,
  { action, run }: TrustPlan,
  authority: OwnAuthority,
): Promise<StoreResult> {
  const { id, title } = planned;
  switch (planned.kind) {
    case 'change':
      return changeStore({ store: planned.store, action, authority, steps: planned.steps, run });
    case 'already':
      return { id, title, status: 'already' };
    case 'absent':
      return { id, title, status: 'absent', reason: planned.reason };
    case 'failed':
      return { id, title, status: 'failed', error: planned.error };
  }
}

async function applyBundle({ bundle }: TrustPlan, authority: OwnAuthority): Promise<StoreResult> {
  const facts = { id: 'bundle', title: 'bundle of all roots' };
  try {
    switch (bundle.kind) {
      case 'already':
        return { ...facts, status: 'already' };
      case 'write':
        await writeClientBundle(authority, bundle.data);
        return { ...facts, status: 'done' };
      case 'remove':
        await removeClientBundle(authority);
        return { ...facts, status: 'done' };
    }
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { ...facts, status: 'failed', error };
  }
}
