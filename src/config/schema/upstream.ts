import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { UpstreamTarget } from '../config.ts';
import { parsedField, type FieldProblem } from './field.ts';
import { toAuthority } from './host-name.ts';

const defaultPath = '/mcp';
// `sun_path` of Linux holds 108 bytes with the final zero (unix(7)).
const longestSocketPath = 107;
const forms = 'write a URL, `host:port`, a port, or `unix:/run/server.sock:/mcp`';

export const upstreamSchema: z.ZodType<UpstreamTarget> = parsedField(
  z.union([z.string(), z.int().meta({ minimum: 1, maximum: 65_535 })], { error: 'an address or a port' }),
  parseUpstream,
).meta({
  description:
    'The MCP server: a URL, `host:port`, a port of this machine, or `unix:SOCKET:PATH`. Without a path `/mcp` is meant.',
  examples: ['http://127.0.0.1:8000/mcp', '127.0.0.1:8000', 8000, 'unix:/run/server.sock:/mcp'],
});

/** Reads a target of the command line or of a route. The path of a Unix socket may still be relative. */
export function parseUpstream(value: string | number): Result<UpstreamTarget, FieldProblem> {
  const text = String(value);
  if (/^\d{1,9}$/.test(text))
    return parseTcp({ scheme: 'http', authority: `127.0.0.1:${text}`, path: undefined });
  if (text.startsWith('unix:')) return parseUnix(text.slice('unix:'.length));
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)(\/[^?#]*)?([?#].*)?$/is.exec(text);
  if (match === null) return problem('is not understood', forms);
  const [, scheme, authority = '', path, rest] = match;
  if (authority.includes('@')) {
    return problem('contains a user name or password', 'credentials do not belong in the address');
  }
  if (rest !== undefined) return problem('has a query or a fragment', 'end the address with its path');
  return parseTcp({ scheme: scheme?.toLowerCase(), authority, path });
}

interface TcpParts {
  readonly scheme: string | undefined;
  readonly authority: string;
  readonly path: string | undefined;
}

function parseTcp({ scheme, authority, path = defaultPath }: TcpParts): Result<UpstreamTarget, FieldProblem> {
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    return problem('has a scheme that is not spoken', 'only `http` and `https` are spoken');
  }
  const parts = toAuthority(authority);
  if (parts === undefined) return problem('is not understood', forms);
  const secure = scheme === 'https';
  const port = parts.port ?? (scheme === undefined ? undefined : secure ? 443 : 80);
  if (port === undefined) return problem('has no port', forms);
  if (port < 1 || port > 65_535) {
    return problem('names a port that does not exist', 'a port is between 1 and 65535');
  }
  if (!isRequestPath(path)) return problem('has a path that cannot be requested', 'write a plain path');
  return ok({ kind: 'tcp', secure, host: parts.host, port, path });
}

function parseUnix(text: string): Result<UpstreamTarget, FieldProblem> {
  const colon = text.lastIndexOf(':/');
  const socketPath = colon > 0 ? text.slice(0, colon) : text;
  const path = colon > 0 ? text.slice(colon + 1) : defaultPath;
  if (socketPath === '' || socketPath.includes('\0')) {
    return problem('names no socket', 'write `unix:/run/server.sock:/mcp`');
  }
  if (Buffer.byteLength(socketPath) > longestSocketPath) {
    return problem(
      'names a socket with too long a path',
      `the system takes at most ${longestSocketPath} bytes`,
    );
  }
  if (!isRequestPath(path)) return problem('has a path that cannot be requested', 'write a plain path');
  return ok({ kind: 'unix', socketPath, path });
}

/** Origin-form without query (RFC 9112 section 3.2.1), and no dot segments that a server might resolve. */
export function isRequestPath(path: string): boolean {
  const characters = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
  return characters.test(path) && !/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
}

function problem(predicate: string, label: string): Result<UpstreamTarget, FieldProblem> {
  return fail({ code: 'E_CONFIG_UPSTREAM', predicate, label });
}
