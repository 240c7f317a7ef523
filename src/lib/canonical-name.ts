import { isIP } from 'node:net';

/** One spelling for each name: lower case, no trailing dot, IPv6 addresses in their shortest form. A zone stays as it is. */
export function toCanonicalName(name: string): string {
  return isIP(name) === 6 && !name.includes('%')
    ? new URL(`http://[${name}]/`).hostname.slice(1, -1)
    : name.toLowerCase().replace(/\.$/, '');
}
