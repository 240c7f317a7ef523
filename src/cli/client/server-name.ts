/** Names that every client takes. */
const safeName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function isServerName(name: string): boolean {
  return safeName.test(name);
}

/** What a client calls the server: the path without `mcp`, which says nothing, else the host. */
export function toServerName({ hostname, pathname }: URL): string {
  const parts = pathname.split('/').filter((part) => part !== '' && part !== 'mcp' && part !== 'sse');
  const host = hostname === 'localhost' ? [] : hostname.split('.');
  const words = (parts.length > 0 ? parts : host).flatMap((part) => part.match(/[A-Za-z0-9_]+/g) ?? []);
  const name = words.join('-').slice(0, 64);
  return isServerName(name) ? name : 'breakwater';
}
