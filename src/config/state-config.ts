import type { SecretSourceConfig } from './config.ts';

/** Where API keys, accounts, logins and the keys of sessions and tokens are kept: in the state directory, or where replicas share them. */
export type StateConfig = { readonly kind: 'local' } | ({ readonly kind: 'redis' } & RedisConfig);

export interface RedisConfig {
  readonly address: RedisAddressConfig;
  readonly user: string | undefined;
  /** Never shown. */
  readonly password: string | undefined;
  readonly passwordSource: PasswordSourceConfig | undefined;
  readonly database: number;
  /** Stands before all keys: `{breakwater}:`. */
  readonly prefix: string;
  /** PEM file with the roots that the server's certificate is checked against. */
  readonly ca: string | undefined;
}

export type RedisAddressConfig =
  | {
      readonly kind: 'tcp';
      /** Host name or address without brackets. */
      readonly host: string;
      readonly port: number;
      /** Whether TLS is spoken. */
      readonly secure: boolean;
    }
  | { readonly kind: 'unix'; readonly path: string };

export type PasswordSourceConfig = SecretSourceConfig | { readonly kind: 'url' };
