import { hash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../state/store/store.ts';

/** What a person allowed: this client, answering at this host, to use these scopes of this resource. */
export interface Consent {
  readonly subject: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scopes: readonly string[];
}

/**
 * Consents that need not be asked for again. For clients on a loopback address or a private-use scheme nothing is remembered: any
 * program on the machine could pose as them (RFC 8252 §8.6).
 */
export interface Consents {
  remember(consent: Consent): Promise<void>;
  covers(consent: Consent): Promise<boolean>;
}

const KIND = 'Consent';

export function createConsents(options: {
  readonly store: Store;
  readonly clock: Clock;
  /** How long a consent is remembered, in milliseconds. */
  readonly lifetime: number;
}): Consents {
  const { store, clock, lifetime } = options;

  async function load(consent: Consent): Promise<readonly string[]> {
    const record = await store.get(KIND, toId(consent));
    return (record?.['scopes'] as readonly string[] | undefined) ?? [];
  }

  return {
    async remember(consent) {
      if (!isMemorable(consent)) return;
      const { subject, clientId, resource } = consent;
      const scopes = [...new Set([...(await load(consent)), ...consent.scopes])];
      const record = { subject, clientId, resource, redirectHost: hostOf(consent), scopes };
      await store.put(KIND, toId(consent), record, { expiresAt: clock.now() + lifetime });
    },
    async covers(consent) {
      if (!isMemorable(consent)) return false;
      const scopes = await load(consent);
      return consent.scopes.length > 0 && consent.scopes.every((scope) => scopes.includes(scope));
    },
  };
}

function isMemorable({ redirectUri }: Consent): boolean {
  return redirectUri.startsWith('https://');
}

function hostOf({ redirectUri }: Consent): string {
  return URL.parse(redirectUri)?.host ?? redirectUri;
}

function toId(consent: Consent): string {
  const { subject, clientId, resource } = consent;
  return hash('sha256', JSON.stringify([subject, clientId, hostOf(consent), resource]), 'base64url');
}
