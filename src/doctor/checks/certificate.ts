import { fault, pass, skip, unknown, type Check, type Verdict } from '../check.ts';
import type { CertificateFact, Facts, TlsFacts } from '../facts.ts';
import { withTls } from './tls.ts';

const day = 86_400_000;
/** Renewal that works has been done long before: a third of the lifetime, of ninety days thirty. */
const soon = 14 * day;
const now = 3 * day;
/** Public authorities issue for so long at most since 2026-03-15 (CA/Browser Forum ballot SC-081). */
const longest = 201 * day;

const incomplete = /^UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/;
const advice =
  'use a certificate of a public authority: `breakwater up --domain NAME` gets one and renews it';

/** Whether clients believe the certificate, and for how long. */
export const certificateChecks: readonly Check[] = [
  {
    id: 'tls-self-signed',
    layer: 'tls',
    severity: 'error',
    title: 'an authority vouches for the certificate',
    why: 'clients refuse to connect, unless each was told to trust this one certificate',
    reference: 'RFC 5280 section 6.1',
    advice,
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, tls) =>
      tls.untrusted === 'DEPTH_ZERO_SELF_SIGNED_CERT'
        ? fault(`the certificate is signed by itself: ${leaf.subject}`)
        : pass(),
    ),
  },
  {
    id: 'tls-incomplete-chain',
    layer: 'tls',
    severity: 'error',
    title: 'the certificate comes with its chain',
    why: 'Node and Python clients fail with `unable to get local issuer certificate`, while browsers, which fetch what is missing, do not',
    reference: 'RFC 8446 section 4.4.2',
    advice: 'use the file with the whole chain: `fullchain.pem` of certbot, not `cert.pem`',
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, { untrusted, chain }) =>
      incomplete.test(untrusted ?? '') && chain.length === 1
        ? fault(
            `only the certificate itself was sent, and \`${leaf.issuer}\` that signed it is not known here`,
          )
        : pass(`${chain.length} certificates`),
    ),
  },
  {
    id: 'tls-untrusted',
    layer: 'tls',
    severity: 'error',
    title: 'the chain ends at an authority that clients know',
    why: 'clients refuse to connect',
    reference: 'RFC 5280 section 6.1',
    advice,
    requirement: 'certificate-chain',
    judge: withLeaf((_leaf, { untrusted, chain }) => {
      if (untrusted === undefined) return pass();
      const own = [
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'CERT_HAS_EXPIRED',
        'CERT_NOT_YET_VALID',
      ];
      if (own.includes(untrusted) || (incomplete.test(untrusted) && chain.length === 1))
        return skip('another check says why');
      return fault(`the chain is not believed (${untrusted}); it ends at \`${chain.at(-1)?.issuer ?? ''}\``);
    }),
  },
  {
    id: 'tls-wrong-name',
    layer: 'tls',
    severity: 'error',
    title: 'the certificate is for this name',
    why: 'clients refuse to connect, and tokens would go to whoever has the certificate',
    reference: 'RFC 9525 section 6',
    advice: 'get a certificate with this name in it, or use the name that it has',
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, { untrusted }, { target }) =>
      untrusted === 'ERR_TLS_CERT_ALTNAME_INVALID'
        ? fault(`\`${target.host}\` is not among its names: ${leaf.names.slice(0, 6).join(', ') || 'none'}`)
        : pass(),
    ),
  },
  {
    id: 'tls-expired',
    layer: 'tls',
    severity: 'error',
    title: 'the certificate has not expired',
    why: 'clients refuse to connect',
    reference: 'RFC 5280 section 4.1.2.5',
    advice: 'renew it, let the front read it again, and find out why that did not happen by itself',
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, _tls, facts) =>
      Date.parse(leaf.notAfter) <= Date.parse(facts.at)
        ? fault(`it ended at ${leaf.notAfter}`)
        : pass(`until ${leaf.notAfter}`),
    ),
  },
  {
    id: 'tls-not-yet-valid',
    layer: 'tls',
    severity: 'error',
    title: 'the certificate is valid already',
    why: 'clients refuse to connect',
    reference: 'RFC 5280 section 4.1.2.5',
    advice: 'look at the clock of the machine that made it, and at the clock of this one',
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, _tls, facts) =>
      Date.parse(leaf.notBefore) > Date.parse(facts.at) ? fault(`it begins at ${leaf.notBefore}`) : pass(),
    ),
  },
  {
    id: 'tls-expiring',
    layer: 'tls',
    severity: 'warning',
    title: 'the certificate is renewed in good time',
    why: 'clients refuse to connect from that day on, and nobody has noticed that the renewal fails',
    reference: 'RFC 9773 section 4.1',
    advice: 'renew it now, and look at the log of what should have done so',
    requirement: 'certificate-chain',
    judge: withLeaf((leaf, _tls, facts) => {
      const left = Date.parse(leaf.notAfter) - Date.parse(facts.at);
      const whole = Date.parse(leaf.notAfter) - Date.parse(leaf.notBefore);
      if (left <= 0) return skip('it has expired');
      const days = (left / day).toFixed(1);
      // Certificates for a week or less are renewed days before their end by design.
      if (left >= Math.min(soon, whole / 3)) return pass(`${days} days left`);
      return fault(
        `${days} days left of ${(whole / day).toFixed(0)}`,
        [],
        left < Math.min(now, whole / 6) ? 'error' : 'warning',
      );
    }),
  },
  {
    id: 'tls-long-lived',
    layer: 'tls',
    severity: 'info',
    title: 'the certificate is for no longer than clients take',
    why: 'Apple’s and Google’s clients refuse certificates of public authorities that are valid for longer than the rules allow',
    reference: 'CA/Browser Forum Baseline Requirements section 6.3.2',
    advice: 'get a shorter one, and renew it by ACME',
    judge: withLeaf((leaf) => {
      const whole = Date.parse(leaf.notAfter) - Date.parse(leaf.notBefore);
      return whole > 398 * day || (Date.parse(leaf.notBefore) > Date.UTC(2026, 2, 15) && whole > longest)
        ? fault(`it is valid for ${Math.round(whole / day)} days`)
        : pass();
    }),
  },
  {
    id: 'tls-weak-key',
    layer: 'tls',
    severity: 'error',
    title: 'the key of the certificate is long enough',
    why: 'current OpenSSL refuses the handshake, and the key can be computed',
    reference: 'RFC 9325 section 4.5',
    advice: 'make a new key: EC P-256, or RSA of 2048 bits or more',
    requirement: 'certificate-chain',
    judge: withLeaf(({ key }) => {
      const bits = Number(/^RSA (\d+)$/.exec(key)?.[1] ?? Number.NaN);
      return bits < 2048 ? fault(`the key is ${key}`) : pass(key);
    }),
  },
  {
    id: 'tls-weak-signature',
    layer: 'tls',
    severity: 'error',
    title: 'the chain is signed with SHA-256 or better',
    why: 'clients refuse SHA-1 and MD5, since signatures with them can be forged',
    reference: 'RFC 9155',
    advice: 'get a new certificate',
    requirement: 'certificate-chain',
    judge: withLeaf((_leaf, { chain }) => {
      const told = chain.filter(({ selfSigned, signature }) => !selfSigned && signature !== undefined);
      if (told.length === 0) return unknown('this runtime does not tell how certificates are signed');
      const weak = told.find(({ signature }) => /sha1|md5/i.test(signature ?? ''));
      return weak === undefined
        ? pass()
        : fault(`\`${weak.subject}\` is signed with ${weak.signature ?? ''}`);
    }),
  },
  {
    id: 'tls-root-sent',
    layer: 'tls',
    severity: 'info',
    title: 'the root is left out of the chain',
    why: 'clients have it or do not trust it: each handshake carries a kilobyte for nothing',
    reference: 'RFC 8446 section 4.4.2',
    advice: 'take the last certificate out of the chain file',
    requirement: 'certificate-chain',
    judge: withLeaf((_leaf, { chain }) => {
      const last = chain.at(-1);
      return chain.length > 1 && last?.selfSigned === true ? fault(`\`${last.subject}\` was sent`) : pass();
    }),
  },
];

function withLeaf(
  judge: (leaf: CertificateFact, tls: TlsFacts, facts: Facts) => Verdict,
): (facts: Facts) => Verdict {
  return withTls((tls, facts) => {
    const [leaf] = tls.chain;
    return leaf === undefined ? skip('no certificate was sent') : judge(leaf, tls, facts);
  });
}
