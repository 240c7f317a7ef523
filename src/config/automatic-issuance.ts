import { isLocalName } from '../lib/local-names.ts';
import { findAuthority, knownAuthorities } from './known-authorities.ts';
import type { AcmeSetting, ChallengeName, IssuerSetting } from './schema/acme.ts';
import type { TlsSetting } from './schema/tls.ts';

/** Who signs for names without certificate files. Public names lead to ACME, so that one `--domain` is enough. */
export function chooseSigner(tls: TlsSetting, domains: readonly string[]): 'none' | 'local-ca' | 'acme' {
  if (tls.acme !== undefined) return 'acme';
  if (hasFiles(tls)) return 'none';
  return domains.some((name) => !isLocalName(name)) ? 'acme' : 'local-ca';
}

export function hasFiles(tls: TlsSetting): boolean {
  return tls.cert !== undefined || tls.certificates.length > 0;
}

/** Where an issuer stands in the file, and the URL that it means. */
export interface PlacedIssuer {
  readonly path: readonly PropertyKey[];
  readonly setting: IssuerSetting | undefined;
  readonly directory: string;
}

/** The authorities in the order in which they are asked. */
export function listIssuers(acme: AcmeSetting | undefined): readonly [PlacedIssuer, ...PlacedIssuer[]] {
  const path = ['tls', 'acme'];
  const [preferred] = knownAuthorities;
  const first = acme?.directory ?? preferred.directory;
  return [
    { path, setting: acme, directory: acme?.staging === true ? toStaging(first) : first },
    ...(acme?.fallback ?? []).map((setting, index) => ({
      path: [...path, 'fallback', index],
      setting,
      directory: setting.directory ?? preferred.directory,
    })),
  ];
}

/** What `staging` makes of a directory: the known one to try things out with, or the same where none is known. */
export function toStaging(directory: string): string {
  const name = findAuthority(directory)?.name ?? '';
  return findAuthority(`${name}-staging`)?.directory ?? directory;
}

/**
 * The challenges that can work: `http-01` needs the plain listener, `tls-alpn-01` a listener that lets a validator in without a
 * certificate, and a DNS command is given to be used.
 */
export function chooseChallenges(options: {
  readonly acme: AcmeSetting | undefined;
  readonly hasPlainHttp: boolean;
  /** Whether an address is among the names: there is no `dns-01` for addresses (RFC 8738 section 7). */
  readonly hasAddress: boolean;
  readonly needsClientCertificate: boolean;
}): readonly ChallengeName[] {
  const { acme, hasPlainHttp, hasAddress, needsClientCertificate } = options;
  const reachable: readonly ChallengeName[] = ['http-01', 'tls-alpn-01'];
  const byDefault: readonly ChallengeName[] =
    acme?.dns === undefined ? reachable : hasAddress ? ['dns-01', ...reachable] : ['dns-01'];
  return (acme?.challenges ?? byDefault).filter(
    (name) => (name !== 'http-01' || hasPlainHttp) && (name !== 'tls-alpn-01' || !needsClientCertificate),
  );
}
