// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the X.509 library asks for when it loads
import '@abraham/reflection';
import { createPublicKey, webcrypto, type KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { toNamesKey } from './ledger.ts';
import type { Problem } from './problem.ts';

/** Object identifier of the extension subjectAltName. */
const subjectAltName = '2.5.29.17';

/** The public key of a signing request (RFC 2986, base64url of DER) for exactly the names of the order. */
export async function readSigningRequest(
  text: string,
  names: readonly string[],
): Promise<Result<KeyObject, Problem>> {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return fail(badRequest('not base64url without padding'));
  const request = parse(text);
  if (request === undefined) return fail(badRequest('not a PKCS #10 request in DER'));
  if (!(await request.verify(webcrypto))) return fail(badRequest('its signature does not hold'));
  const requested = listNames(request);
  if (requested === undefined) return fail(badRequest('it names something else than domains and addresses'));
  if (toNamesKey(requested) !== toNamesKey(names)) {
    return fail(badRequest(`it is for ${requested.join(' ')}, the order for ${names.join(' ')}`));
  }
  const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  return isStrong(key) ? ok(key) : fail({ type: 'badPublicKey', status: 400, detail: 'weak or unusual key' });
}

function parse(text: string): Pkcs10CertificateRequest | undefined {
  try {
    return new Pkcs10CertificateRequest(Buffer.from(text, 'base64url'));
  } catch {
    return undefined;
  }
}

/** Names of the subject and its alternatives, each once. */
function listNames(request: Pkcs10CertificateRequest): string[] | undefined {
  const extension = request.getExtension(subjectAltName);
  const alternatives = extension instanceof SubjectAlternativeNameExtension ? extension.names.items : [];
  if (alternatives.some(({ type }) => type !== 'dns' && type !== 'ip')) return undefined;
  const common = request.subjectName.getField('CN');
  const names = [
    ...common,
    ...alternatives.map(({ type, value }) => (type === 'ip' ? toCanonicalAddress(value) : value)),
  ];
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** An address in the one spelling of RFC 5952. */
export function toCanonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  return URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address;
}

function isStrong(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return [2048, 3072, 4096].includes(modulusLength ?? 0);
  return key.asymmetricKeyType === 'ec' && ['prime256v1', 'secp384r1'].includes(namedCurve ?? '');
}

function badRequest(detail: string): Problem {
  return { type: 'badCSR', status: 400, detail: `the signing request is refused: ${detail}` };
}
