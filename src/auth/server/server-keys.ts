import { randomBytes } from 'node:crypto';
import { link, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { hasCode } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { isJsonObject, parseJsonObject } from '../../lib/json.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';
import { isPrivateFile } from '../../state/private-file.ts';
import type { SharedTexts } from '../../state/shared-text.ts';

/** What the authorization server signs with. */
export interface ServerKeys {
  /** Private ES256 key for access tokens. */
  readonly signing: JWK;
  /** Signs cookies and form tokens. */
  readonly cookie: string;
}

const DIRECTORY = 'auth';
const FILE = 'server-keys.json';

/**
 * Loads `<stateDir>/auth/server-keys.json`, or makes it: whoever reads it can issue tokens, so it is readable by the owner alone
 * (mode 0600). Rejects with a GatewayError (E_STATE_UNWRITABLE, E_AUTH_KEYS_FILE); a file that cannot be read, or that is not the
 * owner's alone, is left untouched.
 */
export async function loadOrCreateServerKeys(stateDir: string): Promise<ServerKeys> {
  const directory = join(stateDir, DIRECTORY);
  const path = join(directory, FILE);
  const stored = await readKeys(path);
  if (stored !== undefined) return stored;
  await ensurePrivateDirectory(directory);
  const data = `${JSON.stringify(await createKeys(), undefined, 2)}\n`;
  await writeOnce(directory, data);
  const written = await readKeys(path);
  if (written !== undefined) return written;
  throw new GatewayError('E_STATE_UNWRITABLE', `\`${path}\` vanished after it was written`);
}

/**
 * As `loadOrCreateServerKeys`, where replicas share them. Rejects with a GatewayError (E_STATE_UNREACHABLE, E_AUTH_KEYS_FILE); a text that
 * is damaged is left untouched.
 */
export async function loadOrCreateSharedKeys(texts: SharedTexts): Promise<ServerKeys> {
  const shared = texts(`${DIRECTORY}/${FILE}`);
  const { signal } = new AbortController();
  const found = await shared.read();
  if (found === undefined) {
    const text = JSON.stringify(await createKeys());
    // Where another replica was first, its keys hold for both.
    await shared.replace({ before: undefined, text, signal });
  }
  const keys = parseKeys(found ?? (await shared.read()) ?? '');
  if (keys !== undefined) return keys;
  throw new GatewayError(
    'E_AUTH_KEYS_FILE',
    `\`${shared.place}\` does not hold the keys of the authorization server`,
    { hint: 'restore it from a backup, or delete it: everybody then has to log in again' },
  );
}

/** The part of the keys that everybody may know (RFC 7517). */
export function toPublicKeys(keys: ServerKeys): { readonly keys: readonly JWK[] } {
  const { kty, crv, x, y, kid, alg, use } = keys.signing;
  return { keys: [{ kty, crv, x, y, kid, alg, use } as JWK] };
}

async function createKeys(): Promise<ServerKeys> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    signing: { ...jwk, kid, alg: 'ES256', use: 'sig' },
    cookie: randomBytes(32).toString('base64url'),
  };
}

/** When two processes start at once, the first one's keys hold for both: a link never replaces a file. */
async function writeOnce(directory: string, data: string): Promise<void> {
  const draft = `${FILE}.${randomBytes(6).toString('hex')}.draft`;
  await writeFileAtomically(directory, { name: draft, data, mode: 0o600 });
  try {
    await link(join(directory, draft), join(directory, FILE));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) {
      throw new GatewayError('E_STATE_UNWRITABLE', `cannot write \`${join(directory, FILE)}\``, {
        cause: error,
      });
    }
  } finally {
    await rm(join(directory, draft), { force: true });
  }
}

async function readKeys(path: string): Promise<ServerKeys | undefined> {
  let isPrivate = false;
  let text: string | undefined;
  try {
    text = await readFileIfThere(path);
    if (text !== undefined) isPrivate = isPrivateFile(await stat(path));
  } catch (error) {
    throw new GatewayError('E_STATE_UNWRITABLE', `the keys in \`${path}\` cannot be read`, { cause: error });
  }
  if (text === undefined) return undefined;
  // planted-keys: whoever could write the file knows its keys, and can log in as anybody.
  if (!isPrivate) {
    const message = `\`${path}\` belongs to another user, or others can read or write it`;
    throw new GatewayError('E_AUTH_KEYS_FILE', message, {
      hint: `run \`chmod 600 ${path}\` if nobody else had it, or delete it: everybody then has to log in again`,
    });
  }
  const keys = parseKeys(text);
  if (keys !== undefined) return keys;
  throw new GatewayError(
    'E_AUTH_KEYS_FILE',
    `\`${path}\` does not hold the keys of the authorization server`,
    {
      hint: 'restore the file from a backup, or delete it: everybody then has to log in again',
    },
  );
}

function parseKeys(text: string): ServerKeys | undefined {
  const { signing, cookie } = parseJsonObject(text) ?? {};
  if (typeof cookie !== 'string' || cookie.length < 32 || !isSigningKey(signing)) return undefined;
  return { signing, cookie };
}

function isSigningKey(value: unknown): value is JWK {
  if (!isJsonObject(value)) return false;
  const texts = [value['x'], value['y'], value['d'], value['kid']];
  return value['kty'] === 'EC' && value['crv'] === 'P-256' && texts.every((text) => typeof text === 'string');
}
