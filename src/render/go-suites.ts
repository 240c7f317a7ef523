import { tls12Suites } from '../tls/handshake/policy.ts';

/** The suites of TLS 1.2 by their names in the registry of IANA, which is how Go's programs want them: Caddy and Traefik. */
export const goSuites: readonly string[] = tls12Suites.map(toIanaName);

/** `ECDHE-RSA-AES128-GCM-SHA256`, as OpenSSL says, is `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`. */
function toIanaName(name: string): string {
  const [exchange = '', signature = '', ...cipher] = name.split('-');
  // OpenSSL leaves the hash out where there is only one.
  const rest = cipher
    .join('_')
    .replace(/^AES(\d+)/, 'AES_$1')
    .replace(/POLY1305$/, 'POLY1305_SHA256');
  return `TLS_${exchange}_${signature}_WITH_${rest}`;
}
