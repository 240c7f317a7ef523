import { isGatewayError } from '../../lib/gateway-error.ts';
import type { SharedText } from '../../state/shared-text.ts';
import {
  parseAccount,
  readAccountFile,
  toAccountText,
  writeAccountFile,
  type StoredAccount,
} from './account-file.ts';

/** Where an account is kept. Both reject with a GatewayError (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE). */
export interface AccountHome {
  /** For people: what is to be removed for a new account. */
  readonly place: string;
  /** `undefined` when there is none. */
  read(): Promise<StoredAccount | undefined>;
  /** Keeps an account; the one that is kept then, which is another when another replica has made its own at the same time. */
  write(account: StoredAccount): Promise<StoredAccount>;
}

/** The directory of the issuer in the state directory. */
export function createLocalHome(directory: string): AccountHome {
  return {
    place: directory,
    read: () => readAccountFile(directory),
    async write(account) {
      await writeAccountFile(directory, account);
      return account;
    },
  };
}

/** One account for all replicas, with a copy in the state directory, which has to do while Redis is away. */
export function createSharedHome(local: AccountHome, shared: SharedText): AccountHome {
  const { signal } = new AbortController();

  const readShared = async (): Promise<{ readonly text?: string; readonly account?: StoredAccount }> => {
    const text = await shared.read();
    const account = text === undefined ? undefined : parseAccount(text);
    return { ...(text === undefined ? {} : { text }), ...(account === undefined ? {} : { account }) };
  };

  /** Another key than the own one wins when it was there first: what is registered already needs no second account. */
  const agree = async (account: StoredAccount): Promise<StoredAccount> => {
    for (;;) {
      const { text, account: theirs } = await readShared();
      if (theirs !== undefined && !theirs.key.equals(account.key)) return theirs;
      const wanted = toAccountText(account);
      if (text === wanted) return account;
      if (await shared.replace({ before: text, text: wanted, signal })) return account;
    }
  };

  return {
    place: shared.place,
    async read() {
      const own = await local.read();
      try {
        const { account } = await readShared();
        if (account === undefined) return own === undefined ? undefined : await agree(own);
        if (own === undefined || toAccountText(own) !== toAccountText(account)) await local.write(account);
        return account;
      } catch (error) {
        if (own !== undefined && isAway(error)) return own;
        throw error;
      }
    },
    async write(account) {
      const own = await local.read();
      try {
        const kept = await agree(account);
        return await local.write(kept);
      } catch (error) {
        // The account of before serves on.
        if (own?.key.equals(account.key) === true && isAway(error)) return local.write(account);
        throw error;
      }
    },
  };
}

function isAway(error: unknown): boolean {
  return isGatewayError(error) && error.code === 'E_STATE_UNREACHABLE';
}
