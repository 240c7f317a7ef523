import { isIP } from 'node:net';

/** `127.0.0.1:8000`, `localhost`, `[::1]:80` and sockets of this machine. */
export function isLocalHost(authority: string): boolean {
  const host = hostOf(authority);
  return authority.startsWith('unix:') || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/**
 * Whether an upstream is likely to be reached over networks of others: a public address, or a name with dots that no private network
 * uses. Names without a dot are those of containers and of `/etc/hosts`.
 */
export function isPublicHost(authority: string): boolean {
  if (isLocalHost(authority)) return false;
  const host = hostOf(authority);
  if (isIP(host) === 4) {
    return !/^(?:0\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      host,
    );
  }
  if (isIP(host) === 6) return !/^(?:f[cd]|fe[89ab])/i.test(host);
  return (
    host.includes('.') &&
    !host.includes('$') &&
    !/\.(?:local|internal|lan|localhost|svc|cluster\.local)$/i.test(host)
  );
}

/** Without port and brackets. */
export function hostOf(authority: string): string {
  const [, bracketed] = /^\[([^\]]*)\]/.exec(authority) ?? [];
  return bracketed ?? authority.replace(/:\d*$/, '');
}

/** Whether a file is, by its name, a certificate that was made to try things out. */
export function isSelfSigned(file: string): boolean {
  return /snakeoil|self-?signed|selfsigned|localhost\.(?:crt|pem)|dummy/i.test(file);
}
