import type { ExchangeName, Exchange } from '../../src/doctor/facts.ts';
import {
  agreed,
  answered,
  buildFacts,
  document,
  failed,
  intermediate,
  issuer,
  leaf,
  notAgreed,
  resource,
  rpcError,
  server,
  url,
  type AnswerChanges,
  type FactsChanges,
} from './facts-builder.ts';

const base = buildFacts();
const dns = base.dns.done ? base.dns.facts : undefined;
const tcp = base.tcp.done ? base.tcp.facts : undefined;

const on = (name: ExchangeName, changes: AnswerChanges, asked: Partial<Exchange> = {}): FactsChanges => ({
  exchanges: { [name]: answered(changes, asked) },
});
const fails = (name: ExchangeName, failure: Parameters<typeof failed>[0]): FactsChanges => ({
  exchanges: { [name]: failed(failure) },
});
const result = { kind: 'result', id: 1, protocolVersion: '2025-11-25', capabilities: ['tools'] } as const;
const served: AnswerChanges = { rpc: result };
const page: AnswerChanges = {
  body: '<html><title>Just a moment</title>',
  fields: { 'content-type': 'text/html' },
};
const certificate = (changes: Partial<typeof leaf>): FactsChanges => ({
  tls: { chain: [{ ...leaf, ...changes }, intermediate] },
});
const metadata = (changes: Readonly<Record<string, unknown>>): FactsChanges => ({
  oauth: { servers: [server(changes)] },
});
const described = (changes: Readonly<Record<string, unknown>>): FactsChanges => {
  const changed = document({ ...resource, ...changes });
  return { oauth: { resource: { suffixed: changed, root: changed, challenged: changed } } };
};
const challenged = (parameters: Readonly<Record<string, string>>, scheme = 'Bearer'): FactsChanges => ({
  oauth: { challenge: { scheme, parameters, raw: scheme } },
});
const dnsFacts = (changes: Partial<NonNullable<typeof dns>>): FactsChanges => {
  if (dns === undefined) throw new Error('no facts');
  return { facts: { dns: { done: true, facts: { ...dns, ...changes } } } };
};
const tcpFacts = (changes: Partial<NonNullable<typeof tcp>>): FactsChanges => {
  if (tcp === undefined) throw new Error('no facts');
  return { facts: { tcp: { done: true, facts: { ...tcp, ...changes } } } };
};
const v4 = { address: '203.0.113.7', family: 4, outcome: 'open', took: 9 } as const;
const v6 = { address: '2001:db8::7', family: 6, outcome: 'open', took: 9 } as const;
const html = document(undefined, page);
const plainTarget = { ...base.target, url: 'http://mcp.example.com/mcp', secure: false };
const limited = answered({ status: 429, fields: {} });
const modernOnly: FactsChanges['exchanges'] = {
  initialize: answered({ status: 400, rpc: rpcError(-32_602) }),
};

/** A fault for each check: the facts of a healthy endpoint with what that check is there to find. */
export const faults: Readonly<Record<string, FactsChanges>> = {
  'dns-unresolved': dnsFacts({ ipv4: [], ipv6: [], failures: ['ENOTFOUND'] }),
  'dns-private-address': dnsFacts({ ipv4: ['10.1.2.3'] }),
  'dns-slow': dnsFacts({ took: 900 }),
  'dns-no-ipv6': dnsFacts({ ipv6: [] }),
  'tcp-unreachable': {
    facts: {
      tcp: {
        done: true,
        facts: {
          addresses: [{ ...v4, outcome: 'refused', code: 'ECONNREFUSED' }],
          ipv6Here: true,
          besides: [],
        },
      },
    },
  },
  'tcp-address-down': tcpFacts({ addresses: [v4, { ...v4, address: '203.0.113.8', outcome: 'timeout' }] }),
  'tcp-ipv6-broken': tcpFacts({ addresses: [v4, { ...v6, outcome: 'refused' }] }),
  'tcp-slow': tcpFacts({ addresses: [{ ...v4, took: 900 }] }),
  'tcp-upstream-exposed': tcpFacts({ besides: [{ port: 8000, open: true, mcp: true, server: 'uvicorn' }] }),
  'tcp-port-beside': tcpFacts({ besides: [{ port: 3000, open: true, mcp: false }] }),
  'tls-none': { tls: { usual: { outcome: 'garbage', code: 'ERR_SSL_WRONG_VERSION_NUMBER', took: 1 } } },
  'tls-old-protocol': {
    tls: { protocols: { TLSv1: agreed, 'TLSv1.1': notAgreed, 'TLSv1.2': agreed, 'TLSv1.3': agreed } },
  },
  'tls-no-13': {
    tls: { protocols: { TLSv1: notAgreed, 'TLSv1.1': notAgreed, 'TLSv1.2': agreed, 'TLSv1.3': notAgreed } },
  },
  'tls-no-current-protocol': {
    tls: {
      usual: notAgreed,
      protocols: { TLSv1: agreed, 'TLSv1.1': agreed, 'TLSv1.2': notAgreed, 'TLSv1.3': notAgreed },
    },
  },
  'tls-weak-cipher': { tls: { weak: { ...agreed, cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA' } } },
  'tls-no-hybrid': { tls: { hybrid: notAgreed } },
  'tls-no-h2': { tls: { usual: { ...agreed, alpn: 'http/1.1' } } },
  'tls-no-http1': { tls: { http1: notAgreed } },
  'tls-slow': { tls: { usual: { ...agreed, took: 900 } } },
  'tls-self-signed': {
    tls: { untrusted: 'DEPTH_ZERO_SELF_SIGNED_CERT', chain: [{ ...leaf, selfSigned: true }] },
  },
  'tls-incomplete-chain': { tls: { untrusted: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', chain: [leaf] } },
  'tls-untrusted': { tls: { untrusted: 'SELF_SIGNED_CERT_IN_CHAIN' } },
  'tls-wrong-name': { tls: { untrusted: 'ERR_TLS_CERT_ALTNAME_INVALID' } },
  'tls-expired': certificate({ notAfter: '2026-11-25T00:00:00.000Z' }),
  'tls-not-yet-valid': certificate({ notBefore: '2026-12-25T00:00:00.000Z' }),
  'tls-expiring': certificate({
    notAfter: '2026-11-30T00:00:00.000Z',
    notBefore: '2026-09-01T00:00:00.000Z',
  }),
  'tls-long-lived': certificate({ notAfter: '2029-01-01T00:00:00.000Z' }),
  'tls-weak-key': certificate({ key: 'RSA 1024' }),
  'tls-weak-signature': certificate({ signature: 'sha1WithRSAEncryption' }),
  'tls-root-sent': { tls: { chain: [leaf, intermediate, { ...intermediate, selfSigned: true }] } },
  'http-no-answer': fails('initialize', 'timeout'),
  'http-endless-answer': on('initialize', { ended: 'enough', bytes: 2_000_000 }),
  'http-not-found': { ...on('initialize', { status: 404 }), http: { elsewhere: ['/mcp/'] } },
  'http-redirected': on('initialize', { status: 307, fields: { location: `${url}/` } }),
  'http-downgrade': on('initialize-slash', {
    status: 307,
    fields: { location: 'http://mcp.example.com/mcp' },
  }),
  'http-server-error': on('initialize', { status: 502 }),
  'http-page': on('initialize', page),
  'http-post-refused': on('initialize', { status: 405, fields: { allow: 'GET' } }),
  'http-refused': on('initialize', { status: 403, body: 'bot' }),
  'mcp-not-mcp': {
    exchanges: { initialize: answered({ body: 'hello' }), discover: answered({ body: 'hello' }) },
  },
  'http-not-secure': { facts: { target: plainTarget } },
  'http-plain-takes-tokens': on('plain-post', served),
  'http-plain-redirects-calls': on('plain-post', { status: 308, fields: { location: url } }),
  'http-plain-no-redirect': on('plain-get', { status: 200 }),
  'http-plain-redirect-elsewhere': on('plain-get', {
    status: 301,
    fields: { location: 'https://attacker.invalid/mcp' },
  }),
  'http-no-hsts': { exchanges: { initialize: withoutField('strict-transport-security') } },
  'http-short-hsts': on('initialize', { rpc: result, fields: { 'strict-transport-security': 'max-age=60' } }),
  'http-old-version': on('initialize', { http: '1.0', rpc: result }),
  'http-h2-differs': on('initialize-h2', { status: 502 }),
  'http-clock-skew': on('initialize', { rpc: result, fields: { date: 'Thu, 26 Nov 2026 12:10:00 GMT' } }),
  'http-version-told': on('initialize', { rpc: result, fields: { server: 'nginx/1.22.1' } }),
  'http-trace': on('trace', { body: 'TRACE /mcp HTTP/1.1' }),
  'http-put': on('put', { status: 200 }),
  'http-tls-port-speaks-plain': on('plain-on-tls', { status: 200 }),
  'proxy-sibling-exposed': on(
    'sibling',
    { status: 404, body: 'Not Found', fields: { server: 'uvicorn' } },
    { url: `${url}foo` },
  ),
  'proxy-beneath-exposed': on(
    'beneath',
    { status: 404, body: '{"detail":"Not Found"}' },
    { url: `${url}/x` },
  ),
  'proxy-everything-exposed': {
    exchanges: {
      initialize: answered({ rpc: result, fields: { server: 'nginx' } }),
      'unknown-path': answered({ status: 404, body: 'Not Found', fields: { 'content-type': 'text/plain' } }),
    },
  },
  'proxy-slash-redirect': on('initialize-slash', { status: 307, fields: { location: url } }),
  'proxy-slash-unknown': on('initialize-slash', { status: 404 }),
  'proxy-upper-path': on('upper-path', served),
  'proxy-dot-path': on('dot-path', served),
  'proxy-stream-head-held': fails('stream', 'timeout'),
  'proxy-events-held': on('call', {
    fields: { 'content-type': 'text/event-stream' },
    body: 'data: 1\n\ndata: 2\n\ndata: 3\n\n',
    end: 3000,
    arrivals: [{ at: 2990, bytes: 27, comment: false }],
  }),
  'proxy-compressed-events': on('initialize-compressed', {
    fields: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
  }),
  'proxy-connection-close': {
    http: { persistent: [answered({ closes: true }), answered({ closes: true })] },
  },
  'proxy-no-buffering-hint': on('initialize', {
    rpc: result,
    fields: { 'content-type': 'text/event-stream' },
  }),
  'proxy-cached': on('tools-list', { rpc: result, fields: { 'x-cache': 'HIT' } }),
  'proxy-cacheable': on('initialize', { rpc: result, fields: { 'cache-control': 'public, max-age=60' } }),
  'proxy-idle-cut': quiet({ ended: 'cut', end: 60_012 }),
  'proxy-no-heartbeat': quiet({ end: 90_000 }),
  'proxy-stream-h2-differs': on('stream-h2', { status: 502 }),
  'mcp-stream-refused': on('stream', { status: 400 }),
  'mcp-foreign-origin': on('initialize-foreign-origin', served),
  'mcp-null-origin': on('initialize-null-origin', served),
  'proxy-own-origin-refused': on('initialize-origin', { status: 403 }),
  'proxy-host-refused': on('initialize', { status: 421, body: 'Invalid Host header' }),
  'proxy-foreign-host': on('initialize-foreign-host', served),
  'proxy-cors-credentials': on(
    'initialize-foreign-origin',
    {
      fields: {
        'access-control-allow-origin': 'https://attacker.invalid',
        'access-control-allow-credentials': 'true',
      },
    },
    { sent: { origin: 'https://attacker.invalid' } },
  ),
  'proxy-cors-any': on('preflight-foreign', { fields: { 'access-control-allow-origin': '*' } }),
  'proxy-cors-twice': on('initialize-origin', { fields: { 'access-control-allow-origin': '*, *' } }),
  'proxy-cors-hidden': on('initialize-origin', {
    rpc: result,
    fields: { 'access-control-allow-origin': '*' },
  }),
  'proxy-cors-headers': on('preflight', {
    fields: { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type' },
  }),
  'proxy-preflight-refused': on('preflight', { status: 401 }),
  'proxy-cookie-affinity': on('initialize', { rpc: result, fields: { 'set-cookie': 'AWSALB=…; Path=/' } }),
  'mcp-session-lost': { http: { affinity: [answered(), answered({ status: 404 }), answered()] } },
  'proxy-session-header-lost': {
    exchanges: { 'tools-list': answered({ status: 400, rpc: rpcError(-32_600, 'Missing session ID') }) },
    facts: { http: sessionless() },
  },
  'mcp-session-short': { http: { session: { length: 6, visible: true } } },
  'mcp-session-characters': { http: { session: { length: 40, visible: false } } },
  'mcp-unknown-session-accepted': on('unknown-session', served),
  'mcp-unknown-session-status': on('unknown-session', { status: 500 }),
  'mcp-missing-session-status': on('missing-session', { status: 404 }),
  'mcp-delete-fails': on('delete', { status: 500 }),
  'mcp-session-outlives-delete': on('after-delete', served),
  'proxy-error-pages': on('unknown-session', { ...page, status: 404 }),
  'mcp-initialize-error': {
    exchanges: {
      initialize: answered({ rpc: rpcError(-32_603) }),
      discover: answered({ status: 400, rpc: rpcError(-32_600) }),
    },
  },
  'mcp-answer-type': on('initialize', { rpc: result, fields: { 'content-type': 'text/plain' } }),
  'mcp-notification-status': on('initialized', { status: 200 }),
  'mcp-bad-version-accepted': on('bad-version', served),
  'mcp-bad-json-status': on('bad-json', { status: 500 }),
  'mcp-form-type-accepted': on('wrong-type', served),
  'mcp-unknown-method': on('unknown-method', { status: 200, body: '' }),
  'mcp-tools-list': on('tools-list', { status: 200, rpc: rpcError(-32_603) }),
  'mcp-call-failed': on('call', { status: 504 }),
  'mcp-old-transport': {
    exchanges: {
      initialize: answered({ status: 405 }),
      discover: answered({ status: 405 }),
      'stream-anonymous': answered({ body: 'event: endpoint\ndata: /messages\n\n' }),
    },
  },
  'mcp-old-revision': on('initialize', { rpc: { ...result, protocolVersion: '2024-11-05' } }),
  'mcp-no-modern-revision': on('discover', { status: 400, rpc: rpcError(-32_600) }),
  'mcp-no-legacy-revision': { exchanges: modernOnly },
  'mcp-probe-misread': on('discover', { ...page, status: 502 }),
  'mcp-method-mismatch': on('modern-method-mismatch', served),
  'mcp-name-mismatch': on('modern-name-mismatch', { rpc: rpcError(-32_602) }),
  'mcp-version-mismatch': on('modern-version-mismatch', served),
  'mcp-method-header-missing': on('modern-missing-method-header', served),
  'mcp-unknown-version-accepted': on('modern-unknown-version', served),
  'oauth-none': on('initialize-anonymous', served),
  'oauth-made-up-token': on('initialize-made-up', served),
  'oauth-token-refused': on('initialize', { status: 401 }),
  'oauth-challenge-status': on('initialize-anonymous', { status: 403 }),
  'oauth-challenge-missing': { facts: { oauth: withoutChallenge() } },
  'oauth-challenge-scheme': challenged({ realm: 'x' }, 'Basic'),
  'oauth-challenge-no-metadata': challenged({}),
  'oauth-keys-alone': {
    oauth: {
      challenge: { scheme: 'Bearer', parameters: {}, raw: 'Bearer' },
      resource: { suffixed: document(undefined), root: document(undefined) },
      servers: [],
    },
  },
  'oauth-challenge-http': challenged({ resource_metadata: 'http://mcp.example.com/x' }),
  'oauth-challenge-elsewhere': challenged({ resource_metadata: 'https://backend.example.com/x' }),
  'oauth-error-without-token': challenged({ error: 'invalid_token', resource_metadata: url }),
  'oauth-refusal-page': on('initialize-anonymous', { ...page, status: 401 }),
  'oauth-metadata-missing': {
    oauth: {
      resource: { suffixed: document(undefined), root: document(undefined), challenged: document(undefined) },
      servers: [],
    },
  },
  'oauth-metadata-suffix-missing': {
    oauth: {
      resource: { suffixed: document(undefined), root: document(resource), challenged: document(resource) },
    },
  },
  'oauth-metadata-root-missing': {
    oauth: {
      resource: { suffixed: document(resource), root: document(undefined), challenged: document(resource) },
    },
  },
  'oauth-metadata-disagree': {
    oauth: {
      resource: {
        suffixed: document(resource),
        root: document({ ...resource, authorization_servers: ['https://other.example.com'] }),
        challenged: document(resource),
      },
    },
  },
  'oauth-metadata-protected': {
    oauth: {
      resource: {
        suffixed: document(undefined, { status: 401 }),
        root: document(undefined, { status: 401 }),
      },
      servers: [],
    },
  },
  'oauth-metadata-type': {
    oauth: {
      resource: {
        suffixed: document(resource, { fields: { 'content-type': 'text/plain' } }),
        root: document(resource),
        challenged: document(resource),
      },
    },
  },
  'oauth-metadata-no-cors': {
    oauth: {
      resource: {
        suffixed: { exchange: answered(), json: resource },
        root: document(resource),
        challenged: document(resource),
      },
    },
  },
  'oauth-resource-mismatch': described({ resource: 'https://mcp.example.com/other' }),
  'oauth-resource-http': described({ resource: 'http://mcp.example.com/mcp' }),
  'oauth-no-servers': described({ authorization_servers: [] }),
  'oauth-token-in-query': described({ bearer_methods_supported: ['header', 'query'] }),
  'oauth-server-unreachable': {
    oauth: { servers: [{ issuer, tried: [{ exchange: failed('refused') }], registrations: [] }] },
  },
  'oauth-server-metadata-missing': { oauth: { servers: [{ issuer, tried: [html], registrations: [] }] } },
  'oauth-issuer-mismatch': metadata({ issuer: `${issuer}/` }),
  'oauth-issuer-http': { oauth: { servers: [{ ...server(), issuer: 'http://id.example.com' }] } },
  'oauth-endpoint-http': metadata({ token_endpoint: 'http://id.example.com/token' }),
  'oauth-no-s256': metadata({ code_challenge_methods_supported: undefined }),
  'oauth-plain-pkce': metadata({ code_challenge_methods_supported: ['S256', 'plain'] }),
  'oauth-no-registration': metadata({
    registration_endpoint: undefined,
    client_id_metadata_document_supported: false,
  }),
  'oauth-no-metadata-documents': metadata({ client_id_metadata_document_supported: false }),
  'oauth-no-code-grant': metadata({ grant_types_supported: ['client_credentials'] }),
  'oauth-implicit': metadata({ response_types_supported: ['code', 'token'] }),
  'oauth-no-refresh': metadata({ grant_types_supported: ['authorization_code'] }),
  'oauth-no-public-clients': metadata({ token_endpoint_auth_methods_supported: ['client_secret_basic'] }),
  'oauth-no-iss': metadata({ authorization_response_iss_parameter_supported: undefined }),
  'oauth-keys-missing': { oauth: { servers: [server({}, { keys: html })] } },
  'oauth-private-key-published': {
    oauth: {
      servers: [server({}, { keys: document({ keys: [{ kty: 'EC', members: ['kty', 'x', 'y', 'd'] }] }) })],
    },
  },
  'oauth-open-redirect': {
    oauth: {
      servers: [
        server(
          {},
          {
            strangeRedirect: answered({
              status: 302,
              fields: { location: 'https://attacker.invalid/callback?error=x' },
            }),
          },
        ),
      ],
    },
  },
  'oauth-token-endpoint-page': {
    oauth: { servers: [server({}, { madeUpCode: answered({ ...page, status: 403 }) })] },
  },
  'oauth-redirect-refused': {
    oauth: {
      servers: [
        server(
          {},
          {
            registrations: [
              { client: 'Cursor', redirect: 'cursor://x', exchange: answered({ status: 400 }) },
            ],
          },
        ),
      ],
    },
  },
  'oauth-server-metadata-no-cors': {
    oauth: { servers: [server({}, { tried: [{ exchange: answered() }] })] },
  },
  'limits-body': on('body-1m', { status: 413 }),
  'limits-body-status': fails('body-5m', 'reset'),
  'limits-head': on('long-token', { status: 431 }),
  'limits-rate-early': { http: { persistent: [answered(), limited] } },
  'limits-no-retry-after': { http: { persistent: [answered(), limited] } },
  'limits-rate-page': { http: { persistent: [answered(), answered({ ...page, status: 429 })] } },
  'limits-slow': on('initialize', { rpc: result, end: 4000 }),
};

function withoutField(name: string): Exchange {
  const exchange = answered({ rpc: result });
  if (exchange.outcome === 'failed') throw new Error('no answer');
  const fields = Object.fromEntries(Object.entries(exchange.answer.fields).filter(([each]) => each !== name));
  return { ...exchange, answer: { ...exchange.answer, fields } };
}

function quiet(changes: AnswerChanges): FactsChanges {
  return {
    http: {
      quiet: answered({
        fields: { 'content-type': 'text/event-stream' },
        ended: 'enough',
        arrivals: [],
        ...changes,
      }),
    },
  };
}

function sessionless(): ReturnType<typeof buildFacts>['http'] {
  const { http } = buildFacts({
    exchanges: { 'tools-list': answered({ status: 400, rpc: rpcError(-32_600, 'Missing session ID') }) },
  });
  if (!http.done) throw new Error('no facts');
  const { session: _session, ...rest } = http.facts;
  return { done: true, facts: rest };
}

function withoutChallenge(): ReturnType<typeof buildFacts>['oauth'] {
  const { oauth } = buildFacts();
  if (!oauth.done) throw new Error('no facts');
  const { challenge: _challenge, ...rest } = oauth.facts;
  return { done: true, facts: rest };
}
