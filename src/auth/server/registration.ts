import { randomBytes } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';
import { toAddressGroup } from '../../lib/address-group.ts';
import type { Clock } from '../../lib/clock.ts';
import { parseJsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { toGrantTypes } from './clients.ts';
import type { Store } from '../../state/store/store.ts';
import { parseRedirectUri } from '../client-metadata/redirects.ts';
import type { ServerEvent } from './server-options.ts';

/** The answer to a registration: a status and a JSON body (RFC 7591 §3.2). */
export interface RegistrationReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ClientRegistration {
  register(request: { readonly body: string; readonly address: string }): Promise<RegistrationReply>;
  /** Keeps a client that got a token; the others are forgotten after a day. */
  keep(clientId: string): Promise<void>;
}

const DAY = 86_400_000;
/** Some clients register anew at each connection: what gets no token within a day is forgotten. */
const unusedClientLifetime: number = DAY;
const REGISTRATIONS_PER_HOUR = 30;
/** Over all addresses; a flood fills no disk. */
const REGISTRATIONS_PER_HOUR_IN_ALL = 600;
const MAX_REDIRECTS = 16;
const MAX_NAME = 100;
const authMethods = ['none', 'client_secret_basic', 'client_secret_post'];

/** Open registration of clients (RFC 7591), limited per address, in each process for itself. What registers nothing counts for nothing. */
export function createClientRegistration(options: {
  readonly store: Store;
  readonly clock: Clock;
  /** Further redirects that are allowed here. */
  readonly redirects: readonly string[];
  /** How long a client lives after its last token, in milliseconds. */
  readonly usedClientLifetime: number;
  readonly onEvent: (event: ServerEvent) => void;
}): ClientRegistration {
  const { store, clock, redirects, usedClientLifetime, onEvent } = options;
  let hour = 0;
  let inAll = 0;
  const byAddress = new Map<string, number>();

  function isWithinLimits(address: string): boolean {
    const now = Math.floor(clock.now() / 3_600_000);
    if (now !== hour) {
      hour = now;
      inAll = 0;
      byAddress.clear();
    }
    // Otherwise one subscriber could use up what is there for all.
    const group = toAddressGroup(address);
    const count = (byAddress.get(group) ?? 0) + 1;
    if (count > REGISTRATIONS_PER_HOUR || inAll >= REGISTRATIONS_PER_HOUR_IN_ALL) return false;
    byAddress.set(group, count);
    inAll += 1;
    return true;
  }

  return {
    async register({ body, address }) {
      const parsed = parseRegistration(body, redirects);
      if (!parsed.ok) return toError(400, parsed.error.code, parsed.error.text);
      if (!isWithinLimits(address)) return toError(429, 'temporarily_unavailable', 'too many registrations');
      const now = clock.now();
      const client: ClientMetadata = {
        client_id: randomBytes(18).toString('base64url'),
        client_id_issued_at: Math.floor(now / 1000),
        ...parsed.value,
        ...toSecret(parsed.value['token_endpoint_auth_method']),
      };
      const id = String(client['client_id']);
      await store.put('Client', id, client, { expiresAt: now + unusedClientLifetime });
      onEvent({ kind: 'client-registered', text: id });
      return { status: 201, body: client };
    },
    async keep(clientId) {
      const client = await store.get('Client', clientId);
      if (client === undefined) return;
      await store.put('Client', clientId, client, { expiresAt: clock.now() + usedClientLifetime });
    },
  };
}

interface RegistrationFault {
  readonly code: 'invalid_client_metadata' | 'invalid_redirect_uri';
  readonly text: string;
}

function invalid(text: string): Result<never, RegistrationFault> {
  return fail({ code: 'invalid_client_metadata', text });
}

/** Reads a registration request. What is not known here is left out, nulls too: some clients refuse to read them in the echo. */
function parseRegistration(
  body: string,
  redirects: readonly string[],
): Result<ClientMetadata, RegistrationFault> {
  const request = parseJsonObject(body);
  if (request === undefined) return invalid('the body must be a JSON object');
  const uris = request['redirect_uris'];
  if (!isTexts(uris) || uris.length === 0 || uris.length > MAX_REDIRECTS) {
    return fail({ code: 'invalid_redirect_uri', text: `redirect_uris must hold 1 to ${MAX_REDIRECTS} URIs` });
  }
  const refused = uris.find((uri) => !parseRedirectUri(uri, redirects).ok);
  if (refused !== undefined) {
    return fail({ code: 'invalid_redirect_uri', text: 'a redirect URI is not allowed here' });
  }
  const method = request['token_endpoint_auth_method'] ?? 'client_secret_basic';
  if (typeof method !== 'string' || !authMethods.includes(method)) {
    return invalid(`token_endpoint_auth_method must be one of ${authMethods.join(', ')}`);
  }
  const responses = request['response_types'] ?? ['code'];
  if (!isTexts(responses) || !responses.includes('code')) return invalid('response_types must hold "code"');
  const grants = request['grant_types'] ?? [];
  if (!isTexts(grants)) return invalid('grant_types must be a list of texts');
  const name = request['client_name'] ?? undefined;
  if (name !== undefined && (typeof name !== 'string' || name.length > MAX_NAME)) {
    return invalid(`client_name must be a text of at most ${MAX_NAME} characters`);
  }
  return ok({
    ...(name === undefined || name === '' ? undefined : { client_name: name }),
    redirect_uris: [...new Set(uris)],
    grant_types: toGrantTypes(grants),
    response_types: ['code'],
    token_endpoint_auth_method: method,
    // The rules of this server for redirect URIs are stricter than those for either type; native ones may use loopback ports.
    application_type: 'native',
  });
}

function toSecret(method: unknown): ClientMetadata | undefined {
  if (method === 'none') return undefined;
  return { client_secret: randomBytes(32).toString('base64url'), client_secret_expires_at: 0 };
}

function toError(status: number, error: string, description: string): RegistrationReply {
  return { status, body: { error, error_description: description } };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry.length <= 2048);
}
