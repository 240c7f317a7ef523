import { createPrivateKey, type KeyObject } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { parseJson } from '../../lib/json.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';

/** What is kept of an account, so that it is made once and found again. */
export interface StoredAccount {
  readonly key: KeyObject;
  /** Undefined until the authority has answered: the key is on disk before it is registered. */
  readonly url: string | undefined;
  /** The address that the authority knows. */
  readonly email: string | undefined;
}

const fileName = 'account.json';

const schema = z.object({ key: z.string(), url: z.string().optional(), email: z.string().optional() });

/**
 * Reads the account below the directory of its issuer; undefined when there is none. A damaged file is set aside with the
 * ending `.damaged`: an account is no loss, it is registered anew. Throws a GatewayError (E_STATE_UNWRITABLE).
 */
export async function readAccountFile(directory: string): Promise<StoredAccount | undefined> {
  const path = join(directory, fileName);
  let text: string | undefined;
  try {
    text = await readFileIfThere(path);
  } catch (cause) {
    throw toStateError(`cannot read \`${path}\``, cause);
  }
  if (text === undefined) return undefined;
  const stored = parseAccount(text);
  if (stored === undefined) await setAside(path);
  return stored;
}

/** Throws a GatewayError (E_STATE_UNWRITABLE). */
export async function writeAccountFile(directory: string, account: StoredAccount): Promise<void> {
  await ensurePrivateDirectory(directory);
  await writeFileAtomically(directory, { name: fileName, data: toAccountText(account), mode: 0o600 });
}

/** The text that `parseAccount` reads. */
export function toAccountText({ url, email, key: own }: StoredAccount): string {
  const key = own.export({ type: 'pkcs8', format: 'pem' }).toString();
  return `${JSON.stringify({ url, email, key }, null, 2)}\n`;
}

/** `undefined` for a text that is damaged. */
export function parseAccount(text: string): StoredAccount | undefined {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const key = parseKey(parsed.data.key);
  return key === undefined ? undefined : { key, url: parsed.data.url, email: parsed.data.email };
}

/** OpenSSL says no by throwing; a key of another kind cannot sign with ES256. */
function parseKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

async function setAside(path: string): Promise<void> {
  try {
    await rename(path, `${path}.damaged`);
  } catch (cause) {
    throw toStateError(`cannot set \`${path}\` aside`, cause);
  }
}

function toStateError(attempt: string, cause: unknown): GatewayError {
  return new GatewayError('E_STATE_UNWRITABLE', `${attempt}: ${explainFileError(cause)}`, { cause });
}
