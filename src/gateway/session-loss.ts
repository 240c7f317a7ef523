/** Why the server of a session is of no use to it any more. */
export type SessionLoss =
  /** It is not in the configuration. */
  | 'removed'
  /** No connection could be made, twice. */
  | 'unreachable'
  /** It answered with 404: it has forgotten the session, or never heard of it. */
  | 'forgotten';
