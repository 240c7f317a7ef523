import type { JWK } from 'jose';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import {
  endpointPaths,
  parseRecord,
  toJsonResponse,
  type StubRequest,
  type StubResponse,
} from './exchange.ts';
import { malformed, unauthorized, type Problem } from './problem.ts';
import type { StubContext } from './settings.ts';
import { verifyBinding, verifySignedRequest, type SignedRequest } from './signed-request.ts';

export interface StubAccount {
  readonly id: string;
  readonly url: string;
  readonly jwk: JWK;
  readonly thumbprint: string;
  contact: readonly string[];
  status: 'valid' | 'deactivated';
}

/** A request that one account signed. */
export interface AccountRequest {
  readonly account: StubAccount;
  readonly payload: string;
}

/** Accounts by RFC 8555 section 7.3. */
export interface Accounts {
  /** The answer to a newAccount request. */
  open(request: StubRequest): Promise<Result<StubResponse, Problem>>;
  /** The answer to a request for the account itself: to read, change or deactivate it. */
  serve(request: StubRequest): Promise<Result<StubResponse, Problem>>;
  /** Who signed a request. */
  verify(request: StubRequest): Promise<Result<AccountRequest, Problem>>;
  wipe(): void;
}

export function createAccounts(context: StubContext): Accounts {
  const { clock, origin, settings, faults, ledger, limits, nonces } = context;
  const byUrl = new Map<string, StubAccount>();
  let opened = 0;

  function find(url: string): Result<StubAccount, Problem> {
    const account = byUrl.get(url);
    if (account === undefined) {
      return fail({ type: 'accountDoesNotExist', status: 400, detail: `there is no account ${url}` });
    }
    return account.status === 'valid' ? ok(account) : fail(unauthorized('the account is deactivated'));
  }

  async function verify(request: StubRequest): Promise<Result<AccountRequest, Problem>> {
    let claimed = '';
    const findKey = (kid: string): Result<JWK, Problem> => {
      claimed = kid;
      const account = find(kid);
      return account.ok ? ok(account.value.jwk) : account;
    };
    const signed = await verifySignedRequest(request, { kind: 'kid', find: findKey }, nonces);
    if (!signed.ok) return signed;
    const account = find(claimed);
    return account.ok ? ok({ account: account.value, payload: signed.value.payload }) : account;
  }

  async function checkNew(
    url: string,
    signed: SignedRequest,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<Problem | undefined> {
    if (fields['termsOfServiceAgreed'] !== true) {
      return { type: 'userActionRequired', status: 403, detail: 'the terms of service are not agreed to' };
    }
    const contact = checkContact(fields['contact']);
    if (contact !== undefined) return contact;
    const binding = fields['externalAccountBinding'];
    const required =
      settings.externalAccountRequired ||
      faults.strike('externalAccountRequired', 'newAccount') !== undefined;
    if (binding === undefined) {
      return required
        ? { type: 'externalAccountRequired', status: 403, detail: 'an external account binding is needed' }
        : limits.checkAccount();
    }
    const bound = await verifyBinding(
      binding,
      { jwk: signed.jwk, url },
      (kid) => settings.externalAccounts[kid],
    );
    return bound.ok ? limits.checkAccount() : bound.error;
  }

  return {
    verify,
    async open(request) {
      const signed = await verifySignedRequest(request, { kind: 'jwk' }, nonces);
      if (!signed.ok) return signed;
      const fields = parseRecord(signed.value.payload);
      if (fields === undefined) return fail(malformed('the payload is not an object'));
      const { thumbprint } = signed.value;
      const existing = [...byUrl.values()].find((account) => account.thumbprint === thumbprint);
      if (existing !== undefined) {
        return existing.status === 'valid'
          ? ok(view(existing, 200))
          : fail(unauthorized('the account is deactivated'));
      }
      if (fields['onlyReturnExisting'] === true) {
        return fail({ type: 'accountDoesNotExist', status: 400, detail: 'there is no account for this key' });
      }
      const problem = await checkNew(request.url, signed.value, fields);
      if (problem !== undefined) return fail(problem);
      const id = String(++opened);
      const account: StubAccount = {
        id,
        url: `${origin}/${endpointPaths.account}/${id}`,
        jwk: signed.value.jwk,
        thumbprint,
        contact: toContact(fields['contact']),
        status: 'valid',
      };
      byUrl.set(account.url, account);
      ledger.accounts.push({ at: clock.now(), account: account.url, contact: account.contact });
      return ok(view(account, 201));
    },
    async serve(request) {
      const verified = await verify(request);
      if (!verified.ok) return verified;
      const { account, payload } = verified.value;
      if (account.url !== request.url) return fail(unauthorized('this is the account of somebody else'));
      if (payload === '') return ok(view(account, 200));
      const fields = parseRecord(payload);
      if (fields === undefined) return fail(malformed('the payload is not an object'));
      const problem = checkContact(fields['contact']);
      if (problem !== undefined) return fail(problem);
      if (fields['contact'] !== undefined) account.contact = toContact(fields['contact']);
      if (fields['status'] === 'deactivated') account.status = 'deactivated';
      return ok(view(account, 200));
    },
    wipe: () => byUrl.clear(),
  };
}

function view(account: StubAccount, status: number): StubResponse {
  const { contact, url } = account;
  return toJsonResponse(status, { status: account.status, contact }, { location: url });
}

function checkContact(contact: unknown): Problem | undefined {
  if (contact === undefined) return undefined;
  if (!Array.isArray(contact)) return malformed('contact is not a list');
  for (const entry of contact) {
    if (typeof entry !== 'string' || !entry.startsWith('mailto:')) {
      return { type: 'unsupportedContact', status: 400, detail: 'only mailto: is supported' };
    }
    if (!/^mailto:[^@\s,?]+@[^@\s,?]+\.[a-z]+$/i.test(entry)) {
      return { type: 'invalidContact', status: 400, detail: `${entry} is not an address` };
    }
  }
  return undefined;
}

function toContact(contact: unknown): readonly string[] {
  return Array.isArray(contact) ? contact.filter((entry) => typeof entry === 'string') : [];
}
