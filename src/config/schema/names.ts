import { isIP } from 'node:net';
import { z } from 'zod';
import { formatAuthority, toBracketedHost } from '../../lib/authority.ts';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';
import { toAuthority, toHostName } from './host-name.ts';

export const domainsSchema: z.ZodType<readonly string[]> = z
  .array(parsedField(z.string(), parseDomain))
  .prefault([])
  .describe(
    'Public host names and addresses of this gateway; `*.example.com` stands for one label. Requests for any other name are refused (DNS rebinding).',
  );

export const publicUrlSchema: z.ZodType<string | undefined> = parsedField(z.string(), parsePublicUrl)
  .optional()
  .describe(
    'The origin that clients use, where another port or name than those of `listen` and `domains` leads here: `https://mcp.example.com`. Tokens are for it.',
  );

export const hostsSchema: z.ZodType<readonly string[]> = z
  .array(parsedField(z.string(), parseHost))
  .prefault([])
  .describe('Further accepted values of the Host header: `host` or `host:port`.');

export const originsSchema: z.ZodType<readonly string[]> = z
  .array(parsedField(z.string(), parseOrigin))
  .prefault([])
  .describe('Origins of web pages that may call, besides our own: `https://app.example.com`.');

export const trustedProxiesSchema: z.ZodType<readonly string[]> = z
  .array(parsedField(z.string(), parseAddressBlock))
  .prefault([])
  .describe('Addresses or CIDR blocks of proxies before Breakwater whose word about the client is believed.');

/** One of the names above. */
export const domainSchema: z.ZodType<string> = parsedField(z.string(), parseDomain);

function parseDomain(text: string): Result<string, FieldProblem> {
  const problem = (predicate: string, label: string): Result<string, FieldProblem> =>
    fail({ code: 'E_CONFIG_DOMAIN', predicate, label });
  if (isIP(text) !== 0) {
    return text.includes('%')
      ? problem('is an address with a zone', 'write the address without `%` and what follows')
      : ok(toCanonicalName(text));
  }
  if (text.includes('*')) {
    const parent = text.startsWith('*.') ? toHostName(text.slice(2)) : undefined;
    // Against DNS rebinding: below a public suffix anyone can have a name of one more label.
    return parent?.includes('.') === true
      ? ok(`*.${parent}`)
      : problem('is not a usable wildcard', 'a wildcard is one label before a domain: `*.mcp.example.com`');
  }
  const name = toHostName(text);
  if (name !== undefined) return ok(name);
  if (text.includes('://')) return problem('is a URL', 'write the host name alone');
  if (toAuthority(text) !== undefined) return problem('has a port', 'write the name without the port');
  return problem('is not a host name', 'a full host name such as `mcp.example.com`');
}

function parseHost(text: string): Result<string, FieldProblem> {
  const authority = toAuthority(text);
  if (authority === undefined || (authority.port ?? 1) > 65_535 || authority.port === 0) {
    return failValue('is not a host', 'write `host` or `host:port`, with brackets around IPv6');
  }
  const { host, port } = authority;
  if (port !== undefined) return ok(formatAuthority(host, port));
  return ok(toBracketedHost(host));
}

function parsePublicUrl(text: string): Result<string, FieldProblem> {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:')
    return failValue('is not an https URL', 'write it as in `https://mcp.example.com`');
  const isOrigin = url.pathname === '/' && !/[?#@*]/.test(text);
  return isOrigin
    ? ok(url.origin)
    : failValue('has more than an origin', 'scheme, host and port alone; paths are those of `routes`');
}

function parseOrigin(text: string): Result<string, FieldProblem> {
  const problem = (predicate: string, label: string): Result<string, FieldProblem> =>
    fail({ code: 'E_CONFIG_ORIGIN', predicate, label });
  // Against sandboxed frames and local files: every one of them sends `Origin: null`.
  if (text === 'null') return problem('is `null`', 'every sandboxed page and local file sends `null`');
  if (text === '*') return problem('is a wildcard', 'list each origin; `*` would let every page call');
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(text)) {
    return problem('is not an origin', 'scheme, host and port alone: `https://app.example.com`');
  }
  if (!/^https?:/i.test(text)) return ok(text.toLowerCase());
  const url = URL.parse(text);
  return url === null || text.includes('*')
    ? problem('is not an origin', 'the host is not valid')
    : ok(url.origin);
}

function parseAddressBlock(text: string): Result<string, FieldProblem> {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const valid = prefix === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits);
  return family === 0 || !valid || rest.length > 0 || address.includes('%')
    ? failValue('is not an address or CIDR block', 'write `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`')
    : ok(text.toLowerCase());
}
