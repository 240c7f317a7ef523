import type { Config } from '../config/config.ts';
import { systemClock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { isLocalName } from '../tls/local-ca/local-names.ts';
import { loadCertificates } from '../tls/certificates.ts';
import { findOpenDoor } from './open-door.ts';

/** What would keep a configuration from starting, or should worry, found without listening and without writing anything. */
export async function provision(config: Config): Promise<readonly Diagnostic[]> {
  const openDoor = findOpenDoor(config);
  return [...(openDoor === undefined ? [] : [openDoor]), ...(await provisionCertificates(config))];
}

async function provisionCertificates(config: Config): Promise<readonly Diagnostic[]> {
  const { tls, domains, stateDir } = config;
  switch (tls.kind) {
    case 'local-ca':
      return domains
        .filter((name) => !isLocalName(name))
        .map((name) => ({
          severity: 'error',
          code: 'E_TLS_LOCAL_NAME',
          message: `the local authority does not sign for \`${name}\``,
        }));
    case 'files': {
      const loaded = await loadCertificates({
        tls,
        domains,
        stateDir,
        clock: systemClock,
        report: () => undefined,
      });
      if (!loaded.ok) return loaded.error;
      loaded.value.close();
      return loaded.value.warnings;
    }
  }
}
