import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { getCACertificates, rootCertificates } from 'node:tls';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { writeFileAtomically } from '../../state/directory.ts';
import { parsePem } from '../files/pem.ts';
import { findLinuxBundle } from './linux-store.ts';
import type { OwnAuthority } from './own-authority.ts';
import { readTrustedFile } from './read-trusted-file.ts';
import type { TrustPlatform } from './trust-platform.ts';

const fileName = 'bundle.pem';

/**
 * The file for programs whose variable replaces their list instead of adding to it: all public roots, those of this system,
 * and the local authority. Without the others such a program could reach nothing else.
 */
export function toBundleFile(authority: Pick<OwnAuthority, 'file'>): string {
  return join(dirname(authority.file), fileName);
}

/** What the bundle has to hold now, as PEM. Throws a GatewayError E_TRUST_STORE when the system's list cannot be read. */
export async function buildClientBundle(authority: OwnAuthority, platform: TrustPlatform): Promise<string> {
  const texts = [authority.pem, ...rootCertificates, ...(await readSystemRoots(platform))];
  const blocks = new Map<string, string>();
  for (const text of texts) {
    for (const block of parsePem(text)) {
      if (block.label === 'CERTIFICATE') blocks.set(block.text.replaceAll(/\s/g, ''), block.text);
    }
  }
  return [...blocks.values()].join('');
}

/** True when the file is there and holds just this. */
export async function isBundleCurrent(authority: OwnAuthority, data: string): Promise<boolean> {
  return (await readTrustedFile(toBundleFile(authority))) === data;
}

/** Writes the bundle as a whole. Throws a GatewayError E_STATE_UNWRITABLE. */
export async function writeClientBundle(authority: OwnAuthority, data: string): Promise<void> {
  await writeFileAtomically(dirname(authority.file), { name: fileName, data, mode: 0o644 });
}

/** Throws a GatewayError E_STATE_UNWRITABLE. */
export async function removeClientBundle(authority: OwnAuthority): Promise<void> {
  const path = toBundleFile(authority);
  try {
    await rm(path, { force: true });
  } catch (cause) {
    const message = `cannot remove \`${path}\`: ${explainFileError(cause)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause });
  }
}

/** True when the bundle is there at all, which it is while it was asked for. */
export async function hasClientBundle(authority: Pick<OwnAuthority, 'file'>): Promise<boolean> {
  return (await readTrustedFile(toBundleFile(authority))) !== undefined;
}

/**
 * On Linux the list is read from its own file: Node's way to it follows `SSL_CERT_FILE`, which may name our bundle, and roots
 * that the system gave up would then stay for ever.
 */
async function readSystemRoots(platform: TrustPlatform): Promise<readonly string[]> {
  if (platform.os !== 'linux') return getCACertificates('system');
  const path = await findLinuxBundle(platform.root);
  const text = path === undefined ? undefined : await readTrustedFile(path);
  return text === undefined ? [] : [text];
}
