import { fieldValue, type Fields } from '../../http/exchange.ts';
import { credentialFields } from '../../auth/credential.ts';
import type { Principal } from '../../auth/principal.ts';
import type { Exchange, OpenSession } from '../exchange.ts';

/** All that it takes to end a session in the name of its client. */
export interface LivePlace {
  readonly route: string;
  readonly serverKey: string;
  readonly sessionId: string;
  protocolVersion: string | undefined;
  principal: Principal | undefined;
  /** The client's own, where they go on to the server. */
  credentials: Fields;
  /** Event ids have come from this session, so that the client may name one. */
  hasEventIds: boolean;
}

const noFields: Fields = [];

/** The place of a session, as the request of its client tells it. */
export function toLivePlace(exchange: Exchange, session: Pick<OpenSession, 'serverKey' | 'id'>): LivePlace {
  const { destination, principal } = exchange;
  return {
    route: destination.kind === 'mcp' ? destination.route.id : '',
    serverKey: session.serverKey,
    sessionId: session.id,
    protocolVersion: undefined,
    principal,
    credentials: readCredentials(exchange),
    hasEventIds: false,
  };
}

/** Credentials of the client's own on a route that asks for none: they go on to the server. */
export function readCredentials({ destination, request }: Exchange): Fields {
  if (destination.kind !== 'mcp' || destination.route.access.check !== undefined) return noFields;
  const credentials: string[] = [];
  for (const name of credentialFields) {
    const value = fieldValue(request.fields, name);
    if (value !== undefined) credentials.push(name, value);
  }
  return credentials.length === 0 ? noFields : credentials;
}
