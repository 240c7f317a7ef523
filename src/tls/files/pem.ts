/** One `-----BEGIN label-----` … `-----END label-----` block, with its marker lines. */
export interface PemBlock {
  readonly label: string;
  readonly text: string;
}

const marker = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;

/** The blocks of a PEM text in their order (RFC 7468); text between blocks, CRLF and a byte order mark are passed over. */
export function parsePem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let end = 0;
  for (const match of text.matchAll(marker)) {
    const label = match[1] ?? '';
    const ending = `-----END ${label}-----`;
    const at = match.index < end ? -1 : text.indexOf(ending, match.index);
    if (at === -1) continue;
    end = at + ending.length;
    blocks.push({ label, text: `${text.slice(match.index, end).replaceAll('\r', '')}\n` });
  }
  return blocks;
}

/** True when the last block has no end. */
export function isTruncated(text: string): boolean {
  const begin = text.lastIndexOf('-----BEGIN ');
  return begin !== -1 && !text.includes('-----END ', begin);
}

export function isCertificateBlock(block: PemBlock): boolean {
  return /^(X509 |TRUSTED )?CERTIFICATE$/.test(block.label);
}

/** True for private keys of any form, encrypted ones included. */
export function isKeyBlock(block: PemBlock): boolean {
  return block.label.endsWith('PRIVATE KEY');
}

/** PKCS#8 says so in its label, the older forms in a header line (RFC 1421 section 4.6.1.1). */
export function isEncryptedBlock(block: PemBlock): boolean {
  return block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(block.text);
}
