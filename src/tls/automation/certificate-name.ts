import { isIP } from 'node:net';
import { toCanonicalName } from '../../lib/canonical-name.ts';

/** A DNS name of at least two labels, letters, digits and hyphens only (RFC 5890 section 2.3.1), lower case. */
const hostName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** True for what a client may ask for and a public authority may sign: no address, no wildcard, no single label. */
export function isPublicHostName(name: string): boolean {
  return hostName.test(name);
}

/**
 * The folder of a certificate below `certificates/`; undefined when the name has characters that neither host names nor
 * addresses have, so that no name reaches outside (path traversal).
 */
export function toFolderName(name: string): string | undefined {
  const canonical = toCanonicalName(name);
  if (isIP(canonical) === 6 && !canonical.includes('%')) return canonical.replaceAll(':', '_');
  const bare = canonical.replace(/^\*\./, '_wildcard.');
  return /^[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_-]+)*$/.test(bare) && bare.length <= 255 ? bare : undefined;
}

/** The name that a folder is for; undefined when it is none of ours. */
export function fromFolderName(folder: string): string | undefined {
  const address = folder.replaceAll('_', ':');
  const name = isIP(address) === 6 ? address : folder.replace(/^_wildcard\./, '*.');
  return toFolderName(name) === folder ? name : undefined;
}
