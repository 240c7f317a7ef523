// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the X.509 library asks for when it loads
import '@abraham/reflection';
import { webcrypto, type X509Certificate } from 'node:crypto';
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
  X509Crl,
} from '@peculiar/x509';

// Loading the library takes about 100 ms. This module is imported with `import()`, where there is a revocation list.

/** The part of a revocation list (RFC 5280 section 5) that says whether it can be used. Times are wall-clock milliseconds. */
export interface RevocationList {
  readonly thisUpdate: number;
  /** From when on nobody may rely on it; undefined when it does not say. */
  readonly nextUpdate: number | undefined;
  /** True when this authority signed the list and may sign lists at all. */
  isSignedBy(authority: X509Certificate): Promise<boolean>;
}

/** Reads one list from PEM; `undefined` when it is damaged. */
export function parseRevocationList(pem: string): RevocationList | undefined {
  try {
    const list = new X509Crl(pem);
    return {
      thisUpdate: list.thisUpdate.getTime(),
      nextUpdate: list.nextUpdate?.getTime(),
      isSignedBy: (authority) => isSignedBy(list, authority),
    };
  } catch {
    return undefined;
  }
}

async function isSignedBy(list: X509Crl, authority: X509Certificate): Promise<boolean> {
  try {
    const parsed = new ParsedCertificate(authority.raw);
    if (parsed.subject !== list.issuer) return false;
    const usages = parsed.getExtension(KeyUsagesExtension)?.usages;
    if (usages !== undefined && (usages & KeyUsageFlags.cRLSign) === 0) return false;
    return await list.verify({ publicKey: parsed }, webcrypto);
  } catch {
    // A key of another kind than the signature's, or an algorithm that is not known here.
    return false;
  }
}
