import { isIP } from 'node:net';
import { isLocalName } from '../../lib/local-names.ts';
import { isConfiguredAddress, isOwnAddress, isPublicAddress } from './address-policy.ts';

/** Where one kind of request may lead. */
export interface TargetPolicy {
  /** Refuses a text that the URL parser would write another way: a second spelling is a second meaning for some reader. */
  readonly onlyCanonical: boolean;
  /** Refuses addresses as hosts, names without a dot or with one at the end, and names that only exist locally. */
  readonly onlyPublicNames: boolean;
  /** The only port; any when undefined. */
  readonly port: number | undefined;
  /** Lets `http:` URLs lead to loopback addresses. */
  readonly plainLoopback: boolean;
  /** Lets requests carry a body and credentials. */
  readonly carriesCredentials: boolean;
  readonly isAllowed: (address: string) => boolean;
}

/** For URLs that strangers send: https, a public name, port 443, public addresses (SSRF, A13). */
export const publicTargets: TargetPolicy = {
  onlyCanonical: true,
  onlyPublicNames: true,
  port: 443,
  plainLoopback: false,
  carriesCredentials: false,
  isAllowed: isPublicAddress,
};

/** For URLs that the operator wrote, and those which a server that the operator named gives of itself. */
export const configuredTargets: TargetPolicy = {
  onlyCanonical: false,
  onlyPublicNames: false,
  port: undefined,
  plainLoopback: true,
  carriesCredentials: true,
  isAllowed: isConfiguredAddress,
};

const longestUrl = 2048;

/** Reads a URL that may be fetched under the policy, as far as its text tells; `undefined` for all others. */
export function parseTarget(text: string, policy: TargetPolicy): URL | undefined {
  if (text.length > longestUrl || text.includes('#')) return undefined;
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  // Tabs, backslashes, dot segments, default ports, fullwidth digits, `0x7f.1`: the parser takes them all, and mends them.
  if (policy.onlyCanonical && url.href !== text) return undefined;
  if (url.protocol !== 'https:' && !(policy.plainLoopback && url.protocol === 'http:')) return undefined;
  if (policy.port !== undefined && Number(url.port || '443') !== policy.port) return undefined;
  if (policy.onlyPublicNames && !isPublicName(url.hostname)) return undefined;
  return url;
}

/** Whether this URL may be fetched from this address: the clear never leaves the machine. */
export function isAllowedAddress(url: URL, address: string, policy: TargetPolicy): boolean {
  if (url.protocol !== 'https:' && !isOwnAddress(address)) return false;
  return policy.isAllowed(address);
}

/** The host of a URL as `lookup` and certificates know it: IPv6 addresses without brackets. */
export function toHostName(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

function isPublicName(hostname: string): boolean {
  if (hostname.startsWith('[') || isIP(hostname) !== 0) return false;
  return hostname.includes('.') && !hostname.endsWith('.') && !isLocalName(hostname);
}
