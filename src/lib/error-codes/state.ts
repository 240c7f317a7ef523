import type { ErrorEntry } from '../error-entry.ts';

export type StateErrorCode =
  | 'E_STATE_UNWRITABLE'
  | 'E_STATE_VERSION'
  | 'E_STATE_DAMAGED'
  | 'E_STATE_UNREACHABLE'
  | 'E_NAME_UNKNOWN'
  | 'E_NAME_TAKEN';

/** `E_STATE_` and `E_NAME_`: the state directory or shared store, and the names of keys and accounts in it. */
export const stateErrorCodes: { readonly [code in StateErrorCode]: ErrorEntry } = {
  E_STATE_UNWRITABLE: {
    title: 'the state directory cannot be used',
    explanation:
      'Breakwater keeps keys and certificates in its state directory. It could not be created, read or written: a wrong owner, a read-only file system or a full disk.',
    fix: 'give the user that runs Breakwater the directory, or name another one with `--state-dir`',
    exit: 2,
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
