import { isLoopbackHost } from '../lib/networks.ts';

/**
 * The name by which an upstream's certificate is checked. Engines compare names, and no addresses; the certificates of the local
 * authority have both.
 */
export function toCertificateName(host: string): string {
  return isLoopbackHost(host) ? 'localhost' : host;
}
