import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';

export interface SealKey {
  /** 0 to 255; tells the keys of one ring apart. */
  readonly id: number;
  /** 32 bytes. */
  readonly secret: KeyObject;
}

export interface SealKeyring {
  /** The key that seals. */
  readonly current: SealKey;
  /** A key that still opens what it sealed. */
  find(id: number): SealKey | undefined;
}

export interface SessionSealOptions {
  readonly keys: SealKeyring;
  /** Returns so many unpredictable bytes. */
  readonly random?: (size: number) => Buffer;
}

/** Who uses a session, and where. */
export interface SessionHolder {
  /** Identity of the route. */
  readonly route: string;
  /** `id` of the principal; `undefined` stands for the callers of a route without authentication, who are all one. */
  readonly principalId: string | undefined;
}

export interface NewSession extends SessionHolder {
  /** Which of the route's servers made the session. */
  readonly upstream: string;
  /** The id that the server gave it. */
  readonly sessionId: string;
  /** What another server has to be told to begin the session again: `params` of the client's `initialize`, as JSON. */
  readonly initializeParams?: string | undefined;
}

/** One answer for everything that cannot be used: it tells nobody whether a session exists (E_SESSION_UNKNOWN). */
export type OpenedSession =
  | {
      readonly kind: 'ok';
      readonly sessionId: string;
      readonly upstream: string;
      /** `undefined` where nothing was sealed that the session could begin again with. */
      readonly initializeParams: string | undefined;
    }
  | { readonly kind: 'unknown' };

/** Sealed session ids: opaque, bound to one principal and one route, and readable by every process that has the key. */
export interface SessionSeal {
  /** Visible ASCII (base64url), as a session id has to be. `undefined` for an id so long that no client could send it back. */
  seal(session: NewSession): string | undefined;
  open(text: string, holder: SessionHolder): OpenedSession;
}

/** Longest sealed id, in characters: nothing longer is looked at. */
export const maxSealedLength = 8192;
/** Longest `initializeParams` that are sealed: a client sends them back with each of its requests. */
export const maxInitializeParams = 2048;

const version = 1;
const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;
const headLength = 2 + nonceLength;
const minSealedLength = Math.ceil(((headLength + tagLength) * 4) / 3);
const unknown: OpenedSession = { kind: 'unknown' };

/**
 * Layout: version, key id, nonce, encrypted [upstream, session id, params of initialize], tag, where the third part is there only for
 * sessions that can begin again. AES-256-GCM (NIST SP 800-38D) with random nonces, which are good for 2^32 sessions a key. Principal and
 * route are not in it but in the associated data, so session-hijack (MCP Security Best Practices) fails in the same place as tampering
 * does, and a leaked id tells nothing about its owner.
 */
export function createSessionSeal(options: SessionSealOptions): SessionSeal {
  const { keys, random = randomBytes } = options;
  const write = (session: NewSession, rest: readonly string[]): string | undefined => {
    const { id, secret } = keys.current;
    const head = Buffer.concat([Buffer.of(version, id), random(nonceLength)]);
    const cipher = createCipheriv(algorithm, secret, head.subarray(2), { authTagLength: tagLength });
    cipher.setAAD(toAssociatedData(session, head));
    const body = cipher.update(JSON.stringify([session.upstream, session.sessionId, ...rest]));
    cipher.final();
    const text = Buffer.concat([head, body, cipher.getAuthTag()]).toString('base64url');
    return text.length > maxSealedLength ? undefined : text;
  };
  return {
    seal(session) {
      const { initializeParams: params } = session;
      const whole =
        params !== undefined && params.length <= maxInitializeParams ? write(session, [params]) : undefined;
      // A session that cannot begin again is better than none.
      return whole ?? write(session, []);
    },
    open(text, holder) {
      if (text.length < minSealedLength || text.length > maxSealedLength) return unknown;
      const bytes = Buffer.from(text, 'base64url');
      // base64-malleability: a second spelling of an id would be another id to whatever counts or lists sessions.
      if (bytes.toString('base64url') !== text) return unknown;
      const key = keys.find(bytes[1] ?? 0);
      const opened = key === undefined ? undefined : decrypt(key.secret, bytes, holder);
      if (opened === undefined) return unknown;
      // It is what `seal` wrote: the tag says so.
      const [upstream, sessionId, initializeParams] = JSON.parse(opened) as [string, string, string?];
      return { kind: 'ok', sessionId, upstream, initializeParams };
    },
  };
}

function decrypt(secret: KeyObject, bytes: Buffer, holder: SessionHolder): string | undefined {
  const nonce = bytes.subarray(2, headLength);
  const decipher = createDecipheriv(algorithm, secret, nonce, { authTagLength: tagLength });
  decipher.setAAD(toAssociatedData(holder, bytes));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagLength));
  const text = decipher.update(bytes.subarray(headLength, bytes.length - tagLength), undefined, 'utf8');
  try {
    return text + decipher.final('utf8');
  } catch {
    // Node's way to say that the tag does not fit.
    return undefined;
  }
}

/** Version and key id count, too. JSON keeps the parts apart, whatever is in them. */
function toAssociatedData({ route, principalId }: SessionHolder, head: Buffer): Buffer {
  return Buffer.from(JSON.stringify(['session', head[0], head[1], route, principalId ?? null]));
}
