import { createHash } from 'node:crypto';
import { formatAuthority } from '../lib/authority.ts';
import type { Member } from './group.ts';
import type { HealthChecker } from './health/health-checker.ts';
import type { UpstreamPool } from './pool.ts';
import { toUpstreamAuthority, toUpstreamOrigin, type UpstreamTarget } from './target.ts';

/** One MCP server behind a route, and all that is worked out of its address once. */
export interface UpstreamServer extends Member {
  readonly health?: HealthChecker | undefined;
  readonly pool: UpstreamPool;
  /** Its MCP endpoint. */
  readonly path: string;
  /** `host: …\r\n` for requests to it. */
  readonly hostLine: string;
  readonly origin: string;
  /** For logs and people: `127.0.0.1:8000`, `10.0.0.3 of mcp:8000`, or the path of the socket. */
  readonly name: string;
}

/** Works out of the address of a server, once, what each request to it needs. */
export function createUpstreamServer(
  parts: Pick<UpstreamServer, 'pool' | 'weight' | 'limits' | 'standing' | 'health' | 'newUntil'>,
): UpstreamServer {
  const { target } = parts.pool;
  return {
    ...parts,
    key: toServerKey(target),
    path: target.path,
    hostLine: `host: ${toUpstreamAuthority(target)}\r\n`,
    origin: toUpstreamOrigin(target),
    name: toServerName(target),
  };
}

const KEY_BYTES = 9;

/** Stands for a server in what clients keep, sealed. It follows from the URL, and the address where a name has many, so order and number of the servers may change. */
export function toServerKey(target: UpstreamTarget): string {
  const text = JSON.stringify(
    target.kind === 'unix'
      ? ['unix', target.socketPath, target.path]
      : [
          target.secure ? 'https' : 'http',
          target.host,
          target.port,
          target.path,
          ...(target.address === undefined ? [] : [target.address]),
        ],
  );
  return createHash('sha256').update(text).digest().subarray(0, KEY_BYTES).toString('base64url');
}

export function toServerName(target: UpstreamTarget): string {
  if (target.kind === 'unix') return target.socketPath;
  const { address, host, port } = target;
  return `${address === undefined ? '' : `${address} of `}${formatAuthority(host, port)}`;
}
