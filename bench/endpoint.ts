/** Where calls go, and what they carry besides the fields every call has. */
export interface Endpoint {
  readonly port: number;
  readonly isPlain: boolean;
  readonly fields: Readonly<Record<string, string>>;
  /** True where each call needs an id of its own, because all share one session. */
  readonly needsOwnIds: boolean;
}

export function toUrl({ port, isPlain }: Endpoint): string {
  return `${isPlain ? 'http' : 'https'}://localhost:${port}/mcp`;
}
