import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * A host name in lower case and ASCII (international names become `xn--`), or `undefined` when it is none.
 * Underscores pass because names of Docker services have them; a name that ends in a number is not a name
 * (it would be read as an IPv4 address in disguise, WHATWG URL section 3.5).
 */
export function toHostName(text: string): string | undefined {
  const name = /[^ -~]/.test(text) ? domainToASCII(text) : text.toLowerCase();
  const labels = name.split('.');
  const last = labels.at(-1) ?? '';
  if (name.length > 253 || /^(?:\d+|0x[0-9a-f]*)$/.test(last)) return undefined;
  return labels.every((part) => label.test(part)) ? name : undefined;
}

/** A host name, an IPv4 address, or an IPv6 address without brackets. */
export function toHost(text: string): string | undefined {
  return isIPv4(text) || isIPv6(text) ? text.toLowerCase() : toHostName(text);
}

export interface Authority {
  /** Without brackets. */
  readonly host: string;
  /** `undefined` when the text has none; may be out of range. */
  readonly port: number | undefined;
}

/** Splits `host`, `host:port`, `[v6]` and `[v6]:port`; `undefined` when the host is not valid. */
export function toAuthority(text: string): Authority | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = digits === undefined ? undefined : Number(digits);
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed.toLowerCase(), port } : undefined;
  const host = toHost(plain ?? '');
  return host === undefined ? undefined : { host, port };
}
