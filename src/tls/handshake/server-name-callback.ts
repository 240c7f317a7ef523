import type { SecureContext, TlsOptions } from 'node:tls';
import { findTransport } from '../../lib/transport.ts';

/** Which certificate answers a server name: the server's own, another one, or none. */
export type NameDecision =
  | { readonly kind: 'default' }
  | { readonly kind: 'context'; readonly context: SecureContext }
  | { readonly kind: 'refuse' }
  /** The certificate is being obtained; never leads to another wait. */
  | { readonly kind: 'wait'; readonly until: Promise<NameDecision> };

/** A fatal `unrecognized_name` alert as a whole plaintext record (RFC 8446 sections 5.1 and 6.2). */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * Turns a decision into Node's SNICallback. Whatever `decide` does, exactly one handshake ends:
 * a callback that throws took the process or the descriptor with it (CVE-2026-21637).
 */
export function createServerNameCallback(
  decide: (servername: string, socket: unknown) => NameDecision,
): NonNullable<TlsOptions['SNICallback']> {
  return function onServerName(this: unknown, servername, done): void {
    const fail = (cause: unknown): void => done(new Error('choosing a certificate failed', { cause }));
    const answer = (decision: NameDecision): void => {
      switch (decision.kind) {
        case 'default':
          done(null);
          break;
        case 'context':
          done(null, decision.context);
          break;
        case 'refuse':
          sendAlert(this, () => done(new Error('the server name is not served here')));
          break;
        case 'wait':
          void decision.until.then(answer, fail);
          break;
      }
    };
    let decision: NameDecision;
    try {
      decision = decide(servername, this);
    } catch (cause) {
      fail(cause);
      return;
    }
    answer(decision);
  };
}

/**
 * Tells the client why (RFC 6066 section 3), which Node has no call for. The server has not answered yet, so the alert is due
 * in the clear and can be written below TLS. Where the transport is out of reach the connection just ends.
 */
function sendAlert(socket: unknown, done: () => void): void {
  const transport = findTransport(socket);
  if (transport?.writable === true) transport.write(unrecognizedName, () => done());
  else done();
}
