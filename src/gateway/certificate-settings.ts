import type { Config } from '../config/config.ts';
import { isWildcard } from '../config/listeners.ts';
import { toHostOnly } from '../http/grammar.ts';
import { readVersion } from '../lib/version.ts';
import type { CertificatesOptions } from '../tls/certificates.ts';
import { isLocalName } from '../lib/local-names.ts';
import { listMachineAddresses } from './host-names.ts';

/** What the configuration says of certificates, as the room that looks after them wants to hear it. */
export function toCertificateSettings(
  config: Config,
): Omit<CertificatesOptions, 'clock' | 'redis' | 'report'> {
  const { tls, stateDir, plainHttp } = config;
  const { files, automatic, policy, clients } = tls;
  return {
    files,
    policy,
    clients,
    automatic:
      automatic.kind === 'acme'
        ? { ...automatic, version: readVersion(), plainHttp: plainHttp !== undefined }
        : automatic,
    domains: toCertificateNames(config),
    stateDir,
  };
}

/**
 * The names a certificate has to cover: the domains and, where the local authority signs, the listen address and the names
 * in `hosts` as well, so that clients of the local network are served too. Those of them that it may not sign for are left
 * out; they can be the names of a proxy in front, which answers to them with a certificate of its own.
 */
export function toCertificateNames(
  config: Pick<Config, 'tls' | 'domains' | 'listen' | 'hosts'>,
): readonly string[] {
  if (config.tls.automatic.kind !== 'local-ca') return config.domains;
  const hosts = config.hosts.map((host) => toHostOnly(host).replaceAll(/[[\]]/g, ''));
  const { host } = config.listen;
  // The URL that is shown for a wildcard names one of the machine's addresses, so the certificate has to as well.
  const own = isWildcard(host) && config.domains.length === 0 ? listMachineAddresses() : [host];
  return [...config.domains, ...[...own, ...hosts].filter(isLocalName)];
}
