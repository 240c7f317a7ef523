import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { Store } from '../../state/store/store.ts';
import {
  accountKind,
  fromAccountEntry,
  toAccount,
  toAccountValue,
  type Account,
  type StoredAccount,
} from './account-record.ts';
import { endLogins } from './end-logins.ts';
import { isPossiblePassword, parseAccountName, toPasswordForm } from './account-rules.ts';
import { createLoginThrottle, type Attempt } from './login-throttle.ts';
import { defaultCost, deriveWithScrypt, hashPassword, matchesHash, type DeriveKey } from './password-hash.ts';
import { createWorkLine } from './work-line.ts';

/** The outcome of a login; `wrong` says not whether the name or the password was. */
export type LoginOutcome =
  | { readonly kind: 'ok'; readonly name: string; readonly account: Account }
  | { readonly kind: 'wrong' }
  /** Milliseconds after which another attempt may be made. */
  | { readonly kind: 'throttled'; readonly retryAfter: number };

/** The local accounts of the store. Names are in the form of `parseAccountName`, new passwords in that of `checkNewPassword`. */
export interface Accounts {
  /** Adds an account, which inherits nothing of an earlier one of its name. Rejects with a GatewayError: E_NAME_TAKEN. */
  add(account: {
    readonly name: string;
    readonly email: string | undefined;
    readonly password: string;
  }): Promise<Account>;
  /** Resolves to false when there is no such account. */
  setPassword(name: string, password: string): Promise<boolean>;
  /** Removes an account and ends its logins. Resolves to false when there is no such account. */
  remove(name: string): Promise<boolean>;
  /** By name. */
  list(): Promise<readonly Account[]>;
  find(name: string): Promise<Account | undefined>;
  has(name: string): Promise<boolean>;
  /** Checks a name and a password as somebody typed them, from the network address they came from. */
  verify(attempt: Attempt & { readonly password: string }): Promise<LoginOutcome>;
}

export interface AccountsOptions {
  readonly clock: Clock;
  readonly derive?: DeriveKey;
}

/** Logins that may wait for their turn: some seconds of work. */
const LONGEST_LINE = 16;
const BUSY_MILLISECONDS = 5000;

/**
 * The accounts of a store, whose errors come through. Passwords of logins are checked one at a time; with 16 in line, others are told to
 * come again after 5 seconds. `derive` is for tests, which cannot wait for scrypt.
 */
export function createAccounts(store: Store, options: AccountsOptions): Accounts {
  const { clock, derive = deriveWithScrypt } = options;
  const throttle = createLoginThrottle(store, { clock });
  const line = createWorkLine(LONGEST_LINE);

  async function load(name: string): Promise<StoredAccount | undefined> {
    const value = await store.get(accountKind, name);
    return value === undefined ? undefined : fromAccountEntry({ id: name, value });
  }

  const find = async (name: string): Promise<Account | undefined> => {
    const found = await load(name);
    return found === undefined ? undefined : toAccount(found);
  };

  /** Takes as long for a name that does not exist (CWE-204, CWE-208). */
  async function isRight(stored: StoredAccount | undefined, password: string): Promise<boolean> {
    if (stored !== undefined) return matchesHash(password, stored.passwordHash, derive);
    await hashPassword(password, defaultCost, derive);
    return false;
  }

  return {
    async add({ name, email, password }) {
      const now = clock.now();
      const passwordHash = await hashPassword(password, defaultCost, derive);
      // account-reuse: a login that ended after the account did, or a removal that broke off, has left something.
      if ((await load(name)) === undefined) await endLogins(store, name);
      const account = { name, email, createdAt: now, passwordChangedAt: now, passwordHash };
      const isNew = await store.update(accountKind, name, (current) =>
        current === undefined ? { value: toAccountValue(account) } : undefined,
      );
      if (isNew) return toAccount(account);
      throw new GatewayError('E_NAME_TAKEN', `there is an account \`${name}\` already`, {
        hint: `choose another name, or run \`breakwater users passwd ${name}\` for a new password`,
      });
    },
    async setPassword(name, password) {
      const passwordHash = await hashPassword(password, defaultCost, derive);
      return store.update(accountKind, name, (value) => {
        const known = value === undefined ? undefined : fromAccountEntry({ id: name, value });
        if (known === undefined) return undefined;
        return { value: toAccountValue({ ...known, passwordHash, passwordChangedAt: clock.now() }) };
      });
    },
    async remove(name) {
      const isThere = (await store.consume(accountKind, name)) !== undefined;
      // account-reuse: whoever gets this name later is somebody else.
      await endLogins(store, name);
      return isThere;
    },
    async list() {
      const entries = await store.list(accountKind);
      return entries
        .map(fromAccountEntry)
        .filter((account) => account !== undefined)
        .map(toAccount);
    },
    find,
    has: async (name) => (await load(name)) !== undefined,
    async verify({ name: typed, password, address }) {
      const parsed = parseAccountName(typed.trim());
      const form = toPasswordForm(password);
      // Neither can belong to an account, which everybody knows.
      if (!parsed.ok || !isPossiblePassword(form)) return { kind: 'wrong' };
      const name = parsed.value;
      const wait = await throttle.begin({ name, address });
      if (wait > 0) return { kind: 'throttled', retryAfter: wait };
      const isOwner = await line.run(async () => isRight(await load(name), form));
      if (isOwner === undefined) return { kind: 'throttled', retryAfter: BUSY_MILLISECONDS };
      const account = isOwner ? await find(name) : undefined;
      if (account === undefined) return { kind: 'wrong' };
      await throttle.succeed({ name, address });
      return { kind: 'ok', name, account };
    },
  };
}
