import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import type { FetchFailure } from '../../../src/auth/fetch/fetch-failure.ts';
import { createHostSlots } from '../../../src/auth/fetch/host-slots.ts';
import type { FetchedDocument, SafeFetch, SafeRequest } from '../../../src/auth/fetch/safe-fetch.ts';
import type { JsonObject } from '../../../src/lib/json.ts';
import { createIssuerKeys } from '../../../src/auth/resource/issuer-keys.ts';
import {
  createTokenVerifier,
  type OwnIssuer,
  type TokenVerifier,
  type TrustedIssuer,
} from '../../../src/auth/resource/token-verifier.ts';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { ManualClock } from '../../support/manual-clock.ts';

export const issuer = 'https://id.example.com';
export const resource = 'https://mcp.example.com/mcp';

/** A key pair of an issuer and what it signs. */
export interface Signer {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  readonly publicPem: string;
  sign(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

export async function createSigner(kid: string, now: number): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const seconds = Math.floor(now / 1000);
  return {
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    publicPem: await exportSPKI(publicKey),
    sign: (claims = {}, header = {}) =>
      new SignJWT({ iss: issuer, aud: resource, sub: 'alice', iat: seconds, exp: seconds + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
        .sign(privateKey),
  };
}

export interface VerifierRig {
  readonly clock: ManualClock;
  readonly verifier: TokenVerifier;
  /** URLs that were fetched, in order. */
  readonly fetched: readonly SafeRequest[];
  /** Answers by URL; what is not here is unreachable. */
  readonly answers: Map<string, (request: SafeRequest) => Result<JsonObject, FetchFailure>>;
  readonly problems: readonly unknown[];
}

/** A verifier of one route, with one issuer whose keys are at `/keys`; nothing leaves the process. */
export function createVerifierRig(
  options: {
    readonly keys?: readonly JWK[];
    readonly issuers?: readonly Partial<TrustedIssuer>[];
    readonly own?: OwnIssuer;
    readonly audiences?: readonly string[];
    readonly clockSkew?: number;
    readonly clock?: ManualClock;
    /** Fetches from a host at the same time, each of which takes 100 ms of the clock; none takes any, and all run at once, when absent. */
    readonly perHost?: number;
  } = {},
): VerifierRig {
  const clock = options.clock ?? new ManualClock(1_800_000_000_000);
  const { perHost } = options;
  const slots = perHost === undefined ? undefined : createHostSlots({ perHost, total: 32, clock });
  const fetched: SafeRequest[] = [];
  const problems: unknown[] = [];
  const answers: VerifierRig['answers'] = new Map<
    string,
    (request: SafeRequest) => Result<JsonObject, FetchFailure>
  >([
    [`${issuer}/.well-known/openid-configuration`, () => ok({ issuer, jwks_uri: `${issuer}/keys` })],
    [`${issuer}/keys`, () => ok({ keys: options.keys ?? [] })],
  ]);
  const fetch: SafeFetch = async (request) => {
    const { host } = new URL(request.url);
    const { priority } = request;
    const hasSlot = priority === undefined ? slots?.take(host) : await slots?.wait(host, priority);
    if (hasSlot === false) return fail({ kind: 'busy' });
    fetched.push(request);
    if (slots === undefined) await Promise.resolve();
    else await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
    slots?.give(host);
    const answer = answers.get(request.url)?.(request) ?? fail<FetchFailure>({ kind: 'unreachable' });
    return answer.ok ? ok<FetchedDocument>({ json: answer.value, freshFor: undefined }) : answer;
  };
  const { issuers = [{}], audiences = [], clockSkew = 0 } = options;
  const verifier = createTokenVerifier({
    resource: new URL(resource),
    oauth: {
      issuers: issuers.map((changes) => ({
        issuer,
        jwksUri: undefined,
        ca: undefined,
        introspection: undefined,
        algorithms: ['ES256', 'RS256'],
        audiences: [],
        types: [],
        claims: { subject: 'sub', client: 'client_id', scopes: 'scope', groups: 'groups' },
        scopePrefix: '',
        ...changes,
      })),
      audiences,
      clockSkew,
    },
    own: options.own,
    keysOf: createIssuerKeys({ clock, fetch }),
    fetch,
    clock,
    onProblem: (error) => problems.push(error),
  });
  return { clock, verifier, fetched, answers, problems };
}
