import type {
  Answer,
  Exchange,
  ExchangeName,
  Facts,
  Handshake,
  HttpFacts,
  RpcFact,
  TlsFacts,
} from '../../src/doctor/facts.ts';
import type { DocumentFact, OAuthFacts, ServerFact } from '../../src/doctor/facts-oauth.ts';
import { buildServerMetadata } from '../support/server-metadata.ts';

export const url = 'https://mcp.example.com/mcp';
export const issuer = 'https://id.example.com';

const initialized: RpcFact = {
  kind: 'result',
  id: 1,
  protocolVersion: '2025-11-25',
  server: 'echo 1.0',
  capabilities: ['tools'],
};
const listed: RpcFact = { kind: 'result', id: 2, tools: ['echo'] };
export const rpcError = (code: number, message = 'no'): RpcFact => ({ kind: 'error', id: 1, code, message });

export interface AnswerChanges extends Partial<Omit<Answer, 'fields'>> {
  readonly fields?: Readonly<Record<string, string>>;
}

/** An answer as a healthy endpoint gives it. */
export function answered(changes: AnswerChanges = {}, asked: Partial<Exchange> = {}): Exchange {
  const { fields = {}, ...rest } = changes;
  return {
    method: 'POST',
    url,
    sent: {},
    sentBytes: 100,
    ...asked,
    outcome: 'answered',
    answer: {
      http: '1.1',
      status: 200,
      body: '',
      bytes: 10,
      ended: 'end',
      closes: false,
      reused: false,
      head: 5,
      end: 6,
      fields: {
        'content-type': 'application/json',
        date: 'Thu, 26 Nov 2026 12:00:00 GMT',
        'strict-transport-security': 'max-age=63072000',
        ...fields,
      },
      ...rest,
    },
  };
}

export function failed(failure: 'timeout' | 'garbage' | 'cut' | 'refused' | 'reset' = 'timeout'): Exchange {
  return {
    method: 'POST',
    url,
    sent: {},
    sentBytes: 0,
    outcome: 'failed',
    failure,
    code: 'ETEST',
    took: 3000,
  };
}

const refused = (status: number): Exchange => answered({ status, rpc: rpcError(-32_600) });
const nothing = answered({ status: 404, body: 'not here', fields: { 'content-type': 'text/plain' } });
const challenge = `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`;
const unauthorized = answered({
  status: 401,
  rpc: rpcError(-32_001),
  fields: { 'www-authenticate': challenge },
});
const stream = answered(
  {
    fields: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
    ended: 'enough',
    arrivals: [],
  },
  { method: 'GET' },
);

/** All exchanges with an endpoint that asks for a credential, was given one, and does everything right. */
const healthy: Readonly<Partial<Record<ExchangeName, Exchange>>> = {
  'plain-get': answered({ status: 301, fields: { location: url } }, { method: 'GET' }),
  'plain-post': answered({ status: 403 }),
  'plain-on-tls': failed('garbage'),
  initialize: answered({
    rpc: initialized,
    fields: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' },
  }),
  'initialize-anonymous': unauthorized,
  'initialize-made-up': unauthorized,
  'initialize-h2': answered({ http: '2', rpc: initialized }),
  'initialize-slash': answered({ rpc: initialized }, { url: `${url}/` }),
  'initialize-origin': answered(
    {
      rpc: initialized,
      fields: {
        'access-control-allow-origin': 'https://mcp.example.com',
        'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate',
      },
    },
    { sent: { origin: 'https://mcp.example.com' } },
  ),
  'initialize-foreign-origin': answered(
    { status: 403, rpc: rpcError(-32_600) },
    { sent: { origin: 'https://attacker.invalid' } },
  ),
  'initialize-null-origin': refused(403),
  'initialize-foreign-host': refused(421),
  'initialize-compressed': answered({ rpc: initialized, fields: { 'content-type': 'text/event-stream' } }),
  initialized: answered({ status: 202 }),
  'tools-list': answered({ rpc: listed }),
  'unknown-method': answered({ rpc: rpcError(-32_601) }),
  'unknown-session': refused(404),
  'missing-session': refused(400),
  'bad-version': refused(400),
  'bad-json': refused(400),
  'wrong-type': refused(415),
  stream,
  'stream-anonymous': unauthorized,
  'stream-h2': stream,
  page: refused(406),
  delete: answered({ status: 204 }),
  'after-delete': refused(404),
  put: answered({ status: 405 }),
  trace: answered({ status: 405 }),
  preflight: answered(
    {
      status: 204,
      fields: {
        'access-control-allow-origin': 'https://mcp.example.com',
        'access-control-allow-headers': 'Authorization, Content-Type, Mcp-Session-Id, MCP-Protocol-Version',
      },
    },
    { sent: { origin: 'https://mcp.example.com' } },
  ),
  'preflight-foreign': answered({ status: 403 }, { sent: { origin: 'https://attacker.invalid' } }),
  discover: answered({ rpc: { kind: 'result', id: 1, supportedVersions: ['2026-07-28'] } }),
  'modern-missing-method-header': answered({ status: 400, rpc: rpcError(-32_020) }),
  'modern-method-mismatch': answered({ status: 400, rpc: rpcError(-32_020) }),
  'modern-name-mismatch': answered({ status: 400, rpc: rpcError(-32_020) }),
  'modern-version-mismatch': answered({ status: 400, rpc: rpcError(-32_020) }),
  'modern-unknown-version': answered({ status: 400, rpc: rpcError(-32_022) }),
  root: nothing,
  sibling: answered(
    { status: 404, body: 'not here', fields: { 'content-type': 'text/plain' } },
    { url: `${url}-breakwater-doctor` },
  ),
  beneath: nothing,
  'unknown-path': nothing,
  'upper-path': nothing,
  'dot-path': nothing,
  'body-1m': answered({ rpc: initialized }),
  'body-5m': answered({ rpc: initialized }),
  'long-token': unauthorized,
};

/** Changes of facts: exchanges by name (`undefined` takes one away), and whole layers. */
export interface FactsChanges {
  readonly exchanges?: Readonly<Partial<Record<ExchangeName, Exchange | undefined>>>;
  readonly http?: Partial<HttpFacts>;
  readonly tls?: Partial<TlsFacts>;
  readonly oauth?: Partial<OAuthFacts>;
  readonly facts?: Partial<Facts>;
}

/** Facts of a healthy endpoint on the internet, with changes. */
export function buildFacts({ exchanges, http, tls, oauth, facts }: FactsChanges = {}): Facts {
  const all = Object.fromEntries(
    Object.entries({ ...healthy, ...exchanges }).filter((entry) => entry[1] !== undefined),
  );
  const call = answered({ rpc: listed, reused: true });
  return {
    format: 1,
    doctor: '0.0.0',
    at: '2026-11-26T12:00:00.000Z',
    target: { url, secure: true, host: 'mcp.example.com', port: 443, path: '/mcp', loopback: false },
    asked: { token: 'sent', register: true, idle: 60_000, call: 'echo' },
    dns: {
      done: true,
      facts: { name: 'mcp.example.com', ipv4: ['203.0.113.7'], ipv6: ['2001:db8::7'], failures: [], took: 8 },
    },
    tcp: {
      done: true,
      facts: {
        addresses: [
          { address: '203.0.113.7', family: 4, outcome: 'open', took: 9 },
          { address: '2001:db8::7', family: 6, outcome: 'open', took: 9 },
        ],
        used: '203.0.113.7',
        ipv6Here: true,
        besides: [{ port: 8000, open: false, mcp: false }],
      },
    },
    tls: { done: true, facts: { ...healthyTls, ...tls } },
    http: {
      done: true,
      facts: {
        exchanges: {
          ...all,
          ...(exchanges !== undefined && 'call' in exchanges
            ? {}
            : {
                call: answered({ rpc: listed, fields: { 'content-type': 'text/event-stream' }, ...dripped }),
              }),
        },
        session: { length: 32, visible: true },
        elsewhere: [],
        affinity: [call, call, call],
        persistent: [answered({ rpc: listed }), call, call],
        quiet: answered({
          fields: { 'content-type': 'text/event-stream' },
          ended: 'enough',
          end: 60_000,
          arrivals: [15, 30, 45].map((second) => ({ at: second * 1000, bytes: 9, comment: true })),
        }),
        ...http,
      },
    },
    oauth: { done: true, facts: { ...healthyOAuth, ...oauth } },
    spent: { dns: 8, tcp: 10, tls: 30, http: 900, oauth: 60 },
    ...facts,
  };
}

/** Three events in a second and a half, as they were sent. */
const dripped: AnswerChanges = {
  body: 'data: 1\n\ndata: 2\n\ndata: 3\n\n',
  end: 1500,
  arrivals: [500, 1000, 1500].map((at) => ({ at, bytes: 9, comment: false })),
};

export const agreed: Extract<Handshake, { outcome: 'agreed' }> = {
  outcome: 'agreed',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  alpn: 'h2',
  took: 12,
};
export const notAgreed: Handshake = { outcome: 'refused', code: 'ERR_SSL_ALERT', took: 3 };

export const leaf: TlsFacts['chain'][number] = {
  subject: 'CN=mcp.example.com',
  issuer: 'CN=Example Intermediate',
  selfSigned: false,
  notBefore: '2026-11-01T00:00:00.000Z',
  notAfter: '2027-01-30T00:00:00.000Z',
  names: ['DNS:mcp.example.com'],
  key: 'EC prime256v1',
  signature: 'ecdsa-with-SHA256',
  fingerprint256: 'AA',
};

export const intermediate: typeof leaf = {
  ...leaf,
  subject: 'CN=Example Intermediate',
  issuer: 'CN=Example Root',
  fingerprint256: 'BB',
};

const healthyTls: TlsFacts = {
  usual: agreed,
  protocols: {
    TLSv1: notAgreed,
    'TLSv1.1': notAgreed,
    'TLSv1.2': { ...agreed, protocol: 'TLSv1.2' },
    'TLSv1.3': agreed,
  },
  hybrid: agreed,
  weak: notAgreed,
  http1: { ...agreed, alpn: 'http/1.1' },
  chain: [leaf, intermediate],
};

/** A document with its exchange. */
export function document(
  json: Readonly<Record<string, unknown>> | undefined,
  changes: AnswerChanges = {},
): DocumentFact {
  const exchange = answered(
    {
      status: json === undefined ? 404 : 200,
      fields: { 'access-control-allow-origin': '*', ...changes.fields },
      ...changes,
    },
    { method: 'GET', url: 'https://mcp.example.com/.well-known/x' },
  );
  return json === undefined ? { exchange } : { exchange, json };
}

export const resource: Readonly<Record<string, unknown>> = {
  resource: url,
  authorization_servers: [issuer],
  bearer_methods_supported: ['header'],
};

const serverMetadata = buildServerMetadata(issuer);

/** An authorization server with changes to its metadata and to what else was seen of it. */
export function server(
  metadata: Readonly<Record<string, unknown>> = {},
  changes: Partial<ServerFact> = {},
): ServerFact {
  const all = { ...serverMetadata, ...metadata };
  return {
    issuer,
    tried: [document(all)],
    metadata: all,
    keys: document({ keys: [{ kty: 'EC', members: ['kty', 'crv', 'x', 'y', 'kid'] }] }),
    strangeRedirect: answered({ status: 400 }),
    madeUpCode: answered({ status: 400 }),
    registrations: [
      {
        client: 'Claude',
        redirect: 'https://claude.ai/api/mcp/auth_callback',
        exchange: answered({ status: 201 }),
      },
    ],
    ...changes,
  };
}

const healthyOAuth: OAuthFacts = {
  challenge: {
    scheme: 'Bearer',
    parameters: { resource_metadata: 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp' },
    raw: challenge,
  },
  resource: { suffixed: document(resource), root: document(resource), challenged: document(resource) },
  servers: [server()],
};
