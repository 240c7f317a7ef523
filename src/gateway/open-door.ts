import type { Config } from '../config/config.ts';
import { formatAuthority } from '../lib/authority.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { toAudience } from './audience.ts';

/** A public address in front of a route without access control, which is refused unless it is asked for by name. */
export function findOpenDoor(config: Config): Diagnostic | undefined {
  const open = config.routes.find((route) => route.auth.kind === 'none');
  const { host, port } = config.listen;
  // Who has no certificate of the clients' authority does not even get a connection.
  if (config.tls.clients?.required === true) return undefined;
  if (toAudience(host) !== 'PUBLIC' || open === undefined || config.dangerAllowPublic) return undefined;
  return {
    severity: 'error',
    code: 'E_PUBLIC_WITHOUT_AUTH',
    message: `\`${open.path}\` would be open to everyone who can reach ${formatAuthority(host, port)}`,
  };
}
