import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import type { Clock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { createKeyRing, type KeyRing } from '../../state/key-ring.ts';
import type { SharedTexts } from '../../state/shared-text.ts';

/** A key pair for ES256 (RFC 7518 section 3.4). */
export interface SigningKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly privateJwk: JWK;
  /** As it is published. */
  readonly publicJwk: JWK;
}

export interface SigningKeysOptions {
  /** Where the keys lie, as `auth/signing-keys.json`. */
  readonly texts: SharedTexts;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept there and are this process's own (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE). */
  readonly report: (warning: Diagnostic) => void;
}

/** The keys that the gateway signs its tokens for upstreams with. */
export interface SigningKeys {
  readonly current: SigningKey;
  /** The document to publish: also the key that comes next, and those whose tokens may still be on their way. */
  jwks(): JSONWebKeySet;
  /** From now on they are the same in all processes that share the texts. Resolves when they are. */
  share(): Promise<void>;
  /** Looks now whether a key is due, or another process has made one; also happens by itself, each minute. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

const day = 24 * 3_600_000;

/**
 * A day before its use every verifier has seen a new key, whatever it caches; tokens live for an hour at most. Whoever reads the private
 * keys can pose as any caller to the upstreams that trust them.
 */
const schedule = { lifetime: 30 * day, publishedBefore: day, keptFor: day };
const curve = 'P-256';

/** Makes the keys and replaces them in time. */
export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const ring: KeyRing<SigningKey> = createKeyRing({
    storage: options.texts('auth/signing-keys.json'),
    schedule,
    clock: options.clock,
    report: options.report,
    consequence: 'tokens for upstreams are signed with keys of this process only',
    make: () => toSigningKey(generateKeyPairSync('ec', { namedCurve: curve }).privateKey),
    toText: ({ privateJwk }) => JSON.stringify(privateJwk),
    fromText: parseSigningKey,
  });
  return {
    get current() {
      return ring.current;
    },
    jwks: () => ({ keys: ring.keys.map(({ publicJwk }) => publicJwk) }),
    share: () => ring.share(),
    refresh: () => ring.refresh(),
    close: () => ring.close(),
  };
}

/**
 * The public keys, as a running gateway publishes them; made where there are none yet, so that an upstream can be set up first. Rejects
 * with a GatewayError (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE) where they cannot be kept: keys that nobody will use help nobody.
 */
export async function loadJwks(texts: SharedTexts, clock: Clock): Promise<JSONWebKeySet> {
  const warnings: Diagnostic[] = [];
  const keys = createSigningKeys({ texts, clock, report: (warning) => warnings.push(warning) });
  try {
    await keys.share();
    const [warning] = warnings;
    if (warning !== undefined) throw new GatewayError(warning.code, warning.message);
    return keys.jwks();
  } finally {
    await keys.close();
  }
}

function parseSigningKey(text: string): SigningKey | undefined {
  try {
    const key = createPrivateKey({ key: JSON.parse(text), format: 'jwk' });
    return key.export({ format: 'jwk' }).crv === curve ? toSigningKey(key) : undefined;
  } catch {
    // Node's way to say that it is no key; the ring makes new ones then.
    return undefined;
  }
}

function toSigningKey(key: KeyObject): SigningKey {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  // RFC 7638: exactly these members, in this order.
  const kid = hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url');
  const publicJwk = { crv, kty, x, y, kid, alg: 'ES256', use: 'sig' } as JWK; // Node's type leaves `kty` open.
  const privateJwk = key.export({ format: 'jwk' }) as JWK; // As above.
  return { kid, privateJwk, publicJwk };
}
