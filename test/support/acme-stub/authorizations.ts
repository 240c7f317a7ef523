import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import type { AccountRequest, StubAccount } from './accounts.ts';
import { endpointPaths, parseRecord, toJsonResponse, type StubResponse } from './exchange.ts';
import { toAuthorizedName } from './limits.ts';
import { malformed, toProblemObject, unauthorized, type Problem } from './problem.ts';
import type { StubContext, Validation } from './settings.ts';

export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

interface Challenge {
  readonly url: string;
  readonly type: string;
  readonly token: string;
  status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** When the outcome may be seen, once it is there. */
  visibleAt: number;
  outcome: Validation | undefined;
}

/** One name, proven or to be proven by one account (RFC 8555 section 7.1.4). */
export interface Authorization {
  readonly url: string;
  readonly account: StubAccount;
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly challenges: readonly Challenge[];
  status: 'pending' | 'valid' | 'invalid' | 'deactivated';
  expires: number;
  problem: Problem | undefined;
}

export interface Authorizations {
  /** A valid one that may serve again, or a new one. */
  obtain(account: StubAccount, name: string): Authorization;
  /** Takes over what validations brought meanwhile. */
  refresh(authorization: Authorization): void;
  serve(request: AccountRequest, id: string): Result<StubResponse, Problem>;
  /** The answer to "I am ready" or to a question for a challenge. */
  serveChallenge(request: AccountRequest, id: string, index: string): Result<StubResponse, Problem>;
}

/** Milliseconds that a name may stay unproven. */
const pendingLifetime = 7 * 24 * 3_600_000;

export function createAuthorizations(context: StubContext): Authorizations {
  const { clock, origin, settings, faults, limits } = context;
  const all = new Map<string, Authorization>();

  function create(account: StubAccount, name: string): Authorization {
    const id = randomBytes(8).toString('base64url');
    const value = toAuthorizedName(name);
    const wildcard = value !== name;
    const type = isIP(name) === 0 ? 'dns' : 'ip';
    const usable = settings.challengeTypes.filter((challenge) => {
      if (wildcard) return challenge === 'dns-01';
      return type === 'dns' || challenge !== 'dns-01';
    });
    const challenges = usable.map((challenge, index): Challenge => ({
      url: `${origin}/${endpointPaths.challenge}/${id}/${index}`,
      type: challenge,
      token: randomBytes(32).toString('base64url'),
      status: 'pending',
      visibleAt: 0,
      outcome: undefined,
    }));
    const authorization: Authorization = {
      url: `${origin}/${endpointPaths.authorization}/${id}`,
      account,
      identifier: { type, value },
      wildcard,
      challenges,
      status: 'pending',
      expires: clock.now() + pendingLifetime,
      problem: undefined,
    };
    all.set(id, authorization);
    return authorization;
  }

  async function settle(authorization: Authorization, challenge: Challenge): Promise<void> {
    challenge.outcome = await validate(authorization, challenge);
  }

  async function validate(authorization: Authorization, challenge: Challenge): Promise<Validation> {
    const fault = faults.strike('validationFails', 'challenge');
    if (fault !== undefined) return fault.problem;
    try {
      return await settings.validate({
        type: challenge.type,
        name: authorization.identifier.value,
        wildcard: authorization.wildcard,
        token: challenge.token,
        keyAuthorization: `${challenge.token}.${authorization.account.thumbprint}`,
      });
    } catch (error) {
      const detail = `the validation broke off: ${error instanceof Error ? error.message : '?'}`;
      return { type: 'serverInternal', status: 500, detail };
    }
  }

  function refresh(authorization: Authorization): void {
    if (authorization.status === 'pending' && clock.now() >= authorization.expires) {
      authorization.status = 'invalid';
    }
    for (const challenge of authorization.challenges) {
      const { outcome } = challenge;
      if (challenge.status !== 'processing' || outcome === undefined || clock.now() < challenge.visibleAt) {
        continue;
      }
      const { account, identifier } = authorization;
      if (outcome === 'valid') {
        challenge.status = 'valid';
        authorization.status = 'valid';
        authorization.expires = clock.now() + settings.authorizationReuse;
      } else {
        challenge.status = 'invalid';
        authorization.status = 'invalid';
        authorization.problem = outcome;
        limits.addFailure({
          account: account.url,
          name: identifier.value,
          challenge: challenge.type,
          problem: outcome.type,
        });
      }
    }
  }

  function find(account: StubAccount, id: string): Result<Authorization, Problem> {
    const authorization = all.get(id);
    if (authorization === undefined) return fail(malformed('there is no such authorisation', 404));
    if (authorization.account !== account) return fail(unauthorized('it belongs to another account'));
    refresh(authorization);
    return ok(authorization);
  }

  return {
    refresh,
    obtain(account, name) {
      const value = toAuthorizedName(name);
      const reusable = [...all.values()].find(
        (candidate) =>
          candidate.account === account &&
          candidate.identifier.value === value &&
          candidate.wildcard === (value !== name) &&
          candidate.status === 'valid' &&
          clock.now() < candidate.expires,
      );
      return reusable ?? create(account, name);
    },
    serve({ account, payload }, id) {
      const found = find(account, id);
      if (!found.ok) return found;
      const authorization = found.value;
      if (payload === '') return ok(toJsonResponse(200, toAuthorizationObject(authorization)));
      if (parseRecord(payload)?.['status'] !== 'deactivated') return fail(malformed('POST-as-GET is empty'));
      authorization.status = 'deactivated';
      return ok(toJsonResponse(200, toAuthorizationObject(authorization)));
    },
    serveChallenge({ account, payload }, id, index) {
      const found = find(account, id);
      if (!found.ok) return found;
      const authorization = found.value;
      const challenge = authorization.challenges[Number(index)];
      if (challenge === undefined) return fail(malformed('there is no such challenge', 404));
      const headers = { link: `<${authorization.url}>;rel="up"` };
      if (payload === '') return ok(toJsonResponse(200, toChallengeObject(challenge), headers));
      if (payload !== '{}') return fail(malformed('the answer to a challenge is an empty object'));
      if (authorization.status !== 'pending') return fail(malformed('the authorisation is not pending'));
      if (challenge.status === 'pending') {
        challenge.status = 'processing';
        challenge.visibleAt = clock.now() + settings.validationDelay;
        void settle(authorization, challenge);
      }
      return ok(toJsonResponse(200, toChallengeObject(challenge), { ...headers, 'retry-after': '1' }));
    },
  };
}

function toAuthorizationObject(authorization: Authorization): unknown {
  const { identifier, status, expires, wildcard, challenges } = authorization;
  return {
    identifier,
    status,
    expires: new Date(expires).toISOString(),
    ...(wildcard ? { wildcard } : {}),
    challenges: challenges.map((challenge) => toChallengeObject(challenge)),
  };
}

function toChallengeObject(challenge: Challenge): unknown {
  const { type, url, token, status, outcome } = challenge;
  const error = status === 'invalid' && outcome !== undefined && outcome !== 'valid' ? outcome : undefined;
  return { type, url, token, status, ...(error === undefined ? {} : { error: toProblemObject(error) }) };
}
