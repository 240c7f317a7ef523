import type { AdapterPayload, ClientMetadata } from 'oidc-provider';
import type { Store } from '../../state/store/store.ts';
import type { ClientAuthentication } from '../client-metadata/client-metadata.ts';
import { isClientIdUrl } from '../client-metadata/client-id.ts';
import { describeClientMetadataFailure, type LoadClientMetadata } from '../client-metadata/document.ts';
import type { ServerEvent } from './server-options.ts';

/** How a client became known, which says how much its name is worth. */
export type ClientOrigin = 'document' | 'registration';

export function originOf(clientId: string): ClientOrigin {
  return isClientIdUrl(clientId) ? 'document' : 'registration';
}

const MAX_CLIENT_ID = 1024;
const supportedGrants = ['authorization_code', 'refresh_token'];

/** Only what this server can do; a client that names none gets both. */
export function toGrantTypes(asked: readonly string[]): readonly string[] {
  const supported = supportedGrants.filter((grant) => asked.includes(grant));
  return supported.includes('authorization_code') ? supported : supportedGrants;
}

/** Finds clients: registered ones in the store, the others by their metadata document. `undefined`: there is no such client. */
export function createClientFinder(options: {
  readonly store: Store;
  readonly loadClientMetadata: LoadClientMetadata;
  readonly onEvent: (event: ServerEvent) => void;
}): (id: string) => Promise<AdapterPayload | undefined> {
  const { store, loadClientMetadata, onEvent } = options;

  function refuse(id: string, reason: string): undefined {
    onEvent({ kind: 'client-refused', text: `${id}: ${reason}` });
  }

  async function findByDocument(id: string): Promise<AdapterPayload | undefined> {
    const loaded = await loadClientMetadata(id);
    if (!loaded.ok) return refuse(id, describeClientMetadataFailure(loaded.error));
    const { clientName, redirectUris, grantTypes, authentication } = loaded.value;
    return {
      client_id: id,
      client_name: clientName,
      redirect_uris: redirectUris,
      grant_types: toGrantTypes(grantTypes),
      response_types: ['code'],
      application_type: 'native',
      ...toAuthentication(authentication),
    };
  }

  return async function findClient(id) {
    if (id.length > MAX_CLIENT_ID) return undefined;
    if (isClientIdUrl(id)) return findByDocument(id);
    return store.get('Client', id);
  };
}

/** The provider takes its keys through our own fetcher, when they are not in the document. */
function toAuthentication(authentication: ClientAuthentication): ClientMetadata {
  switch (authentication.kind) {
    case 'none':
      return { token_endpoint_auth_method: 'none' };
    case 'private_key_jwt': {
      const { keys, keysUrl } = authentication;
      const source = keys === undefined ? { jwks_uri: keysUrl } : { jwks: keys };
      return { token_endpoint_auth_method: 'private_key_jwt', ...source };
    }
  }
}
