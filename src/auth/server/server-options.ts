import type { Clock } from '../../lib/clock.ts';
import type { SharedTexts } from '../../state/shared-text.ts';
import type { Store } from '../../state/store/store.ts';
import type { ProviderFetch } from '../fetch/provider-fetch.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import type { LoadClientMetadata } from '../client-metadata/document.ts';

/** A protected MCP server that tokens are issued for. */
export interface ProtectedResource {
  /** The `resource` of RFC 8707 and the audience of its tokens: the public https URL, without a trailing slash. */
  readonly url: string;
  /** For people. */
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Who may log in through an identity provider. All lists empty: everybody whom that provider lets in. */
export interface OidcAdmission {
  readonly users: readonly string[];
  readonly domains: readonly string[];
  readonly groups: readonly string[];
}

export interface OidcLogin {
  readonly kind: 'oidc';
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Asked of the provider; with `openid`. */
  readonly scopes: readonly string[];
  readonly allow: OidcAdmission;
}

export interface GithubLogin {
  readonly kind: 'github';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly allow: { readonly users: readonly string[]; readonly organizations: readonly string[] };
}

export type Login = { readonly kind: 'accounts' } | { readonly kind: 'owner' } | OidcLogin | GithubLogin;

/** The section of the configuration about this server; lifetimes in milliseconds. */
export interface ServerConfig {
  readonly login: readonly Login[];
  readonly registration: boolean;
  /** Further redirect URIs, or prefixes of private-use schemes. */
  readonly redirects: readonly string[];
  /** Hosts that client metadata documents may come from; empty: any. */
  readonly metadataHosts: readonly string[];
  readonly accessTokenLifetime: number;
  readonly refreshTokenLifetime: number;
}

/** Who clicked where: what happens in the server, for the log. Nothing secret is in it. */
export interface ServerEvent {
  readonly kind:
    | 'login'
    | 'login-refused'
    | 'consent'
    | 'consent-denied'
    | 'client-refused'
    | 'client-registered'
    | 'token-issued'
    | 'reuse-detected'
    | 'grant-revoked'
    | 'error';
  readonly text: string;
}

/** What the local accounts answer to a name and a password. */
export type PasswordCheck =
  | { readonly kind: 'ok'; readonly name: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfter: number };

/** The local accounts, as this room needs them. */
export interface AccountBook {
  verify(attempt: {
    readonly name: string;
    readonly password: string;
    readonly address: string;
  }): Promise<PasswordCheck>;
  /** False for an account that was removed: its refresh tokens count no more. */
  has(name: string): Promise<boolean>;
}

export interface AuthorizationServerOptions {
  /** The public https origin, without a path and a trailing slash. */
  readonly issuer: string;
  readonly resources: readonly ProtectedResource[];
  readonly config: ServerConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly stateDir: string;
  /** Where replicas share the keys of the server; without it they are in the state directory. */
  readonly texts?: SharedTexts | undefined;
  readonly accounts: AccountBook | undefined;
  /** Built by `createClientMetadataLoader`, with the hosts and redirects of `config`. */
  readonly loadClientMetadata: LoadClientMetadata;
  /** For the keys of clients that sign (`private_key_jwt`). */
  readonly fetchJson: SafeFetch;
  /** For identity providers; tests answer themselves. */
  readonly fetch: ProviderFetch;
  /** Shows a login code to the owner, and to nobody else. */
  readonly onOwnerCode: (code: string) => void;
  /** A grant ended: access tokens with this `grant` claim count no more. */
  readonly onGrantRevoked: (grantId: string) => void;
  readonly onEvent: (event: ServerEvent) => void;
}
