import { formatAuthority } from '../../lib/authority.ts';
/** Where a Redis or Valkey server is, and how it is spoken to. */
export interface RedisSettings {
  readonly address: RedisAddress;
  readonly user: string | undefined;
  /** Never shown. */
  readonly password: string | undefined;
  /** Where the password is written, which may be shown. */
  readonly passwordSource: PasswordSource | undefined;
  readonly database: number;
  /** Stands before all keys and channels; the part in braces keeps them on one node of a cluster. */
  readonly prefix: string;
  /** PEM file with the roots that the server's certificate is checked against; `undefined`: those of the system. */
  readonly ca: string | undefined;
}

export type RedisAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly kind: 'unix'; readonly path: string };

export type PasswordSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'url' };

/** The server for people, without credentials: `redis.example.com:6379`. */
export function describeAddress(address: RedisAddress): string {
  if (address.kind === 'unix') return address.path;
  return formatAuthority(address.host, address.port);
}

/** The setting that holds the password, for people. */
export function describePassword(source: PasswordSource | undefined): string {
  switch (source?.kind) {
    case 'file':
      return `the file \`${source.path}\` of \`state.redis.password_file\``;
    case 'environment':
      return `the variable \`${source.name}\` of \`state.redis.password_env\``;
    case 'url':
      return 'the URL of `state.redis`';
    case undefined:
      return '`state.redis.password_env` or `state.redis.password_file`';
  }
}
