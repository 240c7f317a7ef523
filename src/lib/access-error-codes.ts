import type { ErrorEntry } from './error-entry.ts';

export type AccessErrorCode =
  | 'E_AUTH_SCOPE'
  | 'E_AUTH_UNAVAILABLE'
  | 'E_ACCESS_DENIED'
  | 'E_RATE_LIMITED'
  | 'E_SESSION_UNKNOWN'
  | 'E_SESSIONS_FULL'
  | 'E_STATE_VERSION'
  | 'E_STATE_DAMAGED'
  | 'E_STATE_UNREACHABLE'
  | 'E_NAME_UNKNOWN'
  | 'E_NAME_TAKEN'
  | 'E_UPSTREAM_CREDENTIALS';

/** The part of the error table that speaks of who may do what, how often, and in which session. */
export const accessErrorCodes: { readonly [code in AccessErrorCode]: ErrorEntry } = {
  E_AUTH_SCOPE: {
    title: 'the token lacks a scope that this operation needs',
    explanation:
      'The rules of the route ask for scopes that the token does not carry. The challenge names all of them, so that the client can ask the user for more (OAuth 2.1 step-up).',
    fix: 'log in again and grant the scopes, or correct the rules of the route',
    status: 403,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_UNAVAILABLE: {
    title: 'the token cannot be checked just now',
    explanation:
      "The keys of the token's issuer could not be fetched and none are known yet, or its introspection service does not answer. A token that cannot be checked is not accepted.",
    fix: 'try again; check that this machine reaches the issuer',
    status: 503,
    rpcCode: -31503,
  },
  E_ACCESS_DENIED: {
    title: 'the rules do not allow this',
    explanation:
      'The route has rules, and the first that fits the caller and the operation denies it, or none allows it. No further scope would help.',
    fix: 'run `breakwater check --explain-access USER TOOL` to see which rule decides',
    status: 403,
    rpcCode: -31403,
    exit: 3,
  },
  E_RATE_LIMITED: {
    title: 'too many requests',
    explanation:
      'A limit on requests or on how many run at the same time is reached, for this caller, client, address, route or tool. Each message of a batch counts, so one with more messages than the limit lets in never fits.',
    fix: 'wait as long as Retry-After says, or raise the limit',
    status: 429,
    rpcCode: -31429,
  },
  E_SESSION_UNKNOWN: {
    title: 'there is no such session',
    explanation:
      'The session has ended, it belongs to another caller, or the server that had it is not configured any more. MCP clients begin a new one on this answer (Streamable HTTP, Session Management).',
    fix: 'begin a new session',
    status: 404,
    rpcCode: -32001,
  },
  E_SESSIONS_FULL: {
    title: 'there is no room for another session',
    explanation:
      'The gateway holds as many sessions as `sessions.live` allows, and all of them have a call or a stream open. Sessions that are not in use make room by themselves.',
    fix: 'try again as Retry-After says, or raise `sessions.live`',
    status: 503,
    rpcCode: -31503,
  },
  E_UPSTREAM_CREDENTIALS: {
    title: 'the gateway has no credentials for the MCP server',
    explanation:
      "The route's `credentials` ask for a token from another token endpoint (RFC 8693). That endpoint does not answer, refuses, or the caller has no token that could be exchanged. The request was not delivered.",
    fix: "look at the gateway's log for the reason, and check the route's `credentials`",
    status: 502,
    rpcCode: -31502,
  },
  E_STATE_VERSION: {
    title: 'the state store was written by a newer Breakwater',
    explanation:
      'The file `breakwater.db` in the state directory, or what is in the Redis that `state.redis` names, has a form that this version does not know. It was left untouched.',
    fix: 'run the newer version, or name another directory with `--state-dir`',
    exit: 2,
  },
  E_STATE_DAMAGED: {
    title: 'the state store cannot be read',
    explanation:
      'The file `breakwater.db` in the state directory is not a database of Breakwater, or a part of it is damaged. It was left untouched.',
    fix: 'restore `breakwater.db` from a backup; or move it away, together with `breakwater.db-wal`: keys, accounts and logins are then made anew',
    exit: 2,
  },
  E_STATE_UNREACHABLE: {
    title: 'the shared state store cannot be used',
    explanation:
      'The Redis or Valkey server that `state.redis` names cannot be reached, does not answer in time, or does not take what it is told; the message says which. A running gateway connects again by itself: until then the API keys that it knows count on, and logins have to wait.',
    fix: 'start Redis, or correct `state.redis`',
    exit: 4,
  },
  E_NAME_UNKNOWN: {
    title: 'there is no API key or account of this name',
    explanation: 'The state directory holds none of this name; perhaps it is in another state directory.',
    fix: 'run `breakwater keys list` or `breakwater users list`, with the `--state-dir` of the gateway',
    exit: 2,
  },
  E_NAME_TAKEN: {
    title: 'the name of an API key or account is taken',
    explanation: 'Names tell callers apart in rules, limits and logs, so each is given once.',
    fix: 'choose another name, or remove the old one first',
    exit: 2,
  },
};
