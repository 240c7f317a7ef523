import type { FindingCase } from './finding-case.ts';

/** Nothing is found in it. */
export const haproxyClean = `global
    hard-stop-after 10m
    tune.bufsize 32768

defaults
    mode http
    option http-keep-alive
    option srvtcpka
    timeout connect 5s
    timeout client 1d
    timeout server 1d
    timeout http-request 10s
    retries 3
    retry-on conn-failure

frontend plain
    bind :80
    http-request deny unless METH_GET
    http-request redirect scheme https code 301

frontend public
    bind :443 ssl crt /etc/haproxy/mcp.pem alpn h2,http/1.1
    acl is_mcp path /mcp /mcp/
    http-request deny deny_status 421 unless { req.hdr(host),host_only -i mcp.example.com }
    http-request deny if { req.hdr(origin) -m found } !{ req.hdr(origin) https://mcp.example.com }
    http-request deny deny_status 401 unless { req.hdr(authorization) -m beg "Bearer " }
    stick-table type ip size 100k expire 1m store http_req_rate(10s)
    http-request track-sc0 src
    http-request deny deny_status 413 if { req.body_size gt 16777216 }
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
    http-request del-header X-Forwarded-User
    http-response set-header Strict-Transport-Security max-age=31536000
    use_backend mcp if is_mcp
    default_backend nothing

backend mcp
    stick-table type string len 128 size 100k expire 1d
    stick store-response res.hdr(mcp-session-id)
    stick match req.hdr(mcp-session-id)
    server one 127.0.0.1:8000 maxconn 1000

backend nothing
    http-request return status 404
`;

const server = 'server one 127.0.0.1:8000 maxconn 1000';
const two = 'server one 127.0.0.1:8000\n    server two 127.0.0.1:8001';
const stick =
  '    stick-table type string len 128 size 100k expire 1d\n    stick store-response res.hdr(mcp-session-id)\n    stick match req.hdr(mcp-session-id)\n';
const xff = 'http-request set-header X-Forwarded-For %[src]';
const hsts = 'http-response set-header Strict-Transport-Security max-age=31536000';
const auth = 'http-request deny deny_status 401 unless { req.hdr(authorization) -m beg "Bearer " }';
const origin = 'http-response set-header Access-Control-Allow-Origin';
const expose = 'http-response set-header Access-Control-Expose-Headers Mcp-Session-Id';
const bind = 'bind :443 ssl crt /etc/haproxy/mcp.pem alpn h2,http/1.1';
const cache = ['\ndefaults\n', '\ncache small\n    total-max-size 4\n    max-age 60\n\ndefaults\n'] as const;
const keep = 'option http-keep-alive';

export const haproxyCases: readonly FindingCase[] = [
  {
    id: 'haproxy-client-timeout-short',
    bad: [['timeout client 1d', 'timeout client 50000']],
    near: [['timeout client 1d', 'timeout client 5m']],
  },
  {
    id: 'haproxy-server-timeout-short',
    bad: [['timeout server 1d', 'timeout server 30s\n    timeout tunnel 1h']],
    near: [
      ['timeout server 1d', 'timeout server 30s'],
      [server, `timeout server 1h\n    ${server}`],
    ],
  },
  {
    id: 'haproxy-connections-closed',
    bad: [[keep, 'option httpclose']],
    near: [
      ['    http-request return status 404', '    option httpclose\n    http-request return status 404'],
    ],
  },
  {
    id: 'haproxy-server-connections-closed',
    bad: [[keep, 'option http-server-close']],
    near: [[server, `http-reuse safe\n    ${server}`]],
  },
  {
    id: 'haproxy-affinity-missing',
    bad: [
      [stick, ''],
      [server, `balance roundrobin\n    ${two}`],
    ],
    near: [
      [stick, ''],
      [server, `${two} backup`],
    ],
  },
  {
    id: 'haproxy-affinity-by-cookie',
    bad: [
      [stick, ''],
      [server, `cookie SRV insert\n    ${two}`],
    ],
    near: [[server, `cookie SRV insert\n    ${two}`]],
  },
  {
    id: 'haproxy-affinity-by-address',
    bad: [
      [stick, ''],
      [server, `balance source\n    ${two}`],
    ],
    near: [
      [stick, ''],
      [server, `balance source\n    ${server}`],
    ],
  },
  {
    id: 'haproxy-prefix-exposes-siblings',
    bad: [['acl is_mcp path /mcp /mcp/', 'acl is_mcp path_beg /mcp']],
    near: [['acl is_mcp path /mcp /mcp/', 'acl is_mcp path_beg /mcp/']],
  },
  {
    id: 'haproxy-whole-host-proxied',
    bad: [['use_backend mcp if is_mcp\n    default_backend nothing', 'default_backend mcp']],
  },
  {
    id: 'haproxy-path-rewritten',
    bad: [[server, `http-request replace-path /mcp(.*) /\\1\n    ${server}`]],
    near: [[server, `http-request set-path /v1/mcp\n    ${server}`]],
  },
  {
    id: 'haproxy-compression',
    bad: [[server, `compression algo gzip\n    ${server}`]],
    near: [[server, `compression algo gzip\n    compression type text/html\n    ${server}`]],
  },
  {
    id: 'haproxy-cache',
    bad: [cache, [server, `http-request cache-use small\n    ${server}`]],
    near: [cache, [server, `http-request cache-use small unless { path /mcp }\n    ${server}`]],
  },
  {
    id: 'haproxy-calls-retried',
    bad: [['retry-on conn-failure', 'retry-on all-retryable-errors']],
    near: [
      ['retry-on conn-failure', 'retry-on all-retryable-errors'],
      [server, `http-request disable-l7-retry if METH_POST\n    ${server}`],
    ],
  },
  {
    id: 'haproxy-no-socket-keepalive',
    bad: [['    option srvtcpka\n', '']],
    near: [['option srvtcpka', 'option tcpka']],
  },
  { id: 'haproxy-server-maxconn-low', bad: [[server, 'server one 127.0.0.1:8000 maxconn 10']] },
  {
    id: 'haproxy-upstream-unverified',
    bad: [[server, 'server one 10.0.0.5:8443 ssl verify none']],
    near: [[server, 'server one 10.0.0.5:8443 ssl verify required ca-file /etc/ca.pem']],
  },
  {
    id: 'haproxy-upstream-in-clear',
    bad: [[server, 'server one mcp.upstream.example.com:80']],
    near: [[server, 'server one mcp:8000']],
  },
  {
    id: 'haproxy-errors-replaced',
    bad: [[server, `http-response return status 503 if { status 500:599 }\n    ${server}`]],
    near: [[server, `http-response set-header X-Served-By edge if { status 500:599 }\n    ${server}`]],
  },
  {
    id: 'haproxy-methods-blocked',
    bad: [[server, `http-request deny unless METH_GET or METH_POST\n    ${server}`]],
    near: [[server, `http-request deny unless { method GET POST DELETE OPTIONS }\n    ${server}`]],
  },
  {
    id: 'haproxy-forwarded-for-appended',
    bad: [[xff, 'option forwardfor']],
    near: [[xff, 'http-request del-header X-Forwarded-For\n    option forwardfor']],
  },
  { id: 'haproxy-forwarded-for-missing', bad: [[`    ${xff}\n`, '']] },
  {
    id: 'haproxy-forwarded-proto-missing',
    bad: [['    http-request set-header X-Forwarded-Proto https\n', '']],
  },
  { id: 'haproxy-identity-headers', bad: [['    http-request del-header X-Forwarded-User\n', '']] },
  {
    id: 'haproxy-header-withheld',
    bad: [[hsts, `${hsts}\n    http-response del-header Mcp-Session-Id`]],
    near: [[hsts, `${hsts}\n    http-response del-header Server`]],
  },
  {
    id: 'haproxy-no-access-control',
    bad: [[`    ${auth}\n`, '']],
    near: [[auth, 'http-request deny unless { src 10.0.0.0/8 }']],
  },
  {
    id: 'haproxy-auth-basic',
    bad: [
      [auth, 'http-request auth realm MCP unless { http_auth(ops) }'],
      ['\ndefaults\n', '\nuserlist ops\n    user one insecure-password x\n\ndefaults\n'],
    ],
  },
  {
    id: 'haproxy-no-origin-guard',
    bad: [
      [
        '    http-request deny if { req.hdr(origin) -m found } !{ req.hdr(origin) https://mcp.example.com }\n',
        '',
      ],
    ],
  },
  {
    id: 'haproxy-no-host-guard',
    bad: [
      ['    http-request deny deny_status 421 unless { req.hdr(host),host_only -i mcp.example.com }\n', ''],
    ],
    near: [[bind, `${bind} strict-sni`]],
  },
  { id: 'haproxy-no-rate-limit', bad: [['    http-request track-sc0 src\n', '']] },
  {
    id: 'haproxy-no-request-timeout',
    bad: [['    timeout http-request 10s\n', '']],
    near: [['timeout http-request 10s', 'timeout http-request 1m']],
  },
  {
    id: 'haproxy-header-room',
    bad: [['tune.bufsize 32768', 'tune.bufsize 8192']],
    near: [['    tune.bufsize 32768\n', '']],
  },
  { id: 'haproxy-plain-http-endpoint', bad: [[bind, 'bind :8080']], near: [[bind, 'bind 127.0.0.1:8080']] },
  {
    id: 'haproxy-http-redirect-post',
    bad: [['    http-request deny unless METH_GET\n', '']],
    near: [
      ['    http-request deny unless METH_GET\n', ''],
      ['scheme https code 301', 'scheme https code 308'],
    ],
  },
  {
    id: 'haproxy-old-tls',
    bad: [[bind, `${bind} ssl-min-ver TLSv1.0`]],
    near: [[bind, `${bind} ssl-min-ver TLSv1.3`]],
  },
  { id: 'haproxy-no-http2', bad: [[' alpn h2,http/1.1', '']] },
  { id: 'haproxy-no-hsts', bad: [[`    ${hsts}\n`, '']] },
  {
    id: 'haproxy-cors-any-origin',
    bad: [[hsts, `${hsts}\n    ${origin} *\n    ${expose}`]],
    near: [[hsts, `${hsts}\n    ${origin} %[var(txn.origin)]\n    ${expose}`]],
  },
  {
    id: 'haproxy-cors-not-exposed',
    bad: [[hsts, `${hsts}\n    ${origin} https://app.example.com`]],
    near: [[hsts, `${hsts}\n    ${origin} https://app.example.com\n    ${expose}`]],
  },
  {
    id: 'haproxy-token-in-log',
    bad: [[hsts, `${hsts}\n    capture request header Authorization len 64`]],
    near: [[hsts, `${hsts}\n    capture request header User-Agent len 64`]],
  },
  {
    id: 'haproxy-stats-open',
    bad: [
      ['\n\nbackend nothing\n', '\n\nfrontend stats\n    bind :8404\n    stats enable\n\nbackend nothing\n'],
    ],
    near: [
      [
        '\n\nbackend nothing\n',
        '\n\nfrontend stats\n    bind 127.0.0.1:8404\n    stats enable\n\nbackend nothing\n',
      ],
    ],
  },
  { id: 'haproxy-old-workers-linger', bad: [['    hard-stop-after 10m\n', '']] },
  {
    id: 'haproxy-body-unlimited',
    bad: [['    http-request deny deny_status 413 if { req.body_size gt 16777216 }\n', '']],
  },
  {
    id: 'haproxy-no-endpoint',
    bad: [
      ['use_backend mcp if is_mcp', 'use_backend web if { path /web }'],
      ['backend mcp\n', 'backend web\n'],
      [server, 'server web 127.0.0.1:8000\nbackend files\n    server f 127.0.0.1:9000'],
      ['default_backend nothing', 'default_backend files'],
    ],
  },
];
