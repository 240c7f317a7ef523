import type { Result } from '../../lib/result.ts';
import type { Profile } from './admission.ts';

/** A login at somebody else's: the way there, and what came back. */
export interface UpstreamLogin {
  /** For the button. */
  readonly label: string;
  /** The address to send the browser to; an error text for the log when the provider cannot be asked. */
  start(checks: UpstreamChecks): Promise<Result<URL, string>>;
  /** Redeems the answer at `current`, the whole address that the browser came back to. */
  finish(current: URL, checks: UpstreamChecks): Promise<Result<Profile, string>>;
}

/** Made afresh for each login and good for one answer. */
export interface UpstreamChecks {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
}
