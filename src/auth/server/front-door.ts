import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import { flowOf, pruneFlows, toBrowserCookies, toProviderCookies } from './flow-cookies.ts';
import type { InteractionPages } from './interaction-pages.ts';
import { sendJson, sendPage, setBaseHeaders } from './page-response.ts';
import { renderErrorPage } from './pages/message-page.ts';
import type { ClientRegistration } from './registration.ts';
import { readBody } from './request-body.ts';
import { serverPaths, type ServerMetadata } from './server-metadata.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface FrontDoorParts {
  readonly issuer: string;
  readonly metadata: ServerMetadata;
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly registration: ClientRegistration | undefined;
  readonly pages: InteractionPages;
  readonly signOut: Handler;
  readonly provider: Handler;
  readonly onError: (error: unknown) => void;
}

const MAX_URL = 8192;
const crossOrigin = new Set<string>([
  serverPaths.metadata,
  serverPaths.openidMetadata,
  serverPaths.jwks,
  serverPaths.token,
  serverPaths.register,
  serverPaths.revoke,
]);

/** Decides what a request is for: metadata and pages are ours, the protocol is the provider's. */
export function createFrontDoor(
  parts: FrontDoorParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { issuer, metadata, jwks, registration, pages, provider, signOut, onError } = parts;

  async function register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (registration === undefined) return sendMissing(response);
    const body = await readBody(request);
    const reply =
      body === undefined
        ? {
            status: 413,
            body: { error: 'invalid_client_metadata', error_description: 'the body is too large' },
          }
        : await registration.register({ body, address: addressOf(request) });
    sendJson(response, reply.status, reply.body);
  }

  function sendTooLong(request: IncomingMessage, response: ServerResponse): void {
    const text = 'The address is too long.';
    if (!wantsPage(request))
      return sendJson(response, 400, { error: 'invalid_request', error_description: text });
    const page = renderErrorPage({
      host: new URL(issuer).host,
      title: 'This request cannot be used',
      text,
      code: 'invalid_request',
    });
    sendPage(response, { status: 400, page });
  }

  /** Metadata may be read by everybody and kept a while. */
  function sendPublic(response: ServerResponse, body: object): void {
    response.setHeader('Cache-Control', 'public, max-age=300');
    sendJson(response, 200, body);
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const target = request.url ?? '/';
    const url = URL.parse(target, issuer);
    if (url === null || !target.startsWith('/')) return sendMissing(response);
    const { pathname } = url;
    if (crossOrigin.has(pathname)) allowOrigins(request, response);
    if (method === 'OPTIONS' && crossOrigin.has(pathname)) return sendPreflight(response);
    if (target.length > MAX_URL) return sendTooLong(request, response);
    const isRead = method === 'GET' || method === 'HEAD';
    const isPost = method === 'POST';
    const visit = { url, address: addressOf(request) };
    prepare(request, response, pathname);
    switch (pathname) {
      case serverPaths.metadata:
      case serverPaths.openidMetadata:
        return isRead ? sendPublic(response, metadata) : refuseMethod(response, 'GET, HEAD');
      case serverPaths.jwks:
        return isRead ? sendPublic(response, jwks) : refuseMethod(response, 'GET, HEAD');
      case serverPaths.register:
        return isPost ? register(request, response) : refuseMethod(response, 'POST');
      case serverPaths.token:
      case serverPaths.revoke:
        request.headers.accept = 'application/json';
        return isPost ? provider(request, response) : refuseMethod(response, 'POST');
      case serverPaths.authorize:
        return isRead ? provider(request, response) : refuseMethod(response, 'GET, HEAD');
      case serverPaths.callback:
        return isRead ? pages.comeBack(request, response, visit) : refuseMethod(response, 'GET');
      case serverPaths.signOut:
        return isRead || isPost ? signOut(request, response) : refuseMethod(response, 'GET, POST');
    }
    if (flowOf(pathname) === undefined) return sendMissing(response);
    if (pathname.startsWith(`${serverPaths.authorize}/`)) {
      return isRead ? provider(request, response) : refuseMethod(response, 'GET');
    }
    return isRead || isPost ? pages.answer(request, response, visit) : refuseMethod(response, 'GET, POST');
  }

  /** What the provider believes about the connection comes from the configuration, not from the request (host confusion). */
  function prepare(request: IncomingMessage, response: ServerResponse, pathname: string): void {
    const { headers } = request;
    headers.host = new URL(issuer).host;
    delete headers['x-forwarded-host'];
    headers['x-forwarded-proto'] = 'https';
    const cookies = headers.cookie;
    // The way back from a login provider learns only from the state which flow it belongs to.
    if (pathname !== serverPaths.callback) headers.cookie = toProviderCookies(cookies, flowOf(pathname));
    const pruned = pathname === serverPaths.authorize ? pruneFlows(cookies) : [];
    renameCookies(response, pruned);
  }

  return function answer(request, response) {
    setBaseHeaders(response);
    route(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'server_error' });
    });
  };
}

/** Cookies leave under the names that browsers know them by. */
function renameCookies(response: ServerResponse, more: readonly string[]): void {
  const set = response.setHeader.bind(response);
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== 'set-cookie') return set(name, value);
    return set(name, toBrowserCookies([value].flat().map(String)));
  };
  if (more.length > 0) set('Set-Cookie', [...more]);
}

/** Only the last entry was written by the gateway; what stands before it, the client made up. */
function addressOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-for'];
  const [text = ''] = [forwarded].flat();
  return text.split(',').at(-1)?.trim() ?? '';
}

function wantsPage(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').includes('text/html');
}

/** These endpoints know no cookies, so pages of all origins may call them. */
function allowOrigins(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  if (request.method !== 'OPTIONS') return;
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
  response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, mcp-protocol-version');
  response.setHeader('Access-Control-Max-Age', '3600');
}

function sendPreflight(response: ServerResponse): void {
  response.statusCode = 204;
  response.end();
}

function sendMissing(response: ServerResponse): void {
  sendJson(response, 404, { error: 'not_found', error_description: 'there is nothing at this address' });
}

function refuseMethod(response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow);
  sendJson(response, 405, { error: 'invalid_request', error_description: `only ${allow} is possible here` });
}
