import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import { ensurePrivateDirectory } from '../../state/directory.ts';
import { formatCommand } from './command-text.ts';
import type { OwnAuthority } from './own-authority.ts';
import { programMissing, type CommandResult, type RunCommand } from './run-command.ts';

export type TrustAction = 'trust' | 'untrust';

const longestReason = 300;

/** One thing that will be done to a store, exactly as it is shown before. */
export type PlannedStep = PlannedCommand | PlannedDirectory;

export interface PlannedCommand {
  readonly kind: 'command';
  /** What it does, for a human: lower case, no final stop. */
  readonly text: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What it reads from standard input: the text that was checked, even if the file it came from changes meanwhile. */
  readonly input?: { readonly file: string; readonly data: string };
  readonly needsRoot: boolean;
  /** True for a clean-up of what may not be there: only what the store holds afterwards counts. */
  readonly mayFail?: true;
  /** What to do when it fails. */
  readonly hint: string;
}

export interface PlannedDirectory {
  readonly kind: 'directory';
  readonly text: string;
  /** Absolute; created with mode 0700, as are its missing parents. */
  readonly path: string;
  readonly needsRoot: false;
}

export type StoreState =
  /** The store is not on this machine, or looks elsewhere by itself. */
  | { readonly kind: 'absent'; readonly reason: string }
  /** Trusted, and `programs` read it. */
  | { readonly kind: 'held' }
  /** A change was begun and not finished; neither trusted nor gone. */
  | { readonly kind: 'partly' }
  | { readonly kind: 'none' };

/** One list of authorities that programs on this machine trust. */
export interface TrustStore {
  /** Stable within a machine, such as `system` or `nss:/home/ann/.pki/nssdb`. */
  readonly id: string;
  readonly title: string;
  /** Looks and changes nothing. Throws a GatewayError E_TRUST_STORE when the store cannot be read. */
  inspect(authority: OwnAuthority): Promise<StoreState>;
  /** The steps from any state to the wanted one; nothing is done yet. */
  plan(action: TrustAction, authority: OwnAuthority): readonly PlannedStep[];
}

export type StoreResult = { readonly id: string; readonly title: string } & (
  | { readonly status: 'done' }
  | { readonly status: 'already' }
  | { readonly status: 'absent'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: GatewayError }
);

export interface StoreChange {
  readonly store: TrustStore;
  readonly action: TrustAction;
  readonly authority: OwnAuthority;
  readonly steps: readonly PlannedStep[];
  readonly run: RunCommand;
}

/** Takes the planned steps one by one and looks whether the store then is as wanted. Never rejects for the store's sake. */
export async function changeStore(change: StoreChange): Promise<StoreResult> {
  const { store, action, authority } = change;
  const { id, title } = store;
  try {
    for (const step of change.steps) await takeStep(step, change.run);
    const { kind } = await store.inspect(authority);
    if (kind === (action === 'trust' ? 'held' : 'none')) return { id, title, status: 'done' };
    const still = action === 'trust' ? 'does not hold the certificate' : 'still holds the certificate';
    throw new GatewayError('E_TRUST_STORE', `every step succeeded, and yet ${title} ${still}`);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { id, title, status: 'failed', error };
  }
}

async function takeStep(step: PlannedStep, run: RunCommand): Promise<void> {
  if (step.kind === 'directory') return ensurePrivateDirectory(step.path);
  const result = await run(step.command, step.args, step.input?.data);
  if (result.status !== 0 && step.mayFail !== true) throw toFailure(step, result);
}

function toFailure(step: PlannedCommand, result: CommandResult): GatewayError {
  const { hint } = step;
  if (result.status !== programMissing)
    return new GatewayError('E_TRUST_STORE', `\`${formatCommand(step)}\` failed: ${explainResult(result)}`, {
      hint,
    });
  return new GatewayError('E_TRUST_STORE', `\`${step.command}\` is not installed`, { hint });
}

/** Why a program failed, in one line: its own words, without what could steer a terminal. */
export function explainResult(result: CommandResult): string {
  const words = [result.stderr, result.stdout].map(toReason).find((text) => text !== '');
  return words ?? (result.status === -1 ? 'it was ended by a signal' : `exit status ${result.status}`);
}

function toReason(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => toPrintableLine(line, longestReason));
  return toPrintableLine(lines.filter((line) => line !== '').join('; '), longestReason);
}
