import { isLoopback } from '../config/listeners.ts';

/**
 * The name by which an upstream's certificate is checked. Engines compare names, and no addresses; the certificates of the local
 * authority have both.
 */
export function toCertificateName(host: string): string {
  return isLoopback(host) ? 'localhost' : host;
}
