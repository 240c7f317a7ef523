import type { JWK } from 'jose';
import type { Clock } from '../../lib/clock.ts';
import { isJsonObject, type JsonObject } from '../../lib/json.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { configuredTargets } from '../fetch/target-policy.ts';

/** Where the keys of an issuer are. */
export interface KeySource {
  readonly issuer: string;
  /** `undefined` leaves it to the metadata of the issuer. */
  readonly jwksUri: string | undefined;
  /** The only roots that vouch for the issuer, as PEM. */
  readonly ca: string | undefined;
}

/** The public keys of one issuer, which never vouch for another's tokens. */
export interface KeySet {
  /**
   * Keys that may have signed a token: those with its `kid`, or all where it names none, fetched within the last hour unless the issuer is
   * away. Never rejects; `undefined` when they cannot be fetched and none are known that are less than a day old.
   */
  find(kid: string | undefined): Promise<readonly JWK[] | undefined>;
}

export interface IssuerKeysOptions {
  readonly clock: Clock;
  readonly fetch: SafeFetch;
}

const minute = 60_000;
/** Between two fetches that unknown keys cause: a flood of made-up names costs an issuer two fetches a minute. */
const cooldown = minute / 2;
const shortestFresh = 5 * minute;
const usualFresh = 10 * minute;
const longestFresh = 60 * minute;
/** Keys that cannot be fetched again count on for so long. */
const longestOutage = 24 * 60 * minute;
/** Before an issuer that did not answer is asked again, where none of its keys are known. */
const failureHold = 2000;
const mostKeys = 100;

/** Gives the keys of issuers: the same set for the same source, however many routes ask. */
export function createIssuerKeys(options: IssuerKeysOptions): (source: KeySource) => KeySet {
  const sets = new Map<string, KeySet>();
  return (source) => {
    const name = JSON.stringify([source.issuer, source.jwksUri, source.ca]);
    let set = sets.get(name);
    if (set === undefined) {
      set = createKeySet(source, options);
      sets.set(name, set);
    }
    return set;
  };
}

interface KnownKeys {
  readonly keys: readonly JWK[];
  readonly fetchedAt: number;
  readonly freshUntil: number;
}

function createKeySet(source: KeySource, { clock, fetch }: IssuerKeysOptions): KeySet {
  let known: KnownKeys | undefined;
  let triedAt = -Infinity;
  let running: Promise<void> | undefined;
  /** Whether keys could not be fetched when they were last asked for. */
  let isAway = false;

  async function load(): Promise<KnownKeys | undefined> {
    const url = source.jwksUri ?? (await discover(source, fetch));
    const fetched =
      url === undefined
        ? undefined
        : await fetch({ url, targets: configuredTargets, ca: source.ca, priority: 'high' });
    if (fetched?.ok !== true) return undefined;
    const keys = parseKeys(fetched.value.json);
    if (keys === undefined) return undefined;
    const now = clock.monotonic();
    const freshFor = Math.min(Math.max(fetched.value.freshFor ?? usualFresh, shortestFresh), longestFresh);
    return { keys, fetchedAt: now, freshUntil: now + freshFor };
  }

  async function renew(): Promise<void> {
    const loaded = await load();
    isAway = loaded === undefined;
    known = loaded ?? known;
  }

  /** However many need keys at the same time, they are fetched once. */
  function refresh(): Promise<void> {
    triedAt = clock.monotonic();
    return (running ??= renew().finally(() => (running = undefined)));
  }

  const isUsable = (): boolean => known !== undefined && clock.monotonic() < known.fetchedAt + longestOutage;

  return {
    async find(kid) {
      const since = clock.monotonic() - triedAt;
      if (!isUsable()) {
        if (running !== undefined || since >= failureHold) await refresh();
        if (!isUsable()) return undefined;
      } else if (known !== undefined && clock.monotonic() >= known.freshUntil) {
        if (since >= cooldown) void refresh();
        // withdrawn-key: old ones say nothing of today. An issuer that is away is waited for once.
        if (!isAway && clock.monotonic() >= known.fetchedAt + longestFresh) await running;
      }
      const found = select(known?.keys ?? [], kid);
      if (found.length > 0 || kid === undefined) return found;
      // key-flood: a name that nobody knows may be one of tomorrow, but most are made up.
      if (running === undefined && clock.monotonic() - triedAt < cooldown) return found;
      await (running ?? refresh());
      return select(known?.keys ?? [], kid);
    },
  };
}

function select(keys: readonly JWK[], kid: string | undefined): readonly JWK[] {
  return kid === undefined ? keys : keys.filter((key) => key.kid === kid);
}

/** The address of the keys by the issuer's metadata (OpenID Connect Discovery section 4, RFC 8414 section 3), which has to be its own. */
async function discover({ issuer, ca }: KeySource, fetch: SafeFetch): Promise<string | undefined> {
  for (const url of toMetadataUrls(issuer)) {
    const fetched = await fetch({ url, targets: configuredTargets, ca, priority: 'high' });
    // issuer-mix-up: a document about somebody else says nothing about this one (RFC 8414 section 3.3).
    if (!fetched.ok || fetched.value.json['issuer'] !== issuer) continue;
    const uri = fetched.value.json['jwks_uri'];
    if (typeof uri === 'string') return uri;
  }
  return undefined;
}

function toMetadataUrls(issuer: string): readonly string[] {
  const plain = issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
  const url = URL.parse(plain);
  const path = url === null || url.pathname === '/' ? '' : url.pathname;
  const origin = url === null ? plain : url.origin;
  return [
    `${plain}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** Public keys for signatures alone: a private or symmetric one in public verifies nothing. `undefined` when it is no set of keys. */
function parseKeys(document: JsonObject): readonly JWK[] | undefined {
  const { keys } = document;
  if (!Array.isArray(keys) || keys.length > mostKeys) return undefined;
  return (keys as readonly unknown[]).filter(isVerificationKey);
}

function isVerificationKey(value: unknown): value is JWK {
  if (!isJsonObject(value) || 'd' in value || 'k' in value) return false;
  const { kty, use, kid, key_ops: operations } = value;
  if (kty !== 'EC' && kty !== 'RSA' && kty !== 'OKP') return false;
  if (use !== undefined && use !== 'sig') return false;
  if (kid !== undefined && typeof kid !== 'string') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}
