import { layers, type Check } from './check.ts';
import { accessChecks } from './checks/access.ts';
import { answeringChecks } from './checks/answering.ts';
import { authorizationServerChecks } from './checks/authorization-server.ts';
import { browserChecks } from './checks/browser.ts';
import { certificateChecks } from './checks/certificate.ts';
import { eraChecks } from './checks/eras.ts';
import { limitChecks } from './checks/limits.ts';
import { messageChecks } from './checks/messages.ts';
import { networkChecks } from './checks/network.ts';
import { pathChecks } from './checks/paths.ts';
import { plainHttpChecks } from './checks/plain-http.ts';
import { protocolChecks } from './checks/protocol.ts';
import { resourceMetadataChecks } from './checks/resource-metadata.ts';
import { sessionChecks } from './checks/sessions.ts';
import { streamChecks } from './checks/streams.ts';
import { tlsChecks } from './checks/tls.ts';

/** Every check, from the wire up. */
export const allChecks: readonly Check[] = [
  ...networkChecks,
  ...tlsChecks,
  ...certificateChecks,
  ...answeringChecks,
  ...plainHttpChecks,
  ...protocolChecks,
  ...pathChecks,
  ...streamChecks,
  ...browserChecks,
  ...sessionChecks,
  ...messageChecks,
  ...eraChecks,
  ...accessChecks,
  ...resourceMetadataChecks,
  ...authorizationServerChecks,
  ...limitChecks,
].toSorted((one, other) => layers.indexOf(one.layer) - layers.indexOf(other.layer));

export function findCheck(id: string): Check | undefined {
  return allChecks.find((check) => check.id === id);
}
