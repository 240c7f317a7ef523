/** Sessions of the legacy era. */
export interface SessionsConfig {
  /** Whether lost sessions begin again, and those without a client are ended. */
  readonly revival: boolean;
  /** Milliseconds. */
  readonly idleTimeout: number;
  /** Most sessions of a process. */
  readonly live: number;
  /** Most sessions of which something is remembered. */
  readonly noted: number;
}
