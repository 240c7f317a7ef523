import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { createKeyPair, createSerialNumber } from '../local-ca/local-ca.ts';
import { toKeyAuthorizationDigest } from './authorization.ts';
import type { ChallengeBoard } from './challenge-board.ts';
import type { ChallengeSolver, PresentedChallenge } from './challenge.ts';
import { toReverseName } from './reverse-name.ts';

/** Holds the challenge certificates of `tls-alpn-01` for the TLS listener (RFC 8737). */
export interface TlsAlpnSolver extends ChallengeSolver {
  readonly type: 'tls-alpn-01';
  /**
   * The context for a connection that asks for `acme-tls/1` alone; undefined for a name that is not being verified. The name is
   * the one of the handshake, lower case; for an address its reverse name (RFC 8738 section 6).
   */
  contextFor(serverName: string): SecureContext | undefined;
}

const hour = 3_600_000;

export function createTlsAlpnSolver(clock: Clock, board: ChallengeBoard): TlsAlpnSolver {
  const contexts = new Map<string, { readonly token: string; readonly context: SecureContext }>();
  return {
    type: 'tls-alpn-01',
    async present(challenge, signal) {
      const pair = await buildPair(challenge, clock.now());
      signal.throwIfAborted();
      const serverName = toServerName(challenge.name);
      contexts.set(serverName, { token: challenge.token, context: createSecureContext(pair) });
      await board.put(toTopic(serverName), JSON.stringify(pair));
    },
    remove({ name, token }) {
      const serverName = toServerName(name);
      if (contexts.get(serverName)?.token !== token) return Promise.resolve();
      contexts.delete(serverName);
      return board.remove(toTopic(serverName));
    },
    contextFor: (serverName) =>
      contexts.get(serverName)?.context ?? toContext(board.read(toTopic(serverName))),
  };
}

function toTopic(serverName: string): string {
  return `tls-alpn-01 ${serverName}`;
}

function toContext(text: string | undefined): SecureContext | undefined {
  // Another process of this program has written it.
  return text === undefined ? undefined : createSecureContext(JSON.parse(text) as ChallengePair);
}

/** PEM. */
interface ChallengePair {
  readonly cert: string;
  readonly key: string;
}

function toServerName(name: string): string {
  return isIP(name) === 0 ? name : toReverseName(name);
}

/** Self-signed, for exactly one name, with the digest in a critical extension (RFC 8737 section 3). */
async function buildPair(
  { name, keyAuthorization }: PresentedChallenge,
  now: number,
): Promise<ChallengePair> {
  const { buildCertificate } = await import('../x509/x509-builder.ts');
  const { publicKey, privateKey } = await createKeyPair();
  const subject = { commonName: 'ACME challenge' };
  const cert = await buildCertificate({
    serialNumber: createSerialNumber(),
    issuer: subject,
    subject,
    notBefore: now - hour,
    notAfter: now + 24 * hour,
    publicKey,
    signingKey: privateKey,
    basicConstraints: { ca: false },
    subjectAlternativeName: [name],
    acmeIdentifier: toKeyAuthorizationDigest(keyAuthorization),
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert, key };
}
