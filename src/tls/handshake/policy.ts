import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** Which of Mozilla's recommendations is followed: `modern` is TLS 1.3 alone. */
export type TlsPolicy = 'intermediate' | 'modern';

const modernSuites: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** Suites of TLS 1.2 with forward secrecy and AEAD only, for EC and RSA certificates, by their names in OpenSSL. */
export const tls12Suites: readonly string[] = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/**
 * Mozilla Server Side TLS 6.0 (2026-04-06). Node's own defaults would also accept CBC suites (Lucky 13),
 * and without `SSL_OP_NO_RENEGOTIATION` a TLS 1.2 client may make the server repeat the costly half of a handshake (CVE-2011-1473).
 */
const intermediate: Readonly<SecureContextOptions> = Object.freeze({
  minVersion: 'TLSv1.2',
  ciphers: [...modernSuites, ...tls12Suites].join(':'),
  ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1',
  honorCipherOrder: false,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
});

const modern: Readonly<SecureContextOptions> = Object.freeze({
  ...intermediate,
  minVersion: 'TLSv1.3',
  ciphers: modernSuites.join(':'),
});

/** Settings that every context of a server carries: OpenSSL takes them from the one that a server name chose. */
export function policyOf(policy: TlsPolicy): Readonly<SecureContextOptions> {
  switch (policy) {
    case 'intermediate':
      return intermediate;
    case 'modern':
      return modern;
  }
}

/** What is offered by ALPN. A client that offers only other protocols is refused, so that no answer of ours can be taken for theirs (ALPACA). */
export function applicationProtocols(options: { readonly http2: boolean }): string[] {
  return options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
}
