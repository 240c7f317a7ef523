import type { Deadlines } from '../../http/deadlines.ts';
import type { Route } from '../routes.ts';
import type { LivePlace } from './live-place.ts';
import { serializeOwnRequest } from './own-head.ts';
import { sendOwnRequest } from './own-request.ts';

export interface EndSessionOptions {
  readonly place: LivePlace;
  readonly route: Route;
  readonly deadlines: Deadlines;
  /** The request is about to be sent: from now on the session counts as gone. */
  readonly onSet: () => void;
}

const END_MILLISECONDS = 5000;
const FIRST_REFUSAL = 300;

/**
 * Ends a session at its server in the name of its client, by the DELETE of the Streamable HTTP transport (2025-11-25 Session Management).
 * Resolves to whether the server took it; false too where there is no server any more, or no credentials for it. Never rejects.
 */
export async function endSession({ place, route, deadlines, onSet }: EndSessionOptions): Promise<boolean> {
  const server = route.servers.find(place.serverKey);
  if (server === undefined) return false;
  const own = route.access.credentials;
  const fields = own === undefined ? undefined : await own.fieldsFor(place.principal, undefined);
  if (fields?.ok === false) return false;
  onSet();
  const { sessionId, protocolVersion, credentials } = place;
  const message = serializeOwnRequest({
    server,
    request: { method: 'DELETE', body: '', sessionId, protocolVersion },
    fields: credentials,
    dropsCredentials: route.access.check !== undefined,
    outbound:
      own === undefined || fields === undefined ? undefined : { names: own.names, fields: fields.value },
    forwarded: '',
  });
  const deadline = deadlines.now() + END_MILLISECONDS;
  const connection = server.pool.acquire();
  const answer = await sendOwnRequest({ connection, deadlines, deadline, method: 'DELETE', message });
  return answer !== undefined && answer.status < FIRST_REFUSAL;
}
