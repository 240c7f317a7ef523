import { toPrintableLine } from '../../lib/printable.ts';
import { IssueError } from '../automation/issuer.ts';
import { createKeyPair } from '../local-ca/local-ca.ts';
import type { StoredAccount } from './account-file.ts';
import type { AccountHome } from './account-home.ts';
import type { AcmeHttpResponse } from './acme-http.ts';
import { accountSchema } from './acme-objects.ts';
import { buildExternalBinding } from './external-binding.ts';
import type { IssuerSettings } from './issuer-settings.ts';
import { ProblemError } from './problem.ts';
import { notAcme, parseObject, toAccountKey, type AccountKey, type AcmeSession } from './signed-requests.ts';

/** An account that can order. */
export interface AcmeAccount {
  readonly key: AccountKey;
  readonly url: string;
  /** A signed request of this account; POST-as-GET without a payload. Rejects like `AcmeSession.post`. */
  request(url: string, payload?: object): Promise<AcmeHttpResponse>;
}

export interface AccountOptions {
  readonly session: AcmeSession;
  readonly home: AccountHome;
  readonly settings: IssuerSettings;
}

const verdict = 'refuses the account';

/**
 * Opens the account that is kept, and makes one on first use. The key is kept before the authority hears of
 * it, so that a crash in between costs nothing: the account is found again by its key. Rejects with an IssueError or with a
 * GatewayError (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE).
 */
export async function openAccount(options: AccountOptions): Promise<AcmeAccount> {
  const { home } = options;
  const stored = await home.read();
  if (stored !== undefined) return useAccount(options, stored);
  checkRegistration(options);
  const { privateKey } = await createKeyPair();
  const kept = await home.write({ key: privateKey, url: undefined, email: undefined });
  return kept.key.equals(privateKey)
    ? register(options, toAccountKey(privateKey))
    : useAccount(options, kept);
}

async function useAccount(options: AccountOptions, stored: StoredAccount): Promise<AcmeAccount> {
  const { session, home, settings } = options;
  const key = toAccountKey(stored.key);
  if (stored.url === undefined) return (await findAccount(options, key)) ?? register(options, key);
  if (stored.email !== settings.email) {
    await updateContact(options, { key, url: stored.url });
    await home.write({ ...stored, email: settings.email });
  }
  return toAccount(session, key, stored.url);
}

/** Registers the kept key anew with an authority that has forgotten the account. */
export async function registerAgain(options: AccountOptions): Promise<AcmeAccount> {
  const stored = await options.home.read();
  return stored === undefined ? openAccount(options) : register(options, toAccountKey(stored.key));
}

/** True for the answer of an authority that has lost its accounts. */
export function isForgotten(error: unknown): boolean {
  return error instanceof ProblemError && error.problem === 'accountDoesNotExist';
}

async function register(options: AccountOptions, key: AccountKey): Promise<AcmeAccount> {
  checkRegistration(options);
  const { session, settings } = options;
  const { eab, email, termsAccepted } = settings;
  const { newAccount } = session.directory;
  const payload = {
    ...(termsAccepted ? { termsOfServiceAgreed: true } : {}),
    ...(email === undefined ? {} : { contact: [`mailto:${email}`] }),
    ...(eab === undefined
      ? {}
      : { externalAccountBinding: await buildExternalBinding({ eab, newAccount, jwk: key.jwk }) }),
  };
  const response = await session.post({ url: newAccount, payload, key, kid: undefined, verdict });
  return keep(options, key, { response, email });
}

/** Asks for the account of a key without making one (RFC 8555 section 7.3.1): bindings may be good for one use only. */
async function findAccount(options: AccountOptions, key: AccountKey): Promise<AcmeAccount | undefined> {
  const { session } = options;
  const url = session.directory.newAccount;
  try {
    const response = await session.post({
      url,
      payload: { onlyReturnExisting: true },
      key,
      kid: undefined,
      verdict,
    });
    // Whether the address reached the authority is not known, so that the next opening sends it.
    return await keep(options, key, { response, email: undefined });
  } catch (error) {
    if (isForgotten(error)) return undefined;
    throw error;
  }
}

async function keep(
  options: AccountOptions,
  key: AccountKey,
  answer: { readonly response: AcmeHttpResponse; readonly email: string | undefined },
): Promise<AcmeAccount> {
  const { session, home } = options;
  const { status } = parseObject(session.title, accountSchema, answer.response);
  if (status !== 'valid') {
    throw new IssueError('E_ACME_ACCOUNT', `the account at ${session.title} is ${status}`, {
      hint: `remove \`${home.place}\` to get a new account`,
    });
  }
  const url = answer.response.headers['location'];
  if (url === undefined) throw notAcme(session.title, 'an account without its URL');
  await home.write({ key: key.privateKey, url, email: answer.email });
  return toAccount(session, key, url);
}

async function updateContact(
  options: AccountOptions,
  account: { readonly key: AccountKey; readonly url: string },
): Promise<void> {
  const { session, settings } = options;
  const contact = settings.email === undefined ? [] : [`mailto:${settings.email}`];
  await session.post({ url: account.url, payload: { contact }, key: account.key, kid: account.url, verdict });
}

/** What can be known beforehand is said before the authority is asked for anything. */
function checkRegistration({ session, settings }: AccountOptions): void {
  const { termsOfService, externalAccountRequired } = session.directory.meta ?? {};
  if (termsOfService !== undefined && !settings.termsAccepted) {
    const terms = toPrintableLine(termsOfService, 200);
    throw new IssueError('E_ACME_TERMS', `the terms of ${session.title} are not accepted: ${terms}`);
  }
  if (externalAccountRequired === true && settings.eab === undefined) {
    throw new IssueError('E_ACME_ACCOUNT', `${session.title} takes accounts with an external binding only`);
  }
}

function toAccount(session: AcmeSession, key: AccountKey, url: string): AcmeAccount {
  return {
    key,
    url,
    request: (target, payload) =>
      session.post({ url: target, key, kid: url, ...(payload === undefined ? {} : { payload }) }),
  };
}
