import type { X509Certificate } from 'node:crypto';

/** One element of DER (X.690 section 8.1): its tag and its content. */
interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

const contextConstructed3 = 0xa3;
const contextPrimitive0 = 0x80;
/** 2.5.29.35, authorityKeyIdentifier. */
const authorityKeyIdentifier = Buffer.from('551d23', 'hex');

/**
 * Names a certificate for renewal information and `replaces`: the identifier of its issuer's key and its serial number (RFC 9773
 * section 4.1). Undefined when the certificate does not say which key signed it.
 */
export function toCertificateId(certificate: X509Certificate): string | undefined {
  const keyIdentifier = findKeyIdentifier(certificate.raw);
  if (keyIdentifier === undefined) return undefined;
  return `${keyIdentifier.toString('base64url')}.${toSerialBytes(certificate.serialNumber).toString('base64url')}`;
}

/** As in DER, where a leading zero byte keeps a number positive. */
function toSerialBytes(hexadecimal: string): Buffer {
  const even = hexadecimal.length % 2 === 0 ? hexadecimal : `0${hexadecimal}`;
  const bytes = Buffer.from(even, 'hex');
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
}

/** Certificate → TBSCertificate → extensions [3] → authorityKeyIdentifier → keyIdentifier [0] (RFC 5280 sections 4.1 and 4.2.1.1). */
function findKeyIdentifier(certificate: Buffer): Buffer | undefined {
  const [tbs] = readElements(readElements(certificate)[0]?.content);
  const wrapper = readElements(tbs?.content).find(({ tag }) => tag === contextConstructed3);
  const [extensions] = readElements(wrapper?.content);
  for (const extension of readElements(extensions?.content)) {
    const fields = readElements(extension.content);
    if (fields[0]?.content.equals(authorityKeyIdentifier) !== true) continue;
    const [value] = readElements(fields.at(-1)?.content);
    return readElements(value?.content).find(({ tag }) => tag === contextPrimitive0)?.content;
  }
  return undefined;
}

/** The elements that stand one after the other; it ends at the first that is not whole. */
function readElements(bytes: Buffer | undefined): readonly Element[] {
  const elements: Element[] = [];
  let rest = bytes ?? Buffer.alloc(0);
  while (rest.length >= 2) {
    const tag = rest[0] ?? 0;
    const first = rest[1] ?? 0;
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 4 || rest.length < 2 + more) break;
    const length = more === 0 ? first : rest.readUIntBE(2, more);
    const end = 2 + more + length;
    if (rest.length < end) break;
    elements.push({ tag, content: rest.subarray(2 + more, end) });
    rest = rest.subarray(end);
  }
  return elements;
}
