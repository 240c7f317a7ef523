import type { IncomingMessage, ServerResponse } from 'node:http';

/** A server of MCP with a login, right in everything but what an exhibit changes. */
export interface ServerExhibit {
  readonly finds: string;
  /** Changes of the metadata of the resource; `false` takes the document away. */
  readonly resource?: Readonly<Record<string, unknown>> | false;
  /** Changes of the metadata of the authorization server. */
  readonly server?: Readonly<Record<string, unknown>> | false;
  /** The challenge; `undefined` leaves the right one. */
  readonly challenge?: string;
  /** Answers what is to be answered wrongly; `false` leaves it to the right server. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse, body: string) => boolean;
  /** Adds to every answer of the endpoint. */
  readonly fields?: Readonly<Record<string, string>>;
}

type Answer = NonNullable<ServerExhibit['answer']>;

const isToken = (request: IncomingMessage): boolean => request.headers.authorization === 'Bearer of-the-user';
const send = (
  response: ServerResponse,
  status: number,
  fields: Record<string, string> = {},
  body = '',
): true => {
  response.writeHead(status, { 'Content-Type': 'application/json', ...fields }).end(body);
  return true;
};
const on =
  (path: string, status: number, fields: Record<string, string> = {}, body = ''): Answer =>
  (request, response) =>
    request.url?.split('?')[0] === path && send(response, status, fields, body);
/** Answers messages that hold a text, once the caller is known. */
const onMessage =
  (text: string, status: number, body = '', fields: Record<string, string> = {}): Answer =>
  (request, response, message) =>
    isToken(request) && message.includes(text) && send(response, status, fields, body);
const result = '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}';
const page = '<html><title>Sign in</title></html>';

export const serverExhibits: readonly ServerExhibit[] = [
  {
    finds: 'oauth-none',
    answer: (request, response, body) =>
      !isToken(request) &&
      body.includes('"initialize"') &&
      request.headers.origin === undefined &&
      send(response, 200, {}, result),
  },
  {
    finds: 'oauth-made-up-token',
    answer: (request, response, body) =>
      request.headers.authorization !== undefined &&
      !isToken(request) &&
      body.includes('"initialize"') &&
      send(response, 200, {}, result),
  },
  {
    finds: 'oauth-challenge-status',
    answer: (request, response) =>
      request.url === '/mcp' && !isToken(request) && send(response, 403, {}, '{}'),
  },
  { finds: 'oauth-challenge-missing', challenge: '' },
  { finds: 'oauth-challenge-no-metadata', challenge: 'Bearer' },
  { finds: 'oauth-challenge-scheme', challenge: 'Basic realm="x"' },
  {
    finds: 'oauth-challenge-http',
    challenge: 'Bearer resource_metadata="http://localhost/.well-known/oauth-protected-resource"',
  },
  { finds: 'oauth-challenge-elsewhere', challenge: 'Bearer resource_metadata="https://localhost:1/x"' },
  { finds: 'oauth-metadata-missing', resource: false },
  {
    finds: 'oauth-metadata-suffix-missing',
    answer: on('/.well-known/oauth-protected-resource/mcp', 404),
    challenge: 'Bearer resource_metadata="ORIGIN/.well-known/oauth-protected-resource"',
  },
  {
    finds: 'oauth-metadata-protected',
    answer: (request, response) =>
      request.url?.startsWith('/.well-known/oauth-protected') === true && send(response, 401),
  },
  { finds: 'oauth-resource-mismatch', resource: { resource: 'https://localhost/other' } },
  { finds: 'oauth-resource-http', resource: { resource: 'http://localhost/mcp' } },
  { finds: 'oauth-no-servers', resource: { authorization_servers: [] } },
  { finds: 'oauth-token-in-query', resource: { bearer_methods_supported: ['query'] } },
  { finds: 'oauth-server-unreachable', resource: { authorization_servers: ['https://localhost:1'] } },
  { finds: 'oauth-server-metadata-missing', server: false },
  { finds: 'oauth-issuer-mismatch', server: { issuer: 'https://somebody.example.com' } },
  { finds: 'oauth-no-s256', server: { code_challenge_methods_supported: ['plain'] } },
  {
    finds: 'oauth-no-registration',
    server: { registration_endpoint: undefined, client_id_metadata_document_supported: false },
  },
  { finds: 'oauth-no-code-grant', server: { response_types_supported: ['token'] } },
  { finds: 'oauth-no-refresh', server: { grant_types_supported: ['authorization_code'] } },
  {
    finds: 'oauth-no-public-clients',
    server: { token_endpoint_auth_methods_supported: ['client_secret_basic'] },
  },
  {
    finds: 'oauth-private-key-published',
    answer: on('/keys', 200, {}, '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}]}'),
  },
  { finds: 'oauth-keys-missing', answer: on('/keys', 404) },
  {
    finds: 'oauth-open-redirect',
    answer: on('/authorize', 302, { Location: 'https://attacker.invalid/callback?error=invalid_client' }),
  },
  { finds: 'oauth-token-endpoint-page', answer: on('/token', 403, { 'Content-Type': 'text/html' }, page) },
  {
    finds: 'oauth-token-refused',
    answer: (request, response) =>
      request.url === '/mcp' &&
      isToken(request) &&
      send(response, 401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }),
  },
  { finds: 'http-page', answer: onMessage('"initialize"', 200, page, { 'Content-Type': 'text/html' }) },
  {
    finds: 'mcp-not-mcp',
    answer: (request, response) => isToken(request) && send(response, 200, {}, '{"hello":1}'),
  },
  {
    finds: 'mcp-unknown-session-status',
    answer: (request, response) =>
      isToken(request) &&
      request.headers['mcp-session-id']?.includes('4000800') === true &&
      send(response, 500, {}, '{}'),
  },
  {
    finds: 'mcp-session-lost',
    answer: (request, response, body) =>
      isToken(request) && body.includes('"id":22') && send(response, 404, {}, '{}'),
  },
  { finds: 'mcp-notification-status', answer: onMessage('notifications/initialized', 200, '{}') },
  {
    finds: 'mcp-bad-version-accepted',
    answer: (request, response) =>
      request.headers['mcp-protocol-version'] === '1999-01-01' && send(response, 200, {}, result),
  },
  {
    finds: 'mcp-form-type-accepted',
    answer: (request, response) =>
      request.headers['content-type'] === 'text/plain' && send(response, 200, {}, result),
  },
  {
    finds: 'mcp-bad-json-status',
    answer: (_request, response, body) => body.endsWith('"id":1,') && send(response, 500, {}, '{}'),
  },
  {
    finds: 'proxy-cors-credentials',
    fields: { 'Access-Control-Allow-Credentials': 'true' },
    answer: (request, response) =>
      request.headers.origin === 'https://attacker.invalid' &&
      send(response, 403, {
        'Access-Control-Allow-Origin': 'https://attacker.invalid',
        'Access-Control-Allow-Credentials': 'true',
      }),
  },
  { finds: 'proxy-cookie-affinity', fields: { 'Set-Cookie': 'AWSALB=abc; Path=/' } },
  { finds: 'proxy-cached', fields: { 'X-Cache': 'HIT' } },
  { finds: 'limits-rate-early', answer: onMessage('"id":50', 429, '{}', { 'Retry-After': '1' }) },
  { finds: 'http-clock-skew', fields: { Date: 'Thu, 01 Jan 2026 00:00:00 GMT' } },
  {
    finds: 'mcp-old-revision',
    answer: onMessage('"initialize"', 200, result.replace('2025-11-25', '2024-11-05')),
  },
];
