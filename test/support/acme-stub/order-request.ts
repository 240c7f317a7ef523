import { isIP } from 'node:net';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { parseRecord, toRecord } from './exchange.ts';
import { malformed, toProblemObject, type Problem } from './problem.ts';
import type { StubSettings } from './settings.ts';
import { toCanonicalAddress } from './signing-request.ts';

/** What a newOrder request asks for, once it is known to be allowed. */
export interface OrderRequest {
  readonly names: readonly string[];
  readonly profile: string;
  readonly replaces: string | undefined;
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const domain = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)+${label}$`);

/** Reads the payload of newOrder (RFC 8555 section 7.4, RFC 8738, draft-aaron-acme-profiles section 4). */
export function parseOrderRequest(payload: string, settings: StubSettings): Result<OrderRequest, Problem> {
  const fields = parseRecord(payload);
  const identifiers = fields?.['identifiers'];
  if (fields === undefined || !Array.isArray(identifiers) || identifiers.length === 0) {
    return fail(malformed('an order needs identifiers'));
  }
  if (fields['notBefore'] !== undefined || fields['notAfter'] !== undefined) {
    return fail(malformed('notBefore and notAfter are not supported'));
  }
  const profile = parseProfile(fields['profile'], settings);
  if (!profile.ok) return profile;
  const names: string[] = [];
  for (const identifier of identifiers) {
    const name = parseIdentifier(identifier);
    if (!name.ok) return name;
    names.push(name.value);
  }
  if (new Set(names).size !== names.length) return fail(malformed('an identifier is there twice'));
  const policy = checkPolicy(names, profile.value, settings);
  if (policy !== undefined) return fail(policy);
  const { replaces } = fields;
  if (replaces !== undefined && typeof replaces !== 'string')
    return fail(malformed('replaces is not a string'));
  return ok({ names, profile: profile.value, replaces });
}

function parseProfile(profile: unknown, settings: StubSettings): Result<string, Problem> {
  if (profile === undefined) return ok(settings.defaultProfile);
  if (typeof profile === 'string' && Object.hasOwn(settings.profiles, profile)) return ok(profile);
  return fail({
    type: 'invalidProfile',
    status: 400,
    detail: `there is no profile ${JSON.stringify(profile)}`,
  });
}

function parseIdentifier(identifier: unknown): Result<string, Problem> {
  const fields = toRecord(identifier);
  const { type, value } = fields ?? {};
  if (typeof value !== 'string') return fail(malformed('an identifier has no value'));
  if (type === 'ip') {
    const canonical = isIP(value) !== 0 && toCanonicalAddress(value) === value;
    return canonical ? ok(value) : fail(malformed(`${value} is not an address in the spelling of RFC 5952`));
  }
  if (type !== 'dns') {
    return fail({
      type: 'unsupportedIdentifier',
      status: 400,
      detail: `identifiers of type ${String(type)}`,
    });
  }
  const valid = isIP(value) === 0 && value.length <= 253 && domain.test(value);
  return valid ? ok(value) : fail(malformed(`${value} is not a domain in lower case`));
}

function checkPolicy(
  names: readonly string[],
  profileName: string,
  settings: StubSettings,
): Problem | undefined {
  const profile = settings.profiles[profileName];
  if (profile !== undefined && names.length > profile.mostNames) {
    return malformed(`${names.length} names, the profile ${profileName} has room for ${profile.mostNames}`);
  }
  if (profile !== undefined && !profile.allowsAddresses && names.some((name) => isIP(name) !== 0)) {
    return rejected(`the profile ${profileName} is not for addresses`, []);
  }
  const blocked = names.filter((name) => settings.blockedNames.includes(name));
  return blocked.length === 0 ? undefined : rejected('policy forbids some of the names', blocked);
}

function rejected(detail: string, names: readonly string[]): Problem {
  const subproblems = names.map((value) => ({
    ...toProblemObject({ type: 'rejectedIdentifier', status: 400, detail: 'forbidden' }),
    identifier: { type: 'dns', value },
  }));
  return { type: 'rejectedIdentifier', status: 400, detail, members: { subproblems } };
}
