import { configuredTargets, parseTarget, toHostName } from '../../auth/fetch/target-policy.ts';
import { rootMetadataPath, toMetadataUrl } from '../../auth/resource/metadata.ts';
import { isJsonObject, parseJsonObject } from '../../lib/json.ts';
import { isLoopbackHost } from '../../lib/networks.ts';
import type { Exchange, Target } from '../facts.ts';
import type { DocumentFact, OAuthFacts, ServerFact } from '../facts-oauth.ts';
import { parseChallenge } from './parse-challenge.ts';

/** A bounded request to anywhere; it follows no redirects and carries no credential of the user. Never rejects. */
export type Ask = (request: {
  readonly method: string;
  readonly url: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}) => Promise<{ readonly exchange: Exchange; readonly text: string }>;

export interface GatherOAuthOptions {
  readonly target: Target;
  readonly ask: Ask;
  /** The answer to `initialize` without a credential. */
  readonly initialize: Exchange | undefined;
  /** Whether clients may be registered to see which redirects are taken. */
  readonly register: boolean;
}

/** A client of no one, and a place that belongs to no one. */
const strangeClient = 'breakwater-doctor-unknown';
export const strangeRedirect = 'https://attacker.invalid/callback';
const mostServers = 3;
/** Longest document that facts keep, in characters. */
const longestDocument = 64 * 1024;

/** Redirects that the clients in the field register, by the name of the client. */
const knownRedirects: readonly (readonly [client: string, redirect: string])[] = [
  ['Claude', 'https://claude.ai/api/mcp/auth_callback'],
  ['Claude Code, mcp-remote and the SDKs', 'http://localhost:33418/callback'],
  ['loopback by address', 'http://127.0.0.1:33418/'],
  ['ChatGPT', 'https://chatgpt.com/connector_platform_oauth_redirect'],
  ['VS Code', 'https://vscode.dev/redirect'],
  ['Cursor', 'cursor://anysphere.cursor-mcp/oauth/callback'],
];

/** Follows the way of a client to a login as far as it goes without a person: challenge, metadata, authorization servers. */
export async function gatherOAuth(options: GatherOAuthOptions): Promise<OAuthFacts> {
  const { target, ask, initialize, register } = options;
  const field = initialize?.outcome === 'answered' ? initialize.answer.fields['www-authenticate'] : undefined;
  const challenge = parseChallenge(field);
  const url = new URL(target.url);
  const suffixedUrl = toMetadataUrl(url);
  const rootUrl = `${url.origin}${rootMetadataPath}`;
  const told = challenge?.parameters['resource_metadata'];
  const challengedUrl = told !== undefined && isAskable(told) ? told : undefined;
  const [suffixed, root, challenged] = await Promise.all([
    askDocument(ask, suffixedUrl),
    askDocument(ask, rootUrl),
    challengedUrl === undefined || challengedUrl === suffixedUrl || challengedUrl === rootUrl
      ? undefined
      : askDocument(ask, challengedUrl),
  ]);
  const pointed = challengedUrl === suffixedUrl ? suffixed : challengedUrl === rootUrl ? root : challenged;
  const document = (pointed ?? suffixed).json ?? suffixed.json ?? root.json;
  const issuers = toTexts(document?.['authorization_servers']).slice(0, mostServers);
  return {
    ...(challenge === undefined ? {} : { challenge }),
    resource: { suffixed, root, ...(pointed === undefined ? {} : { challenged: pointed }) },
    servers: await Promise.all(
      issuers.map((issuer) => askServer(issuer, { ask, register, resource: target.url })),
    ),
  };
}

async function askServer(
  issuer: string,
  { ask, register, resource }: { readonly ask: Ask; readonly register: boolean; readonly resource: string },
): Promise<ServerFact> {
  const tried: DocumentFact[] = [];
  for (const url of toServerMetadataUrls(issuer)) {
    tried.push(await askDocument(ask, url));
    if (tried.at(-1)?.json !== undefined) break;
  }
  const metadata = tried.find(({ json }) => json !== undefined)?.json;
  const urlOf = (name: string): string | undefined => {
    const url = metadata?.[name];
    return typeof url === 'string' && isAskable(url) ? url : undefined;
  };
  const jwks = urlOf('jwks_uri');
  const authorization = urlOf('authorization_endpoint');
  const token = urlOf('token_endpoint');
  const registration = urlOf('registration_endpoint');
  const [keys, strange, madeUp] = await Promise.all([
    jwks === undefined ? undefined : askDocument(ask, jwks),
    authorization === undefined
      ? undefined
      : ask({ method: 'GET', url: toStrangeAuthorization(authorization, resource) }),
    token === undefined ? undefined : ask(toMadeUpCode(token, resource)),
  ]);
  return {
    issuer,
    tried,
    ...(metadata === undefined ? {} : { metadata }),
    ...(keys === undefined ? {} : { keys: withoutKeys(keys) }),
    ...(strange === undefined ? {} : { strangeRedirect: strange.exchange }),
    ...(madeUp === undefined ? {} : { madeUpCode: madeUp.exchange }),
    registrations:
      register && registration !== undefined
        ? await Promise.all(knownRedirects.map((known) => askRegistration(ask, registration, known)))
        : [],
  };
}

async function askDocument(ask: Ask, url: string): Promise<DocumentFact> {
  const { exchange, text } = await ask({ method: 'GET', url, fields: { Accept: 'application/json' } });
  if (exchange.outcome === 'failed' || exchange.answer.status !== 200 || text.length > longestDocument)
    return { exchange };
  const json = parseJsonObject(text);
  return json === undefined ? { exchange } : { exchange, json };
}

/** Where clients look for the metadata of an issuer, in their order (MCP 2025-11-25 Authorization, Server Metadata Discovery). */
function toServerMetadataUrls(issuer: string): readonly string[] {
  const url = URL.parse(issuer);
  if (url === null || !isAskable(issuer)) return [];
  const path = url.pathname.replace(/\/$/, '');
  const { origin } = url;
  const oauth = '/.well-known/oauth-authorization-server';
  const openid = '/.well-known/openid-configuration';
  if (path === '') return [`${origin}${oauth}`, `${origin}${openid}`];
  return [`${origin}${oauth}${path}`, `${origin}${openid}${path}`, `${origin}${path}${openid}`];
}

function toStrangeAuthorization(endpoint: string, resource: string): string {
  const url = new URL(endpoint);
  const query = {
    response_type: 'code',
    client_id: strangeClient,
    redirect_uri: strangeRedirect,
    state: 'breakwater-doctor',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource,
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

function toMadeUpCode(url: string, resource: string): Parameters<Ask>[0] {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: 'made-up-code-of-breakwater-doctor',
    client_id: strangeClient,
    redirect_uri: strangeRedirect,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    resource,
  });
  const fields = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url, fields, body: body.toString() };
}

async function askRegistration(
  ask: Ask,
  url: string,
  [client, redirect]: readonly [string, string],
): Promise<ServerFact['registrations'][number]> {
  const body = JSON.stringify({
    client_name: 'breakwater doctor (may be deleted)',
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: redirect.startsWith('https:') ? 'web' : 'native',
  });
  const fields = { Accept: 'application/json', 'Content-Type': 'application/json' };
  const { exchange } = await ask({ method: 'POST', url, fields, body });
  return { client, redirect, exchange: withoutBody(exchange) };
}

/** A registration is answered with secrets of the client. */
function withoutBody(exchange: Exchange): Exchange {
  if (exchange.outcome === 'failed' || exchange.answer.status >= 300) return exchange;
  return { ...exchange, answer: { ...exchange.answer, body: '' } };
}

/** Keys are told by the names of their members: a published private key must not be copied into a report. */
function withoutKeys({ exchange, json }: DocumentFact): DocumentFact {
  const bare: Exchange =
    exchange.outcome === 'answered' ? { ...exchange, answer: { ...exchange.answer, body: '' } } : exchange;
  if (json === undefined) return { exchange: bare };
  const { keys } = json;
  const kept = Array.isArray(keys)
    ? keys
        .slice(0, 50)
        .map((key: unknown) => (isJsonObject(key) ? { kty: key['kty'], members: Object.keys(key) } : null))
    : undefined;
  return { exchange: bare, json: kept === undefined ? {} : { keys: kept } };
}

/** Whether an address may be asked: HTTPS, or plain HTTP of this machine. */
function isAskable(text: string): boolean {
  const url = parseTarget(text, configuredTargets);
  return url !== undefined && (url.protocol === 'https:' || isLoopbackHost(toHostName(url)));
}

function toTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
