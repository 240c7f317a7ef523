import { X509Certificate } from 'node:crypto';
import { IssueError } from '../automation/issuer.ts';
import { isCertificateBlock, parsePem } from '../files/pem.ts';
import type { AcmeAccount } from './account.ts';
import type { AcmeSession } from './signed-requests.ts';

/** Other chains that are looked at. */
const mostAlternates = 8;

/**
 * Fetches the certificate with its chain, leaf first, as the authority sent it. Where `preferredChain` names the issuer at the
 * top of an alternate chain (RFC 8555 section 7.4.2) that one is taken; the authority's own choice otherwise.
 */
export async function downloadCertificate(options: {
  readonly session: AcmeSession;
  readonly account: AcmeAccount;
  readonly url: string;
  readonly preferredChain: string | undefined;
}): Promise<readonly X509Certificate[]> {
  const { session, account, url, preferredChain } = options;
  const response = await account.request(url);
  const chain = parseChain(session.title, response.body);
  if (preferredChain === undefined || toTopIssuer(chain) === preferredChain) return chain;
  for (const alternate of parseAlternates(response.headers['link'], url)) {
    const other = parseChain(session.title, (await account.request(alternate)).body);
    if (toTopIssuer(other) === preferredChain) return other;
  }
  return chain;
}

/** Targets of `Link: <…>;rel="alternate"` (RFC 8288), made absolute. */
export function parseAlternates(field: string | undefined, base: string): readonly string[] {
  const targets = (field ?? '').matchAll(/<([^<>]{1,2048})>([^<>]*)/g);
  return Array.from(targets)
    .filter(([, , parameters = '']) =>
      /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?alternate(?:\s[^"]*)?"|alternate\b)/i.test(parameters),
    )
    .map(([, target = '']) => URL.parse(target, base)?.href ?? '')
    .filter((target) => target !== '')
    .slice(0, mostAlternates);
}

function parseChain(title: string, text: string): readonly X509Certificate[] {
  try {
    const chain = parsePem(text)
      .filter(isCertificateBlock)
      .map((block) => new X509Certificate(block.text));
    if (chain.length > 0) return chain;
  } catch (cause) {
    throw new IssueError('E_ACME_CERTIFICATE', `${title} delivered a certificate that is damaged`, { cause });
  }
  throw new IssueError('E_ACME_CERTIFICATE', `${title} delivered something that is no certificate`);
}

/** Common name of the root that the chain leads to. */
function toTopIssuer(chain: readonly X509Certificate[]): string | undefined {
  return /^CN=(.*)$/m.exec(chain.at(-1)?.issuer ?? '')?.[1];
}
