import { toBracketedHost } from '../lib/authority.ts';
/** Where an MCP server answers. */
export type UpstreamTarget =
  | {
      readonly kind: 'tcp';
      readonly secure: boolean;
      /** Host name or address, without brackets. */
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** Where connections go instead of asking for the name, which stays that of Host and of TLS. */
      readonly address?: string;
    }
  | { readonly kind: 'unix'; readonly socketPath: string; readonly path: string };

/** The authority the upstream knows itself by: servers with a Host guard accept nothing else (421 storms behind proxies). */
export function toUpstreamAuthority(target: UpstreamTarget): string {
  if (target.kind === 'unix') return 'localhost';
  const host = toBracketedHost(target.host);
  return target.port === (target.secure ? 443 : 80) ? host : `${host}:${target.port}`;
}

/** Scheme and authority, for resolving the upstream's own URLs. */
export function toUpstreamOrigin(target: UpstreamTarget): string {
  const scheme = target.kind === 'tcp' && target.secure ? 'https' : 'http';
  return `${scheme}://${toUpstreamAuthority(target)}`;
}

/** Whether a URL names the upstream of this origin. Its scheme does not count: uvicorn writes the forwarded one before its own host. */
export function isUpstreamUrl({ origin }: { readonly origin: string }, url: URL): boolean {
  return url.host === new URL(origin).host;
}
