import { buildOwnPrincipal, type Principal } from '../principal.ts';

/** What is known of a key besides its digest. */
export interface KeyFacts {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Wall-clock milliseconds; `undefined` when it does not end. */
  readonly expiresAt: number | undefined;
}

/** The holder of an API key. */
export function toKeyPrincipal({ name, scopes, expiresAt }: KeyFacts): Principal {
  return buildOwnPrincipal({ method: 'key', name, scopes, expiresAt });
}
