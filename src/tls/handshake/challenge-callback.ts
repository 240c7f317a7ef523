import { TLSSocket, type SecureContext, type TlsOptions } from 'node:tls';
import { runsOnBun } from '../../lib/transport.ts';
import { applicationProtocols } from './policy.ts';

/** The protocol of a validator of a certificate authority, which offers no other (RFC 8737 section 3). */
export const CHALLENGE_PROTOCOL = 'acme-tls/1';

/**
 * Whether a socket can be given a certificate once its protocol is known. Bun has the call for it, but it does nothing there; the
 * validator could not be told from clients, so `tls-alpn-01` is not offered.
 */
export const canServeChallenges: boolean = !runsOnBun;

/** Certificates that answer a validator, by the server name it sends; `undefined` where nothing is to be proved. */
export interface ChallengeCertificates {
  contextFor(serverName: string): SecureContext | undefined;
}

export interface ProtocolChoice {
  readonly http2: boolean;
  readonly challenges: ChallengeCertificates;
  /** Told of each socket that has a validator at its other end. */
  readonly onValidator: (socket: TLSSocket, context: SecureContext) => void;
}

/**
 * Node's ALPNCallback: our order of protocols for clients, and for a validator the certificate that it came for. Clients never
 * see that one: they do not offer the validator's protocol. A callback that throws would take the process with it (CVE-2026-21637).
 */
export function createProtocolCallback(choice: ProtocolChoice): NonNullable<TlsOptions['ALPNCallback']> {
  const served = applicationProtocols({ http2: choice.http2 });
  return function onProtocols(this: unknown, { servername, protocols }): string | undefined {
    if (protocols.length !== 1 || protocols[0] !== CHALLENGE_PROTOCOL) {
      return served.find((protocol) => protocols.includes(protocol));
    }
    try {
      const context = choice.challenges.contextFor(servername.toLowerCase());
      if (context === undefined || !(this instanceof TLSSocket)) return undefined;
      this.setKeyCert(context);
      choice.onValidator(this, context);
      return CHALLENGE_PROTOCOL;
    } catch {
      // No answer is the answer: the handshake ends with `no_application_protocol`.
      return undefined;
    }
  };
}
