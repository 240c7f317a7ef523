import type { Config } from '../config/config.ts';
import { systemClock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { isLocalName } from '../lib/local-names.ts';
import { loadCertificates } from '../tls/certificates.ts';
import { findOpenDoor } from './open-door.ts';

/** What would keep a configuration from starting, or should worry, found without listening and without writing anything. */
export async function provision(config: Config): Promise<readonly Diagnostic[]> {
  const openDoor = findOpenDoor(config);
  return [
    ...(openDoor === undefined ? [] : [openDoor]),
    ...findForeignNames(config),
    ...(await loadFiles(config)),
  ];
}

function findForeignNames({ tls, domains }: Config): readonly Diagnostic[] {
  if (tls.automatic.kind !== 'local-ca') return [];
  return domains
    .filter((name) => !isLocalName(name))
    .map((name) => ({
      severity: 'error',
      code: 'E_TLS_LOCAL_NAME',
      message: `the local authority does not sign for \`${name}\``,
    }));
}

async function loadFiles({ tls, domains, stateDir }: Config): Promise<readonly Diagnostic[]> {
  if (tls.files.length === 0 && tls.clients === undefined) return [];
  const loaded = await loadCertificates({
    files: tls.files,
    clients: tls.clients,
    automatic: { kind: 'none' },
    domains: tls.automatic.kind === 'none' ? domains : [],
    stateDir,
    clock: systemClock,
    report: () => undefined,
  });
  if (!loaded.ok) return loaded.error;
  await loaded.value.close();
  return loaded.value.warnings;
}
