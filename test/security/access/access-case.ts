import type { Field } from '../../support/h2-frames.ts';

export type AccessAttack = 'path' | 'nomination' | 'forwarded' | 'host' | 'origin' | 'credential' | 'token';

/** One request and what has to become of it. */
export interface AccessCase {
  readonly attack: AccessAttack;
  readonly name: string;
  /** HTTP/1.1 as latin1, or the field list of an HTTP/2 request without a body. */
  readonly request: string | readonly Field[];
  /** 400 also stands for a reset of the HTTP/2 stream. */
  readonly status: number;
  /** Field lines that the upstream must see, without its Host and without the mark of the case, sorted; `undefined` when nothing may reach it. */
  readonly forwarded: readonly string[] | undefined;
  /** TLS server name; `localhost` when absent. */
  readonly servername?: string;
  /** 127.0.0.1 when absent. */
  readonly from?: string;
  /** HTTP/1.1 requests that go before it on its connection, and are answered. */
  readonly before?: readonly string[];
  /** True when the request carries the key of the protected route. */
  readonly hasKey?: boolean;
}

export const publicPath = '/mcp';
export const protectedPath = '/admin';
export const domain = 'mcp.example.test';
/** Accepted with exactly this port. */
export const extraHost = 'proxy:9000';
export const allowedOrigin = 'https://app.example.com';
export const trustedAddress = '127.0.0.9';

/** Marks the requests of a case at the upstream. */
export const markName = 'x-case';
export const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}';
const contentType = 'content-type: application/json';
const accept = 'accept: application/json, text/event-stream';

/** A call over HTTP/1.1 with further field lines, each with its line break. */
export function buildRequest(options: {
  readonly method?: string;
  readonly target?: string;
  /** All Host lines. */
  readonly host?: string;
  readonly fields?: string;
}): string {
  const { method = 'POST', target = publicPath, host = `Host: ${domain}\r\n`, fields = '' } = options;
  const start = `${method} ${target} HTTP/1.1\r\n${host}`;
  if (method !== 'POST') return `${start}${fields}\r\n`;
  return `${start}${contentType}\r\n${accept}\r\n${fields}Content-Length: ${call.length}\r\n\r\n${call}`;
}

/** What the upstream sees of a call, sorted. */
export function expectForwarded(
  options: {
    readonly method?: string;
    readonly authority?: string;
    /** The client as far as it is believed, and the trusted proxies behind it. */
    readonly chain?: string;
    readonly without?: readonly string[];
    readonly extra?: readonly string[];
  } = {},
): readonly string[] {
  const { method = 'POST', authority = domain, chain = '127.0.0.1', without = [], extra = [] } = options;
  const [client = ''] = chain.split(', ');
  const host = /[:[]/.test(authority) ? `"${authority}"` : authority;
  const passed = method === 'POST' ? [contentType, accept, `content-length: ${call.length}`] : [];
  return [
    ...passed.filter((line) => !without.includes(line.slice(0, line.indexOf(':')))),
    ...extra,
    `x-forwarded-for: ${chain}`,
    'x-forwarded-proto: https',
    `x-forwarded-host: ${authority}`,
    `x-real-ip: ${client}`,
    `forwarded: for=${client};host=${host};proto=https`,
  ].toSorted();
}
