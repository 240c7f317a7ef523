import type { KeyObject, X509Certificate } from 'node:crypto';
import { toPrintableLine } from '../../lib/printable.ts';
import { IssueError, type IssuedCertificate } from '../automation/issuer.ts';
import { buildChain, isChainComplete } from '../files/certificate-chain.ts';
import { buildMaterial, toFacts } from '../tls-material.ts';

export interface DeliveredCertificate {
  readonly title: string;
  /** What came, leaf first. */
  readonly certificates: readonly X509Certificate[];
  readonly key: KeyObject;
  /** What was ordered, in canonical spelling. */
  readonly names: readonly string[];
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** Roots below which a leaf needs no intermediate. */
  readonly roots: Iterable<X509Certificate>;
}

/** Clocks of machines and authorities may differ this much. */
const skew = 3_600_000;

/**
 * Takes a certificate from an authority only when it is what was ordered: for our key and exactly our names, valid now, with
 * the intermediates that clients need. Throws an IssueError (E_ACME_CERTIFICATE).
 */
export function acceptCertificate(delivered: DeliveredCertificate): IssuedCertificate {
  const { certificates, key } = delivered;
  const [leaf, ...others] = certificates;
  const reason = leaf === undefined ? 'there is none' : findFault(leaf, others, delivered);
  if (leaf === undefined || reason !== undefined) {
    const message = `${delivered.title} delivered a certificate that cannot be used: ${reason}`;
    throw new IssueError('E_ACME_CERTIFICATE', message);
  }
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const { intermediates } = buildChain(leaf, others);
  const { chain } = buildMaterial({ leaf, intermediates, key: pem });
  return { chain, key: pem };
}

function findFault(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  { key, names, now, roots }: DeliveredCertificate,
): string | undefined {
  if (!leaf.checkPrivateKey(key)) return 'it is for another key';
  const facts = toFacts(leaf);
  const missing = names.find((name) => !facts.names.includes(name));
  if (missing !== undefined) return `it does not name \`${missing}\``;
  const foreign = facts.names.find((name) => !names.includes(name));
  if (foreign !== undefined) return `it names \`${toPrintableLine(foreign, 100)}\`, which was not ordered`;
  if (now < facts.notBefore - skew)
    return `it is not valid before ${new Date(facts.notBefore).toISOString()}`;
  if (now >= facts.notAfter) return `it ended on ${new Date(facts.notAfter).toISOString()}`;
  if (leaf.subject === leaf.issuer) return 'it is signed by itself';
  const { intermediates, unused } = buildChain(leaf, others);
  const stray = unused.find((certificate) => certificate.subject !== certificate.issuer);
  if (stray !== undefined) return 'a certificate of its chain did not sign the one before it';
  if (intermediates.length === 0 && !isChainComplete(leaf, roots)) return 'its intermediate is missing';
  return undefined;
}
