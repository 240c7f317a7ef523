/** A host as it stands in URLs and Host fields: an IPv6 address goes in brackets (RFC 3986 section 3.2.2). It has none before. */
export function toBracketedHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Host and port the way URLs and `listen` write them: `127.0.0.1:8443`, `[::1]:8443`. */
export function formatAuthority(host: string, port: number): string {
  return `${toBracketedHost(host)}:${port}`;
}
