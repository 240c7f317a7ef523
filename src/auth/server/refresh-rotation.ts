import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import { Provider, type ProviderContext } from 'oidc-provider';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../state/store/store.ts';

/**
 * Refresh tokens of public clients rotate at each use (OAuth 2.1 §4.3.1). Clients refresh in parallel, or lose an answer and ask again:
 * for a short while a used token leads to the one that replaced it, and the client stays logged in. After that, a used token is a
 * stolen one, and the whole grant ends.
 */
export interface RefreshRotation {
  /** Decides whether this refresh makes a new token; false when another one just did. Waits for one that is doing it. */
  rotate(context: ProviderContext): Promise<boolean>;
  /** The token that replaced a used one within the grace, or `undefined`. */
  findSuccessor(used: string): Promise<string | undefined>;
  /** Notes the token that a rotation made. */
  noteSuccessor(used: string, successor: string): Promise<void>;
  /** Puts the successor into an answer that repeats a rotation, and lets the next one go on; to be called in any case. */
  finish(context: ProviderContext): void;
}

const KIND = 'RefreshSuccessor';
const refreshGraceMilliseconds = 30_000;

/** What `state` of a context carries between these functions. */
interface RotationState {
  /** Sent to the client in place of the token it presented. */
  refreshSuccessor?: string;
  /** Lets the next one have a look at the token. */
  endRotation?: () => void;
}

export function createRefreshRotation(options: {
  readonly store: Store;
  readonly clock: Clock;
}): RefreshRotation {
  const { store, clock } = options;
  /** By token: the end of the last rotation that was begun. They run one after the other. */
  const turns = new Map<string, Promise<undefined>>();

  async function lookUp(used: string): Promise<string | undefined> {
    const record = await store.get(KIND, toId(used));
    if (!(Number(record?.['until']) > clock.now())) return undefined;
    return unseal(used, String(record?.['sealed']));
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

  return {
    async findSuccessor(used) {
      const found = await lookUp(used);
      if (found !== undefined) return found;
      await turns.get(used);
      return lookUp(used);
    },
    async rotate(context) {
      const state: RotationState = context.state;
      if (state.refreshSuccessor !== undefined) return false;
      const token = context.oidc.entities.RefreshToken?.jti ?? '';
      const turn = takeTurn(token);
      state.endRotation = turn.end;
      await turn.before;
      const successor = await lookUp(token);
      if (successor === undefined) return true;
      state.refreshSuccessor = successor;
      return false;
    },
    async noteSuccessor(used, successor) {
      const until = clock.now() + refreshGraceMilliseconds;
      await store.put(KIND, toId(used), { sealed: seal(used, successor), until }, { expiresAt: until });
    },
    finish(context) {
      const { refreshSuccessor, endRotation }: RotationState = context.state;
      endRotation?.();
      const { body } = context;
      if (refreshSuccessor === undefined || typeof body !== 'object' || body === null) return;
      if ('refresh_token' in body) context.body = { ...body, refresh_token: refreshSuccessor };
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
