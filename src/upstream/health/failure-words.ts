/** What the error of a socket means for whoever runs the server; the words go on after its name. */
export function toFailureWords({ code }: NodeJS.ErrnoException): string {
  if (code === undefined) return 'cannot be reached';
  return words[code] ?? `cannot be reached (${code})`;
}

const untrusted = 'shows a certificate of an authority that this machine does not trust';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'resets the connection',
  EPIPE: 'resets the connection',
  ETIMEDOUT: 'takes no connection',
  EHOSTUNREACH: 'has an address that no route leads to',
  ENETUNREACH: 'has an address that no route leads to',
  ENOTFOUND: 'has a name that is not known',
  EAI_AGAIN: 'has a name that cannot be resolved just now',
  ENOENT: 'has a socket that does not exist',
  EACCES: 'has a socket that may not be opened',
  EMFILE: 'cannot be asked: this process has no file left to open',
  CERT_HAS_EXPIRED: 'shows a certificate that has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'shows a certificate for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS',
};
