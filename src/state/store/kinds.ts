/** What is known of all records of one kind. `docs/state.md` says the same for people, and a test compares the two. */
export interface RecordKind {
  /** What is kept, for people. */
  readonly content: string;
  /** How long, for people. */
  readonly lifetime: string;
  /** What somebody gains who reads the store. */
  readonly leak: string;
  /** Top-level string fields of the value that `find` and `deleteWhere` may search. */
  readonly indexes: readonly string[];
  /** The id is a credential: the store keeps its SHA-256 alone, and takes the id out of `field` of the value, too. */
  readonly secretId?: { readonly field: string | undefined };
}

/** Every kind of record there is; the store refuses any other. */
export const recordKinds: Readonly<Record<string, RecordKind>> = {
  ApiKey: {
    content: 'an API key by name: SHA-256 of the key, scopes, dates of creation, end and last use',
    lifetime: 'until revoked; an expired key stays listed for 30 days',
    leak: 'names, scopes and habits; no key (256 random bits do not come back from a digest)',
    indexes: [],
  },
  Account: {
    content: 'a local account by name: password hash (scrypt), e-mail address, dates',
    lifetime: 'until removed',
    leak: 'names and e-mail addresses; passwords only by guessing, at 128 MiB a guess',
    indexes: [],
  },
  LoginThrottle: {
    content:
      'failed logins, by digest of account name or network address: how many, and until when to wait; by digest of both, that a login succeeded',
    lifetime: '24 hours after the last failure, 30 days after a login',
    leak: 'that people logged in or failed to; names and addresses only by guessing them',
    indexes: [],
  },
  AuthorizationCode: {
    content: 'an authorization code: client, redirect URI, PKCE challenge, scopes, grant',
    lifetime: '60 seconds',
    leak: 'who logs in where; the code is stored as SHA-256 alone',
    indexes: ['grantId'],
    secretId: { field: 'jti' },
  },
  RefreshToken: {
    content: 'a refresh token: client, account, scopes, grant',
    lifetime: '`auth.oauth.server.refresh_token` since the last refresh',
    leak: 'who uses which client; the token is stored as SHA-256 alone',
    indexes: ['grantId'],
    secretId: { field: 'jti' },
  },
  RefreshSuccessor: {
    content:
      'the token that replaced a used refresh token, or that one is being made, for clients that refresh twice at once',
    lifetime: '30 seconds',
    leak: 'nothing: the token is encrypted, and the used one is the key',
    indexes: [],
    secretId: { field: undefined },
  },
  Session: {
    content: 'a login of a browser: account, and the grants of each client',
    lifetime: 'until log-out, 12 hours at most',
    leak: 'who is logged in; to consent in the name of that person takes `auth/server-keys.json`, too',
    indexes: ['uid'],
  },
  Interaction: {
    content: 'a login or consent under way: the request of the client, and the answers so far',
    lifetime: '10 minutes',
    leak: 'who is about to log in, from which client',
    indexes: [],
  },
  Grant: {
    content: 'what a person allowed a client: scopes for each resource',
    lifetime: 'as long as the refresh token it belongs to',
    leak: 'who allowed what to which client',
    indexes: [],
  },
  Client: {
    content: 'a client that registered itself: name and redirect URIs',
    lifetime: '1 day unused, as long as a refresh token after its last use',
    leak: 'which clients are in use, and the secrets of those that asked for one; a secret alone opens nothing',
    indexes: [],
  },
  Consent: {
    content: 'a consent that is remembered: account, client, redirect host, scopes',
    lifetime: 'as long as a refresh token',
    leak: 'who allowed what to which client',
    indexes: [],
  },
  Person: {
    content: 'who logged in: subject, and what the identity provider said of the person',
    lifetime: 'as long as a refresh token, from the last login or refresh on',
    leak: 'names, e-mail addresses and groups of those who logged in',
    indexes: [],
  },
  OwnerCode: {
    content: 'a one-time code of the owner: SHA-256 of the code and of the login it is for, wrong guesses',
    lifetime: '10 minutes',
    leak: 'the code, by trying all 2^40: worth nothing without the browser that asked for it',
    indexes: [],
  },
  LoginState: {
    content: 'a login at an identity provider under way: state, nonce and PKCE verifier',
    lifetime: '10 minutes',
    leak: 'what binds the answer of the provider to a browser; of no use without its cookie',
    indexes: [],
  },
  ReplayDetection: {
    content: 'an assertion that a client signed to prove who it is, as SHA-256',
    lifetime: 'until the assertion ends',
    leak: 'which clients log in',
    indexes: [],
  },
  SessionNote: {
    content:
      'an MCP session that began again at another server, or has a log level or subscriptions: the newest session, sealed for its caller, and both',
    lifetime: '24 hours after the last change',
    leak: 'which resources a session follows; no session (the id is a SHA-256, and the newest is sealed)',
    indexes: [],
  },
  SessionUse: {
    content: 'that an MCP session is in use at a gateway, by SHA-256',
    lifetime: '`sessions.idle_timeout` after the last use',
    leak: 'how many sessions there are',
    indexes: [],
    secretId: { field: undefined },
  },
};
