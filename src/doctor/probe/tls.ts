import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import type { CertificateFact, Handshake, Target, TlsFacts } from '../facts.ts';
import { toCertificateFact } from './certificate-fact.ts';
import type { Roots } from './roots.ts';

export interface GatherTlsOptions {
  readonly deadline: number;
  /** Roots that are believed; `undefined`: those of the runtime. */
  readonly roots: Roots | undefined;
}

/** Suites of TLS 1.2 that no one should take any more: without forward secrecy, CBC, 3DES, RC4, or without a key exchange (RFC 9325). */
const weakSuites =
  'AES128-SHA:AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:DES-CBC3-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-DES-CBC3-SHA:RC4-SHA:NULL-SHA:aNULL:@SECLEVEL=0';
/** Old protocols need hashes that the default level of OpenSSL refuses. */
const anySuite = 'ALL:@SECLEVEL=0';
const mostCertificates = 8;

/** Makes one handshake for each question, all at the same time. Never rejects. */
export async function gatherTls(
  target: Target,
  address: string,
  options: GatherTlsOptions,
): Promise<TlsFacts> {
  const servername = isIP(target.host) === 0 ? target.host : '';
  const shake = (changes: ConnectionOptions = {}): Promise<Shaken> =>
    shakeHands(
      { host: address, port: target.port, servername, rejectUnauthorized: false, ...changes },
      options.deadline,
    );
  const only = (protocol: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<Shaken> =>
    shake({
      minVersion: protocol,
      maxVersion: protocol,
      ...(protocol < 'TLSv1.2' ? { ciphers: anySuite } : {}),
    });
  const modern = { ALPNProtocols: ['h2', 'http/1.1'], minVersion: 'TLSv1.2' } as const;

  const [usual, sent, v10, v11, v12, v13, hybrid, weak, http1] = await Promise.all([
    shake({
      ...modern,
      ...options.roots,
      // Names are compared with the address that was asked for, which for addresses is no server name.
      checkServerIdentity: (_name, certificate) => checkIdentity(target.host, certificate),
    }),
    // Without any roots the chain is what was sent, and not what this machine could complete.
    shake({ ...modern, ca: [] }),
    only('TLSv1'),
    only('TLSv1.1'),
    only('TLSv1.2'),
    only('TLSv1.3'),
    shake({ ...modern, minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' }),
    shake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: weakSuites }),
    shake({ ...modern, ALPNProtocols: ['http/1.1'] }),
  ]);
  return {
    usual: usual.handshake,
    ...(usual.untrusted === undefined ? {} : { untrusted: usual.untrusted }),
    protocols: {
      TLSv1: v10.handshake,
      'TLSv1.1': v11.handshake,
      'TLSv1.2': v12.handshake,
      'TLSv1.3': v13.handshake,
    },
    hybrid: hybrid.handshake,
    weak: weak.handshake,
    http1: http1.handshake,
    chain: sent.chain.length > 0 ? sent.chain : v12.chain.length > 0 ? v12.chain : v10.chain,
  };
}

interface Shaken {
  readonly handshake: Handshake;
  readonly untrusted: string | undefined;
  readonly chain: readonly CertificateFact[];
}

function shakeHands(options: ConnectionOptions, deadline: number): Promise<Shaken> {
  const { promise, resolve } = Promise.withResolvers<Shaken>();
  const started = performance.now();
  const took = (): number => Math.round((performance.now() - started) * 10) / 10;
  const fail = (outcome: 'refused' | 'timeout' | 'garbage' | 'unsupported', code: string): void =>
    resolve({ handshake: { outcome, code, took: took() }, untrusted: undefined, chain: [] });
  let socket: TLSSocket;
  try {
    socket = connect(options);
  } catch (error) {
    // This OpenSSL does not know the suite, the group or the protocol.
    fail('unsupported', error instanceof Error && 'code' in error ? String(error.code) : 'ERR_TLS');
    return promise;
  }
  const timer = setTimeout(() => {
    fail('timeout', 'ETIMEDOUT');
    socket.destroy();
  }, deadline);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    const code = error.code ?? error.name;
    fail(toOutcome(code), code);
    socket.destroy();
  });
  socket.once('close', () => {
    clearTimeout(timer);
    fail('refused', 'ECONNRESET');
  });
  socket.once('secureConnect', () => {
    clearTimeout(timer);
    const { authorizationError } = socket;
    resolve({
      handshake: toHandshake(socket, took()),
      untrusted: toUntrusted(authorizationError),
      chain: readChain(socket),
    });
    socket.destroy();
  });
  return promise;
}

function toOutcome(code: string): 'refused' | 'garbage' | 'unsupported' {
  if (
    /NO_PROTOCOLS_AVAILABLE|NO_CIPHERS_AVAILABLE|UNSUPPORTED_PROTOCOL$|INVALID_PROTOCOL|NO_CIPHER_MATCH|UNKNOWN_GROUP/.test(
      code,
    )
  ) {
    return code === 'ERR_SSL_UNSUPPORTED_PROTOCOL' ? 'refused' : 'unsupported';
  }
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNEXPECTED_MESSAGE|RECORD|BAD_LENGTH/.test(code)
    ? 'garbage'
    : 'refused';
}

function toHandshake(socket: TLSSocket, took: number): Handshake {
  const key = socket.getEphemeralKeyInfo();
  const group = key !== null && 'name' in key && typeof key.name === 'string' ? key.name : undefined;
  return {
    outcome: 'agreed',
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    ...(group === undefined || group === '' ? {} : { group }),
    took,
  };
}

/** Node declares an Error, and gives the code alone. */
function toUntrusted(error: Error | string | null | undefined): string | undefined {
  if (error === null || error === undefined) return undefined;
  if (typeof error === 'string') return error;
  return 'code' in error ? String(error.code) : error.message;
}

function checkIdentity(host: string, certificate: { readonly raw?: Buffer }): Error | undefined {
  if (certificate.raw === undefined) return undefined;
  const leaf = new X509Certificate(certificate.raw);
  const matches = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
  return matches === undefined
    ? Object.assign(new Error('another name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    : undefined;
}

function readChain(socket: TLSSocket): readonly CertificateFact[] {
  const chain: CertificateFact[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  while (
    certificate?.raw !== undefined &&
    chain.length < mostCertificates &&
    !seen.has(certificate.fingerprint256)
  ) {
    seen.add(certificate.fingerprint256);
    chain.push(toCertificateFact(new X509Certificate(certificate.raw)));
    certificate = certificate.issuerCertificate;
  }
  return chain;
}
