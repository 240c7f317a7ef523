import { isIP } from 'node:net';
import type { Fields, IncomingRequest } from './exchange.ts';
import type { IsTrusted } from './trusted-proxies.ts';

/**
 * Fields that speak about the client or about the original URL. Whatever a client writes into them is a
 * claim (forwarded-header spoofing; CVE-2026-40575 let such a field choose the access rule), so all copies go.
 */
const claimedFields: ReadonlySet<string> = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'fly-client-ip',
  'x-azure-clientip',
  'x-envoy-external-address',
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-original-method',
  'x-rewrite-url',
  'x-host',
  'x-scheme',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  // What authenticating proxies tell the server behind them about the user; nobody but them may (CVE-2025-64484).
  'x-anonymous-consumer',
  'x-credential-identifier',
  'x-id-token',
  'x-jwt-claims',
  'x-jwt-payload',
  'x-userinfo',
  // What proxies that check client certificates tell about them.
  'client-cert',
  'client-cert-chain',
  'x-client-verify',
  'x-client-dn',
  // httpoxy (CVE-2016-5385): CGI servers take it for the HTTP_PROXY variable.
  'proxy',
]);

/**
 * Families of such fields, each with one member for every claim there is. X-Auth-Token and X-Auth-Key are none of them: a client
 * shows these to prove something, and a server checks them.
 */
const claimedFamilies =
  /^(?:x-(?:forwarded|remote-|auth-(?!token$|key$)|authenticated-|authentik-|webauth-|consumer-|goog-authenticated-|goog-iap-|amzn-oidc-|amzn-mtls-|ms-client-principal|ms-token-|pomerium-|vouch-|ssl-|client-cert)|remote-|ssl-|cf-access-|tailscale-)/;

/** Whether a client cannot be believed in this field; `name` is in lower case. */
export function isClaimedField(name: string): boolean {
  return claimedFields.has(name) || claimedFamilies.test(name);
}

export interface Client {
  /** Address of the client as far as trusted proxies vouch for it. */
  readonly address: string;
  /** Value for X-Forwarded-For: the trusted part of the chain, the client first. */
  readonly chain: string;
}

/** Finds the client: the peer itself, or, behind trusted proxies, the last address in X-Forwarded-For that is not one of them. */
export function resolveClient(request: IncomingRequest, isTrusted: IsTrusted): Client {
  const peer = request.peer.address;
  if (!isTrusted(peer)) return { address: peer, chain: peer };
  const claimed = joinFields(request.fields, 'x-forwarded-for').split(',');
  let address = peer;
  let chain = peer;
  for (let index = claimed.length - 1; index >= 0; index--) {
    const hop = (claimed[index] ?? '').trim();
    if (isIP(hop) === 0) break;
    address = hop;
    chain = `${hop}, ${chain}`;
    if (!isTrusted(hop)) break;
  }
  return { address, chain };
}

/** The forwarded fields that tell an upstream who called and how; set by us, never copied. */
export function buildForwardedFields(request: IncomingRequest, client: Client): string {
  const { authority } = request;
  const node = client.address.includes(':') ? `"[${client.address}]"` : client.address;
  const host = /^[\w.-]+$/.test(authority) ? authority : `"${authority}"`;
  const proto = request.peer.secure ? 'https' : 'http';
  return (
    `x-forwarded-for: ${client.chain}\r\nx-forwarded-proto: ${proto}\r\nx-forwarded-host: ${authority}\r\n` +
    `x-real-ip: ${client.address}\r\nforwarded: for=${node};host=${host};proto=${proto}\r\n`
  );
}

function joinFields(fields: Fields, name: string): string {
  let joined = '';
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name)
      joined = joined === '' ? (fields[index + 1] ?? '') : `${joined},${fields[index + 1]}`;
  }
  return joined;
}
