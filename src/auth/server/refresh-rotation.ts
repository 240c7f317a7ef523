import { createCipheriv, createDecipheriv, hash, randomUUID } from 'node:crypto';
import { errors, Provider, type ProviderContext } from 'oidc-provider';
import type { Clock } from '../../lib/clock.ts';
import { pause } from '../../lib/pause.ts';
import type { Store, StoredValue } from '../../state/store/store.ts';

/**
 * Refresh tokens of public clients rotate at each use (OAuth 2.1 §4.3.1). Clients refresh in parallel, or lose an answer and ask again:
 * for a short while a used token leads to the one that replaced it, and the client stays logged in. After that, a used token is a
 * stolen one, and the whole grant ends. All processes that share the store take turns at a token: whoever has it says so there.
 */
export interface RefreshRotation {
  /**
   * Decides whether this refresh makes a new token; false when another one just did. Waits for one that is doing it, and rejects with
   * `temporarily_unavailable` where that takes too long.
   */
  rotate(context: ProviderContext): Promise<boolean>;
  /** The token that replaced a used one within the grace, or `undefined`. Waits and rejects as `rotate` does. */
  findSuccessor(used: string): Promise<string | undefined>;
  /** Notes the token that a rotation made. */
  noteSuccessor(used: string, successor: string): Promise<void>;
  /** Puts the successor into an answer that repeats a rotation, and lets the next one go on; to be called in any case. */
  finish(context: ProviderContext): Promise<void>;
}

const KIND = 'RefreshSuccessor';
const refreshGraceMilliseconds = 30_000;

/** How long a turn lasts at most: who has it may die. Several times what a rotation takes. */
const TURN_MILLISECONDS = 10_000;
/** How long a request waits for the one that has the turn. */
const PATIENCE_MILLISECONDS = 2000;
const LOOK_MILLISECONDS = 50;

/** What `state` of a context carries between these functions. */
interface RotationState {
  /** Sent to the client in place of the token it presented. */
  refreshSuccessor?: string;
  /** Lets the next one have a look at the token. */
  endRotation?: () => Promise<void>;
}

/** What the store says of a token: one replaced it, somebody is about to make one, or neither. */
type Standing =
  | { readonly kind: 'replaced'; readonly successor: string }
  | { readonly kind: 'taken' }
  | { readonly kind: 'free' };

export function createRefreshRotation(options: {
  readonly store: Store;
  readonly clock: Clock;
}): RefreshRotation {
  const { store, clock } = options;
  /** By token: the end of the last rotation that was begun in this process. They run one after the other, and need not look for each other. */
  const turns = new Map<string, Promise<undefined>>();
  /** By token: the turn that this process has in the store, until the successor takes its place. */
  const claims = new Map<string, string>();

  function toStanding(used: string, record: StoredValue | undefined): Standing {
    if (!(Number(record?.['until']) > clock.now())) return { kind: 'free' };
    if (typeof record?.['turn'] === 'string') return { kind: 'taken' };
    const successor = unseal(used, String(record?.['sealed']));
    return successor === undefined ? { kind: 'free' } : { kind: 'replaced', successor };
  }

  /** Takes a turn at once, before anything is waited for, so that two can never have it. */
  function takeTurn(token: string): {
    readonly before: Promise<undefined> | undefined;
    readonly end: () => void;
  } {
    const before = turns.get(token);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    turns.set(token, promise);
    return {
      before,
      end: () => {
        if (turns.get(token) === promise) turns.delete(token);
        resolve(undefined);
      },
    };
  }

  /** Takes the turn among all processes; false where another one has it, or has had it. */
  async function claim(token: string): Promise<boolean> {
    const turn = randomUUID();
    const isMine = await store.update(KIND, toId(token), (current) => {
      if (toStanding(token, current).kind !== 'free') return undefined;
      const until = clock.now() + TURN_MILLISECONDS;
      return { value: { turn, until }, expiresAt: until };
    });
    if (isMine) claims.set(token, turn);
    return isMine;
  }

  /** Gives back a turn that led to no token. */
  async function release(token: string): Promise<void> {
    const turn = claims.get(token);
    if (turn === undefined) return;
    claims.delete(token);
    await store.update(KIND, toId(token), (current) => {
      const now = clock.now();
      if (current?.['turn'] !== turn) return undefined;
      return { value: { until: now }, expiresAt: now + TURN_MILLISECONDS };
    });
  }

  async function waitForSuccessor(used: string): Promise<string | undefined> {
    const deadline = clock.monotonic() + PATIENCE_MILLISECONDS;
    const { signal } = new AbortController();
    for (;;) {
      const standing = toStanding(used, await store.get(KIND, toId(used)));
      if (standing.kind === 'replaced') return standing.successor;
      if (standing.kind === 'free') return undefined;
      // The client keeps its token, and may come again: to take this for reuse would log it out.
      if (clock.monotonic() >= deadline)
        throw new errors.TemporarilyUnavailable('the token is being refreshed');
      await pause(clock, LOOK_MILLISECONDS, signal);
    }
  }

  return {
    async findSuccessor(used) {
      await turns.get(used);
      return waitForSuccessor(used);
    },
    async rotate(context) {
      const state: RotationState = context.state;
      if (state.refreshSuccessor !== undefined) return false;
      const token = context.oidc.entities.RefreshToken?.jti ?? '';
      const turn = takeTurn(token);
      state.endRotation = async () => {
        try {
          await release(token);
        } finally {
          turn.end();
        }
      };
      await turn.before;
      while (!(await claim(token))) {
        const successor = await waitForSuccessor(token);
        if (successor === undefined) continue;
        state.refreshSuccessor = successor;
        return false;
      }
      return true;
    },
    async noteSuccessor(used, successor) {
      const until = clock.now() + refreshGraceMilliseconds;
      await store.put(KIND, toId(used), { sealed: seal(used, successor), until }, { expiresAt: until });
      claims.delete(used);
    },
    async finish(context) {
      const { refreshSuccessor, endRotation }: RotationState = context.state;
      const { body } = context;
      if (refreshSuccessor !== undefined && typeof body === 'object' && body !== null) {
        if ('refresh_token' in body) context.body = { ...body, refresh_token: refreshSuccessor };
      }
      await endRotation?.();
    },
  };
}

/** Follows a used token to its living successor, for the request that is being answered. */
export async function followRotation(
  rotation: RefreshRotation,
  used: string,
  isUsed: (token: string) => Promise<boolean>,
): Promise<string | undefined> {
  let token = used;
  for (let hop = 0; hop < 8; hop += 1) {
    const successor = await rotation.findSuccessor(token);
    if (successor === undefined) return undefined;
    token = successor;
    if (await isUsed(token)) continue;
    const context = Provider.ctx;
    if (context === undefined) return undefined;
    const state: RotationState = context.state;
    state.refreshSuccessor = token;
    return token;
  }
  return undefined;
}

/** The used token itself is the key to the one that replaced it: the store gives away neither. */
function toId(used: string): string {
  return hash('sha256', `successor ${used}`, 'base64url');
}

function seal(used: string, successor: string): string {
  // One key seals one text, so the nonce may be fixed.
  const cipher = createCipheriv('aes-256-gcm', toKey(used), nonce);
  const text = Buffer.concat([cipher.update(successor, 'utf8'), cipher.final()]);
  return Buffer.concat([cipher.getAuthTag(), text]).toString('base64url');
}

function unseal(used: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', toKey(used), nonce).setAuthTag(bytes.subarray(0, TAG));
    return Buffer.concat([decipher.update(bytes.subarray(TAG)), decipher.final()]).toString('utf8');
  } catch {
    // Somebody wrote into the store; there is no successor then.
    return undefined;
  }
}

const TAG = 16;
const nonce = Buffer.alloc(12);

function toKey(used: string): Buffer {
  return hash('sha256', `seal ${used}`, 'buffer');
}
