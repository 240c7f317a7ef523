import { createHash, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createTlsAlpnSolver, type TlsAlpnSolver } from '../../../src/tls/acme/tls-alpn-solver.ts';
import { CHALLENGE_PROTOCOL } from '../../../src/tls/handshake/challenge-callback.ts';
import { toFacts } from '../../../src/tls/tls-material.ts';
import { createMemoryBoard } from '../../support/memory-board.ts';

const never = new AbortController().signal;
const keyAuthorization = 'token.thumbprint';

function toChallenge(name: string, token = 'token'): Parameters<TlsAlpnSolver['present']>[0] {
  return { type: 'tls-alpn-01', name, token, keyAuthorization };
}

/** The certificate that a validator is shown. */
async function fetchCertificate(solver: TlsAlpnSolver, servername: string): Promise<X509Certificate> {
  const server = createServer({
    ALPNProtocols: [CHALLENGE_PROTOCOL],
    SNICallback: (name, done) => done(null, solver.contextFor(name)),
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    ALPNProtocols: [CHALLENGE_PROTOCOL],
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw new Error('the server showed no certificate');
    return certificate;
  } finally {
    socket.destroy();
    server.close();
  }
}

it('shows a self-signed certificate for the name alone, with the digest in a critical extension', async () => {
  const solver = createTlsAlpnSolver(systemClock, createMemoryBoard());
  await solver.present(toChallenge('mcp.example.com'), never);
  const certificate = await fetchCertificate(solver, 'mcp.example.com');
  expect(toFacts(certificate).names).toEqual(['mcp.example.com']);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  const digest = createHash('sha256').update(keyAuthorization).digest('hex');
  // Extension: OID 1.3.6.1.5.5.7.1.31, TRUE, an OCTET STRING that holds an OCTET STRING of 32 bytes.
  expect(certificate.raw.toString('hex')).toContain(`06082b0601050507011f0101ff04220420${digest}`);
});

it('names an address in the certificate and is asked for by the reverse name (RFC 8738)', async () => {
  const solver = createTlsAlpnSolver(systemClock, createMemoryBoard());
  await solver.present(toChallenge('192.0.2.1'), never);
  const certificate = await fetchCertificate(solver, '1.2.0.192.in-addr.arpa');
  expect(certificate.subjectAltName).toBe('IP Address:192.0.2.1');
  expect(solver.contextFor('192.0.2.1')).toBeUndefined();
});

it('has nothing for other names, and nothing any more when the challenge is over', async () => {
  const solver = createTlsAlpnSolver(systemClock, createMemoryBoard());
  await solver.present(toChallenge('mcp.example.com'), never);
  expect(solver.contextFor('www.example.com')).toBeUndefined();
  await solver.remove(toChallenge('mcp.example.com', 'older'));
  expect(solver.contextFor('mcp.example.com'), 'the end of another challenge').toBeDefined();
  await solver.remove(toChallenge('mcp.example.com'));
  expect(solver.contextFor('mcp.example.com')).toBeUndefined();
});
