import type { Clock } from '../../../src/lib/clock.ts';
import type { Faults } from './faults.ts';
import type { SigningAuthority } from './issuing.ts';
import type { Ledger } from './ledger.ts';
import type { LimitKeeper } from './limits.ts';
import type { Nonces } from './nonces.ts';
import type { Problem } from './problem.ts';

/** A kind of certificate (draft-aaron-acme-profiles). */
export interface StubProfile {
  readonly description: string;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly mostNames: number;
  readonly allowsAddresses: boolean;
  /** The first name also becomes the common name of the subject. */
  readonly hasCommonName: boolean;
}

/** What is to be validated. */
export interface StubChallenge {
  readonly type: string;
  /** DNS name without `*.`, or IP address. */
  readonly name: string;
  readonly wildcard: boolean;
  readonly token: string;
  /** What a right answer proves (RFC 8555 section 8.1). */
  readonly keyAuthorization: string;
}

export type Validation = 'valid' | Problem;

export interface AcmeStubOptions {
  readonly clock: Clock;
  /** The start of all URLs, such as `https://acme.example.com`, which it is when absent. */
  readonly origin?: string;
  /** In place of `standardProfiles`; none at all makes an authority that knows no profiles. */
  readonly profiles?: Readonly<Record<string, StubProfile>>;
  /** What an order without a profile gets; the first one when absent. */
  readonly defaultProfile?: string;
  /** Keys by their identifier, base64url. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  readonly externalAccountRequired?: boolean;
  /** False for an authority without ARI (RFC 9773). */
  readonly renewalInfo?: boolean;
  /** Further roots that vouch for the same intermediate. */
  readonly alternateRoots?: number;
  readonly challengeTypes?: readonly string[];
  /** Names that policy refuses. */
  readonly blockedNames?: readonly string[];
  /** Milliseconds that a valid authorisation serves further orders; 7 hours when absent. */
  readonly authorizationReuse?: number;
  /** Milliseconds from the answer to a challenge to its outcome, and from finalising to the certificate; 0 when absent. */
  readonly validationDelay?: number;
  readonly issueDelay?: number;
  /** Decides about challenges; without it and `lookup` none is ever answered. */
  readonly validate?: (challenge: StubChallenge) => Validation | Promise<Validation>;
  /** In place of `validate`: the key authorisation that is found where the challenge says. */
  readonly lookup?: (challenge: StubChallenge) => string | undefined | Promise<string | undefined>;
  /** From 0 up to 1, for shares; a fixed row when absent. */
  readonly random?: () => number;
}

/** The options, all of them decided. */
export type StubSettings = Required<Omit<AcmeStubOptions, 'clock' | 'origin' | 'lookup'>>;

/** What the parts of the stub share. */
export interface StubContext {
  readonly clock: Clock;
  readonly origin: string;
  readonly settings: StubSettings;
  readonly authority: SigningAuthority;
  readonly nonces: Nonces;
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly limits: LimitKeeper;
}

const hour = 3_600_000;
const day = 24 * hour;

/** Those of Let's Encrypt in 2026. */
export const standardProfiles: Readonly<Record<'classic' | 'tlsserver' | 'shortlived', StubProfile>> = {
  classic: {
    description: 'The profile that has always been',
    lifetime: 90 * day,
    mostNames: 100,
    allowsAddresses: false,
    hasCommonName: true,
  },
  tlsserver: {
    description: 'For TLS servers alone',
    lifetime: 45 * day,
    mostNames: 25,
    allowsAddresses: false,
    hasCommonName: false,
  },
  shortlived: {
    description: 'For about six days',
    lifetime: 160 * hour,
    mostNames: 25,
    allowsAddresses: true,
    hasCommonName: false,
  },
};

export function resolveSettings(options: AcmeStubOptions): StubSettings {
  const { lookup, profiles = standardProfiles } = options;
  return {
    profiles,
    defaultProfile: options.defaultProfile ?? Object.keys(profiles)[0] ?? '',
    externalAccounts: options.externalAccounts ?? {},
    externalAccountRequired: options.externalAccountRequired ?? false,
    renewalInfo: options.renewalInfo ?? true,
    alternateRoots: options.alternateRoots ?? 0,
    challengeTypes: options.challengeTypes ?? ['http-01', 'tls-alpn-01', 'dns-01'],
    blockedNames: options.blockedNames ?? [],
    authorizationReuse: options.authorizationReuse ?? 7 * hour,
    validationDelay: options.validationDelay ?? 0,
    issueDelay: options.issueDelay ?? 0,
    validate:
      lookup === undefined
        ? (options.validate ?? ((challenge) => compare(challenge, undefined)))
        : async (challenge) => compare(challenge, await lookup(challenge)),
    random: options.random ?? createRandom(),
  };
}

function compare({ name, keyAuthorization }: StubChallenge, found: string | undefined): Validation {
  if (found === keyAuthorization) return 'valid';
  return found === undefined
    ? { type: 'connection', status: 400, detail: `${name} does not answer` }
    : { type: 'unauthorized', status: 403, detail: `${name} answers with something else` };
}

/** A linear congruential row, so that a failure comes again. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
