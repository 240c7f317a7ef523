/** Who calls, as rules, limits, sessions, logs and upstreams see it. */
export interface Principal {
  readonly method: 'key' | 'certificate' | 'token';
  /** One for each caller and no other: `key:ci`, `certificate:ci`, or `token:` with issuer, subject and client. Sessions and limits are bound to it. */
  readonly id: string;
  /** For logs and people. */
  readonly name: string;
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  /** OAuth client, where there is one. */
  readonly client: string | undefined;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  /** All claims of a token; empty for keys and certificates. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Wall-clock milliseconds from which on it counts no more; `undefined` when it does not end. */
  readonly expiresAt: number | undefined;
}

/** Somebody whom this gateway knows itself, by a key or a certificate with that name. */
export function buildOwnPrincipal(
  known: Pick<Principal, 'method' | 'name' | 'scopes' | 'expiresAt'>,
): Principal {
  return {
    ...known,
    id: `${known.method}:${known.name}`,
    issuer: undefined,
    subject: undefined,
    client: undefined,
    groups: [],
    claims: {},
  };
}
