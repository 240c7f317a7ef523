import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Passphrase } from './passphrase.ts';
import {
  isCertificateBlock,
  isEncryptedBlock,
  isKeyBlock,
  isTruncated,
  parsePem,
  type PemBlock,
} from './pem.ts';
import type { NamedText } from './text-file.ts';
import type { TlsMaterial } from '../tls-material.ts';

/** Reads every certificate of a PEM text, in its order. */
export function parseCertificates(source: NamedText): Result<readonly X509Certificate[], Diagnostic> {
  const blocks = parsePem(source.text);
  const certificates: X509Certificate[] = [];
  for (const block of blocks.filter(isCertificateBlock)) {
    const certificate = attempt(() => new X509Certificate(block.text));
    if (certificate === undefined) {
      return malformed(source, `certificate ${certificates.length + 1} is damaged`);
    }
    certificates.push(certificate);
  }
  if (certificates.length > 0) {
    // A file that is still being written: without the rest of its chain most clients would refuse it.
    return isTruncated(source.text)
      ? malformed(source, 'the certificate file ends in the middle of a certificate')
      : ok(certificates);
  }
  return blocks.some(isKeyBlock)
    ? malformed(source, 'the certificate file holds a private key and no certificate', {
        fix: 'the two files are probably swapped: give the certificate to `--cert` and the key to `--key`',
      })
    : malformed(source, `the certificate file holds no PEM certificate${describeBinary(source)}`, {
        fix: 'convert it: `openssl x509 -inform der -in FILE -out cert.pem`, or give another file',
      });
}

/**
 * Reads the first private key of a PEM text: PKCS#8, SEC1 (`EC`) or PKCS#1 (`RSA`), encrypted or not. A passphrase for a key that
 * is not encrypted is not used.
 */
export function parsePrivateKey(
  source: NamedText,
  passphrase: Passphrase | undefined,
): Result<KeyObject, Diagnostic> {
  const blocks = parsePem(source.text);
  const block = blocks.find(isKeyBlock);
  if (block === undefined) {
    return blocks.some(isCertificateBlock)
      ? malformed(source, 'the key file holds a certificate and no private key', {
          fix: 'the two files are probably swapped: give the certificate to `--cert` and the key to `--key`',
        })
      : malformed(source, `the key file holds no PEM private key${describeBinary(source)}`);
  }
  if (isEncryptedBlock(block)) return decryptPrivateKey(source, block, passphrase);
  if (block.label === 'OPENSSH PRIVATE KEY') {
    return malformed(source, 'the key file holds an SSH key, which TLS cannot use');
  }
  const key = attempt(() => createPrivateKey(block.text));
  return key === undefined ? malformed(source, 'the private key is damaged') : ok(key);
}

function decryptPrivateKey(
  source: NamedText,
  block: PemBlock,
  passphrase: Passphrase | undefined,
): Result<KeyObject, Diagnostic> {
  if (passphrase === undefined) {
    return fail({
      severity: 'error',
      code: 'E_TLS_KEY_ENCRYPTED',
      message: 'the private key is protected by a passphrase',
      file: source.file,
    });
  }
  try {
    return ok(createPrivateKey({ key: block.text, passphrase: passphrase.text }));
  } catch (error) {
    // BoringSSL knows fewer ways to encrypt a key (no scrypt) and says so.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('ERR_OSSL_UNSUPPORTED_')) {
      return malformed(source, 'the private key is encrypted in a way that this program does not know', {
        fix: 'encrypt it in the usual way: `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out key.pem`',
      });
    }
    // A wrong passphrase yields noise, which can fail at any later step too: nothing tells it from a damaged key.
    return fail({
      severity: 'error',
      code: 'E_TLS_PASSPHRASE',
      message: `the passphrase in ${passphrase.origin} does not open the private key`,
      file: source.file,
    });
  }
}

/** What only the TLS engine itself can tell, such as a key that is too short for it. */
export function checkWithEngine(material: TlsMaterial, file: string): Result<undefined, Diagnostic> {
  try {
    createSecureContext({ cert: material.chain, key: material.key });
    return ok(undefined);
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? String(error.reason) : 'no reason given';
    return malformed({ file, text: '' }, `the TLS engine refuses the certificate: ${reason}`);
  }
}

function malformed(
  source: NamedText,
  message: string,
  more: { readonly fix?: string } = {},
): { readonly ok: false; readonly error: Diagnostic } {
  return fail({ severity: 'error', code: 'E_TLS_MALFORMED', message, file: source.file, ...more });
}

/** DER and PKCS#12 files begin with an ASN.1 SEQUENCE, as no text file does. */
function describeBinary(source: NamedText): string {
  if (source.text.trim() === '') return ': it is empty';
  return source.text.startsWith('0\uFFFD') ? ': it looks like DER or PKCS#12, which is binary' : '';
}

/** OpenSSL's parsers say no by throwing, in words that help nobody. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
