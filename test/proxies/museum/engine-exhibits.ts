import type { InstalledEngine } from '../../support/proxy-engine.ts';

/** A configuration that was right until one thing in it was changed, and the check that has to name it. */
export interface EngineExhibit {
  readonly engine: InstalledEngine;
  readonly finds: string;
  /** What is replaced by what; the first has to be there. */
  readonly plant: readonly (readonly [string | RegExp, string])[];
  /** Whether the client of the SDK fails at its first call; where it works, the check says why it matters all the same. */
  readonly client?: 'fails';
}

/** The same, where a client fails at once. */
const breaking = (exhibit: EngineExhibit): EngineExhibit => ({ ...exhibit, client: 'fails' });

const nginxEndpoint = 'location = /mcp {';
const nginxHeaders = 'proxy_set_header Connection "";';
/** Before whatever else HAProxy decides. */
const haproxyDefaults = '    option http-keep-alive\n';
const haproxyEndpoint = /    http-request return status 404 if !endpoint_1\n/;
const caddyProxy = 'reverse_proxy ';

const inNginx = (finds: string, ...plant: EngineExhibit['plant']): EngineExhibit => ({
  engine: 'nginx',
  finds,
  plant,
});
const inCaddy = (finds: string, ...plant: EngineExhibit['plant']): EngineExhibit => ({
  engine: 'caddy',
  finds,
  plant,
});
const inHaproxy = (finds: string, ...plant: EngineExhibit['plant']): EngineExhibit => ({
  engine: 'haproxy',
  finds,
  plant,
});
const inApache = (finds: string, ...plant: EngineExhibit['plant']): EngineExhibit => ({
  engine: 'apache',
  finds,
  plant,
});

export const engineExhibits: readonly EngineExhibit[] = [
  breaking(inNginx('http-not-found', [/proxy_pass http:\/\/mcp_1\/mcp;/g, 'proxy_pass http://mcp_1/;'])),
  inNginx('proxy-sibling-exposed', [
    nginxEndpoint,
    'location ^~ /mcp- { proxy_pass http://mcp_1; }\n        location = /mcp {',
  ]),
  inNginx('proxy-beneath-exposed', [
    nginxEndpoint,
    'location ^~ /mcp/breakwater { proxy_pass http://mcp_1; }\n        location = /mcp {',
  ]),
  inNginx('proxy-connection-close', [nginxEndpoint, 'keepalive_timeout 0;\n        location = /mcp {']),
  inNginx('proxy-compressed-events', [
    /gzip off;/,
    'gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 1;',
  ]),
  breaking(
    inNginx('mcp-session-lost', [
      /server 127\.0\.0\.1:\d+ max_fails=0;/,
      '$&\n        server 127.0.0.1:REPLICA max_fails=0;',
    ]),
  ),
  inNginx('limits-body', [/client_max_body_size [^;]*;/, 'client_max_body_size 1m;']),
  inNginx('limits-head', [/large_client_header_buffers [^;]*;/, 'large_client_header_buffers 4 2k;']),
  inNginx('mcp-foreign-origin', ['if ($origin_answer = refused) {', 'if ($origin_answer = never) {']),
  inNginx('proxy-error-pages', [
    /proxy_intercept_errors off;/,
    'proxy_intercept_errors on; error_page 400 404 /error.html;',
  ]),
  breaking(inNginx('http-post-refused', ['"^(GET|POST|DELETE)$"', '"^(GET|DELETE)$"'])),
  inNginx('mcp-delete-fails', [
    '"^(GET|POST|DELETE)$") {\n                return 405;',
    '"^(GET|POST)$") {\n                return 403;',
  ]),
  breaking(
    inNginx('http-server-error', [/server 127\.0\.0\.1:\d+ max_fails=0;/, 'server 127.0.0.1:9 max_fails=0;']),
  ),
  inNginx(
    'tls-old-protocol',
    [/ssl_protocols [^;]*;/g, 'ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;'],
    [/ssl_ciphers [^;]*;/g, 'ssl_ciphers ALL:@SECLEVEL=0;'],
  ),
  inNginx('tls-no-13', [/ssl_protocols [^;]*;/g, 'ssl_protocols TLSv1.2;']),
  inNginx('tls-no-h2', [/ ssl http2/g, ' ssl']),
  breaking(
    inNginx('proxy-session-header-lost', [
      nginxHeaders,
      `${nginxHeaders}\n            proxy_hide_header Mcp-Session-Id;`,
    ]),
  ),
  inNginx('proxy-cacheable', [
    nginxHeaders,
    `${nginxHeaders}\n            add_header Cache-Control "public, max-age=60" always;`,
  ]),
  inNginx('proxy-slash-redirect', [/location = \/mcp\/ \{[^}]*\}/, 'location = /mcp/ { return 307 /mcp; }']),
  inNginx('http-downgrade', [
    /location = \/mcp\/ \{[^}]*\}/,
    'location = /mcp/ { return 307 http://localhost/mcp; }',
  ]),
  inNginx('http-plain-takes-tokens', [/listen 127\.0\.0\.1:\d+ ssl http2;/, '$&\n        listen PLAIN;']),
  inCaddy('mcp-foreign-origin', ['respond @foreign 403', '']),
  breaking(inCaddy('http-server-error', [/reverse_proxy 127\.0\.0\.1:\d+/, `${caddyProxy}127.0.0.1:9`])),
  inCaddy('tls-no-h2', ['alpn h2 http/1.1', 'alpn http/1.1']),
  inHaproxy('proxy-connection-close', [haproxyDefaults, '    option httpclose\n']),
  breaking(inHaproxy('http-server-error', [/server (\S+) 127\.0\.0\.1:\d+/, 'server $1 127.0.0.1:9'])),
  inHaproxy('proxy-foreign-host', [/    http-request return status 421 unless known_host\n/, '']),
  inHaproxy(
    'proxy-sibling-exposed',
    [haproxyEndpoint, ''],
    ['acl endpoint_1 path /mcp /mcp/', 'acl endpoint_1 path_beg /mcp'],
    [/    http-request (?:set-path|replace-path)[^\n]*\n/g, ''],
  ),
  inHaproxy('tls-no-h2', ['alpn h2,http/1.1', 'alpn http/1.1']),
  breaking(inApache('http-server-error', [/(http:\/\/127\.0\.0\.1):\d+/g, '$1:9'])),
];
