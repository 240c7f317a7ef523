import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { checkWithEngine, parseCertificates, parsePrivateKey } from '../files/key-pair.ts';
import type { NamedText } from '../files/text-file.ts';
import { buildMaterial, type TlsMaterial } from '../tls-material.ts';

/**
 * Reads a key and its chain from one PEM text, as the vault keeps it and as authorities deliver it: leaf first. Fails unless
 * the key belongs to the leaf, the leaf covers `name`, and the TLS engine takes both. Validity in time is not looked at.
 */
export function parseStoredCertificate(source: NamedText, name: string): Result<TlsMaterial, Diagnostic> {
  const certificates = parseCertificates(source);
  if (!certificates.ok) return certificates;
  const key = parsePrivateKey(source, undefined);
  if (!key.ok) return key;
  const [leaf, ...intermediates] = certificates.value;
  if (leaf === undefined || !leaf.checkPrivateKey(key.value)) {
    return mismatch(source, 'the private key does not belong to the first certificate');
  }
  if (!isCovered(leaf, name)) return mismatch(source, `the certificate does not cover \`${name}\``);
  const pem = key.value.export({ type: 'pkcs8', format: 'pem' }).toString();
  const material = buildMaterial({ leaf, intermediates, key: pem });
  const checked = checkWithEngine(material, source.file);
  return checked.ok ? ok(material) : checked;
}

/** The text that `parseStoredCertificate` reads. */
export function toStoredText(material: { readonly key: string; readonly chain: string }): string {
  return `${material.key.trimEnd()}\n${material.chain.trimEnd()}\n`;
}

/** A wildcard is covered by itself alone; `checkHost` takes it for a strange host. */
function isCovered(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  if (name.startsWith('*.')) return (leaf.subjectAltName ?? '').split(', ').includes(`DNS:${name}`);
  return leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

function mismatch(source: NamedText, message: string): { readonly ok: false; readonly error: Diagnostic } {
  return fail({ severity: 'error', code: 'E_CERT_STATE', message, file: source.file });
}
