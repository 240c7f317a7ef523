import type { FindingCase } from './finding-case.ts';

/** Nothing is found in it. */
export const nginxClean = `worker_shutdown_timeout 10m;
events {
    worker_connections 1024;
}
http {
    log_format mcp '$remote_addr $request_method $uri $status';
    map $http_origin $allowed_origin {
        default 0;
        "" 1;
        "https://mcp.example.com" 1;
    }
    limit_conn_zone $binary_remote_addr zone=streams:1m;
    upstream mcp_backend {
        server 127.0.0.1:8000;
        keepalive 32;
    }
    server {
        listen 80 default_server;
        return 404;
    }
    server {
        listen 443 ssl default_server;
        ssl_reject_handshake on;
    }
    server {
        listen 80;
        server_name mcp.example.com;
        location / {
            if ($request_method !~ ^(GET|HEAD)$) { return 403; }
            return 301 https://$host$request_uri;
        }
    }
    server {
        listen 443 ssl;
        http2 on;
        server_name mcp.example.com;
        ssl_certificate /etc/letsencrypt/live/mcp.example.com/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/mcp.example.com/privkey.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        large_client_header_buffers 4 16k;
        client_max_body_size 16m;
        access_log /var/log/nginx/mcp.log mcp;
        add_header Strict-Transport-Security "max-age=31536000" always;
        location = /mcp {
            if ($allowed_origin = 0) { return 403; }
            auth_request /_authz;
            limit_conn streams 20;
            proxy_pass http://mcp_backend;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_read_timeout 1d;
            proxy_socket_keepalive on;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Forwarded "";
            proxy_set_header X-Forwarded-User "";
        }
        location = /_authz {
            internal;
            proxy_pass http://127.0.0.1:9000;
        }
    }
}
`;

const location = 'location = /mcp {';
const pass = 'proxy_pass http://mcp_backend;';
const tls = 'ssl_protocols TLSv1.2 TLSv1.3;';
const hsts = 'add_header Strict-Transport-Security "max-age=31536000" always;';
const twoServers = 'server 127.0.0.1:8000; server 127.0.0.1:8001;';
const server = 'server 127.0.0.1:8000;';
const origin = 'add_header Access-Control-Allow-Origin';
const auth = 'auth_request /_authz;';
const name = '        server_name mcp.example.com;\n        ssl_certificate ';

export const nginxCases: readonly FindingCase[] = [
  {
    id: 'nginx-proxy-pass-uri',
    bad: [
      [location, 'location /mcp {'],
      [pass, 'proxy_pass http://mcp_backend/;'],
    ],
    near: [
      [location, 'location /mcp {'],
      [pass, 'proxy_pass http://mcp_backend/mcp;'],
    ],
  },
  {
    id: 'nginx-path-rewrite',
    bad: [[pass, `rewrite ^/mcp(.*)$ /$1 break; ${pass}`]],
    near: [[pass, `rewrite ^/v1/mcp$ /mcp break; ${pass}`]],
  },
  {
    id: 'nginx-prefix-exposes-siblings',
    bad: [[location, 'location /mcp {']],
    near: [[location, 'location = /mcp { proxy_pass http://mcp_backend; }\nlocation /mcp/ {']],
  },
  {
    id: 'nginx-whole-host-proxied',
    bad: [[location, 'location / {']],
  },
  {
    id: 'nginx-regex-unanchored',
    bad: [[location, 'location ~ /mcp {']],
    near: [[location, 'location ~ ^/mcp/?$ {']],
  },
  {
    id: 'nginx-slash-redirect',
    bad: [[location, 'location /mcp/ {']],
    near: [[location, 'location ~ ^/mcp/?$ {']],
  },
  {
    id: 'nginx-endpoint-redirected',
    bad: [[location, 'location = /mcp/ { return 301 /mcp; }\nlocation = /mcp {']],
    near: [[location, 'location = /old { return 301 /new; }\nlocation = /mcp {']],
  },
  {
    id: 'nginx-proxy-in-if',
    bad: [[pass, `if ($request_method = POST) { ${pass} }`]],
  },
  {
    id: 'nginx-methods-blocked',
    bad: [[pass, `limit_except GET POST { deny all; } ${pass}`]],
    near: [[pass, `limit_except GET POST DELETE OPTIONS { deny all; } ${pass}`]],
  },
  {
    id: 'nginx-well-known-swallowed',
    bad: [[location, `location ^~ /.well-known/ { root /var/www; }\n${location}`]],
    near: [[location, `location ^~ /.well-known/acme-challenge/ { root /var/www; }\n${location}`]],
  },
  {
    id: 'nginx-chunked-off',
    bad: [[pass, `${pass} chunked_transfer_encoding off;`]],
    near: [[location, `location = /files { chunked_transfer_encoding off; }\n${location}`]],
  },
  {
    id: 'nginx-buffering-on',
    bad: [['            proxy_buffering off;\n', '']],
    near: [
      ['proxy_buffering off;', ''],
      [tls, `${tls} proxy_buffering off;`],
    ],
  },
  {
    id: 'nginx-request-buffering-off',
    bad: [[pass, `${pass} proxy_request_buffering off;`]],
    near: [[pass, `${pass} proxy_request_buffering on;`]],
  },
  {
    id: 'nginx-gzip-event-stream',
    bad: [[tls, `${tls} gzip on; gzip_types text/css text/event-stream;`]],
    near: [[tls, `${tls} gzip on; gzip_types text/css application/json;`]],
  },
  {
    id: 'nginx-cache',
    bad: [[tls, `${tls} proxy_cache answers;`]],
    near: [
      [tls, `${tls} proxy_cache answers;`],
      [pass, `${pass} proxy_cache off;`],
    ],
  },
  {
    id: 'nginx-read-timeout-short',
    bad: [['            proxy_read_timeout 1d;\n', '']],
    near: [['proxy_read_timeout 1d;', 'proxy_read_timeout 5m;']],
  },
  {
    id: 'nginx-send-timeout-short',
    bad: [[tls, `${tls} send_timeout 5s;`]],
    near: [[tls, `${tls} send_timeout 1m;`]],
  },
  {
    id: 'nginx-no-socket-keepalive',
    bad: [['proxy_socket_keepalive on;', 'proxy_socket_keepalive off;']],
    near: [
      ['proxy_socket_keepalive on;', ''],
      ['http {', 'http { proxy_socket_keepalive on;'],
    ],
  },
  {
    id: 'nginx-upstream-http10',
    bad: [['            proxy_http_version 1.1;\n', '']],
  },
  {
    id: 'nginx-connection-close',
    bad: [['            proxy_set_header Connection "";\n', '']],
    near: [['proxy_set_header Connection "";', "proxy_set_header connection '';"]],
  },
  {
    id: 'nginx-connection-upgrade',
    bad: [['proxy_set_header Connection "";', 'proxy_set_header Connection "upgrade";']],
    near: [['proxy_set_header Connection "";', 'proxy_set_header Connection $connection_upgrade;']],
  },
  {
    id: 'nginx-no-upstream-keepalive',
    bad: [['keepalive 32;', '']],
  },
  {
    id: 'nginx-keepalive-requests-low',
    bad: [['keepalive 32;', 'keepalive 32; keepalive_requests 10;']],
    near: [['keepalive 32;', 'keepalive 32; keepalive_requests 10000;']],
  },
  {
    id: 'nginx-client-keepalive-off',
    bad: [[tls, `${tls} keepalive_timeout 0;`]],
    near: [[tls, `${tls} keepalive_timeout 30s;`]],
  },
  {
    id: 'nginx-forwarded-for-appended',
    bad: [['X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for']],
    near: [
      ['X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for'],
      [tls, `${tls} set_real_ip_from 10.0.0.1;`],
    ],
  },
  {
    id: 'nginx-forwarded-for-missing',
    bad: [['            proxy_set_header X-Forwarded-For $remote_addr;\n', '']],
  },
  {
    id: 'nginx-forwarded-proto-missing',
    bad: [['            proxy_set_header X-Forwarded-Proto $scheme;\n', '']],
    near: [['X-Forwarded-Proto $scheme', 'X-Forwarded-Proto https']],
  },
  {
    id: 'nginx-forwarded-passed',
    bad: [['            proxy_set_header Forwarded "";\n', '']],
  },
  {
    id: 'nginx-identity-headers',
    bad: [['            proxy_set_header X-Forwarded-User "";\n', '']],
    near: [['X-Forwarded-User ""', 'X-Forwarded-User $user']],
  },
  {
    id: 'nginx-host-missing',
    bad: [['            proxy_set_header Host $host;\n', '']],
    near: [
      ['proxy_set_header Host $host;', ''],
      [pass, 'proxy_pass http://127.0.0.1:8000;'],
    ],
  },
  {
    id: 'nginx-set-header-dropped',
    bad: [[tls, `${tls} proxy_set_header X-Real-IP $remote_addr;`]],
    near: [[tls, `${tls} proxy_set_header X-Forwarded-Proto https;`]],
  },
  {
    id: 'nginx-add-header-dropped',
    bad: [[pass, `${pass} add_header X-Served-By edge always;`]],
    near: [[pass, `${pass} ${hsts}`]],
  },
  {
    id: 'nginx-header-withheld',
    bad: [[pass, `${pass} proxy_hide_header Mcp-Session-Id;`]],
    near: [[pass, `${pass} proxy_hide_header X-Powered-By;`]],
  },
  {
    id: 'nginx-underscores-in-headers',
    bad: [[tls, `${tls} underscores_in_headers on;`]],
    near: [[tls, `${tls} underscores_in_headers off;`]],
  },
  {
    id: 'nginx-errors-intercepted',
    bad: [[tls, `${tls} proxy_intercept_errors on; error_page 404 /404.html;`]],
    near: [[tls, `${tls} error_page 404 /404.html;`]],
  },
  {
    id: 'nginx-error-page-status',
    bad: [[tls, `${tls} error_page 502 504 =200 /down.html;`]],
    near: [[tls, `${tls} error_page 502 504 =503 /down.html;`]],
  },
  {
    id: 'nginx-retry-non-idempotent',
    bad: [[pass, `${pass} proxy_next_upstream error timeout non_idempotent;`]],
    near: [[pass, `${pass} proxy_next_upstream error timeout http_502;`]],
  },
  {
    id: 'nginx-affinity-missing',
    bad: [[server, twoServers]],
    near: [[server, 'server 127.0.0.1:8000; server 127.0.0.1:8001 backup;']],
  },
  {
    id: 'nginx-affinity-by-address',
    bad: [[server, `ip_hash; ${twoServers}`]],
    near: [[server, `hash $http_authorization consistent; ${twoServers}`]],
  },
  {
    id: 'nginx-no-access-control',
    bad: [[auth, '']],
    near: [[auth, 'allow 10.0.0.0/8; deny all;']],
  },
  {
    id: 'nginx-auth-basic',
    bad: [[auth, 'auth_basic "MCP"; auth_basic_user_file /etc/nginx/users;']],
    near: [
      [tls, `${tls} auth_basic "Site";`],
      [auth, `${auth} auth_basic off;`],
    ],
  },
  {
    id: 'nginx-no-origin-guard',
    bad: [
      [auth, 'allow 10.0.0.0/8; deny all;'],
      ['if ($allowed_origin = 0) { return 403; }', ''],
    ],
    near: [[auth, 'allow 10.0.0.0/8; deny all;']],
  },
  {
    id: 'nginx-no-host-guard',
    bad: [[name, name.replace('mcp.example.com', '_')]],
    near: [
      [
        'listen 443 ssl default_server;\n        ssl_reject_handshake on;',
        'listen 443 ssl default_server;\n        return 444;',
      ],
    ],
  },
  {
    id: 'nginx-no-rate-limit',
    bad: [['            limit_conn streams 20;\n', '']],
    near: [['limit_conn streams 20;', 'limit_req zone=calls burst=20; limit_req_status 429;']],
  },
  {
    id: 'nginx-cors-any-origin-credentials',
    bad: [
      [
        hsts,
        `${hsts} ${origin} $http_origin always; add_header Access-Control-Allow-Credentials true always; add_header Access-Control-Expose-Headers Mcp-Session-Id always;`,
      ],
    ],
    near: [
      [
        hsts,
        `${hsts} ${origin} "https://app.example.com" always; add_header Access-Control-Allow-Credentials true always;`,
      ],
    ],
  },
  {
    id: 'nginx-cors-any-origin',
    bad: [
      [hsts, `${hsts} ${origin} * always; add_header Access-Control-Expose-Headers Mcp-Session-Id always;`],
    ],
    near: [[hsts, `${hsts} ${origin} "https://app.example.com" always;`]],
  },
  {
    id: 'nginx-cors-not-exposed',
    bad: [[hsts, `${hsts} ${origin} "https://app.example.com" always;`]],
    near: [
      [
        hsts,
        `${hsts} ${origin} "https://app.example.com" always; add_header Access-Control-Expose-Headers "mcp-session-id" always;`,
      ],
    ],
  },
  {
    id: 'nginx-cors-headers-refused',
    bad: [[hsts, `${hsts} add_header Access-Control-Allow-Headers "Content-Type, Authorization" always;`]],
    near: [[hsts, `${hsts} add_header Access-Control-Allow-Headers "*" always;`]],
  },
  {
    id: 'nginx-add-header-not-always',
    bad: [[hsts, hsts.replace(' always', '')]],
    near: [[hsts, `${hsts} add_header X-Served-By edge;`]],
  },
  {
    id: 'nginx-no-hsts',
    bad: [[hsts, '']],
    near: [[hsts, 'add_header strict-transport-security "max-age=1" always;']],
  },
  {
    id: 'nginx-listen-http2',
    bad: [['listen 443 ssl;\n        http2 on;', 'listen 443 ssl http2;']],
    version: '1.27.0',
  },
  {
    id: 'nginx-no-http2',
    bad: [['        http2 on;\n', '']],
    near: [['listen 443 ssl;\n        http2 on;', 'listen 443 ssl http2;']],
  },
  {
    id: 'nginx-old-tls',
    bad: [[tls, 'ssl_protocols TLSv1.1 TLSv1.2;']],
    near: [[tls, 'ssl_protocols TLSv1.3;']],
  },
  {
    id: 'nginx-tls-versions-default',
    bad: [[tls, '']],
  },
  {
    id: 'nginx-certificate-chain',
    bad: [['mcp.example.com/fullchain.pem', 'mcp.example.com/cert.pem']],
    near: [['/etc/letsencrypt/live/mcp.example.com/fullchain.pem', '/etc/ssl/mcp.crt']],
  },
  {
    id: 'nginx-plain-http-endpoint',
    bad: [['listen 443 ssl;\n        http2 on;', 'listen 8080;']],
    near: [['listen 443 ssl;\n        http2 on;', 'listen 127.0.0.1:8080;']],
  },
  {
    id: 'nginx-http-redirect-post',
    bad: [['if ($request_method !~ ^(GET|HEAD)$) { return 403; }', '']],
  },
  {
    id: 'nginx-upstream-in-clear',
    bad: [[server, 'server mcp.internal.example.com:8000;']],
    near: [[server, 'server 10.1.2.3:8000;']],
  },
  {
    id: 'nginx-upstream-unverified',
    bad: [
      [pass, 'proxy_pass https://mcp_backend;'],
      [server, 'server 10.1.2.3:8443;'],
    ],
    near: [
      [pass, 'proxy_pass https://mcp_backend; proxy_ssl_verify on;'],
      [server, 'server 10.1.2.3:8443;'],
    ],
  },
  {
    id: 'nginx-upstream-sni-off',
    bad: [
      [pass, 'proxy_pass https://mcp_backend; proxy_ssl_verify on;'],
      [server, 'server up.example.com:443;'],
    ],
    near: [
      [pass, 'proxy_pass https://mcp_backend; proxy_ssl_verify on; proxy_ssl_server_name on;'],
      [server, 'server up.example.com:443;'],
    ],
  },
  {
    id: 'nginx-body-limit-small',
    bad: [['        client_max_body_size 16m;\n', '']],
    near: [['client_max_body_size 16m;', 'client_max_body_size 4m;']],
  },
  {
    id: 'nginx-body-unlimited',
    bad: [['client_max_body_size 16m;', 'client_max_body_size 0;']],
  },
  {
    id: 'nginx-header-room',
    bad: [['large_client_header_buffers 4 16k;', 'large_client_header_buffers 4 4k;']],
    near: [['large_client_header_buffers 4 16k;', 'large_client_header_buffers 8 32k;']],
  },
  {
    id: 'nginx-old-workers-linger',
    bad: [['worker_shutdown_timeout 10m;\n', '']],
    near: [
      ['worker_shutdown_timeout 10m;\n', ''],
      ['proxy_read_timeout 1d;', 'proxy_read_timeout 5m;'],
    ],
  },
  {
    id: 'nginx-resolver-missing',
    bad: [[pass, 'set $up mcp.internal; proxy_pass http://$up:8000;']],
    near: [[pass, 'resolver 127.0.0.11; set $up mcp.internal; proxy_pass http://$up:8000;']],
  },
  {
    id: 'nginx-token-in-log',
    bad: [['$request_method $uri $status', '$request_method $uri $status $http_authorization']],
    near: [["'$remote_addr $request_method", "'$remote_addr $http_user_agent $request_method"]],
  },
  {
    id: 'nginx-query-token-in-log',
    bad: [
      [' /var/log/nginx/mcp.log mcp;', ' /var/log/nginx/mcp.log;'],
      [auth, `${auth} set $key $arg_token;`],
    ],
    near: [[auth, `${auth} set $key $arg_token;`]],
  },
  {
    id: 'nginx-slow-clients',
    bad: [[tls, `${tls} client_header_timeout 1h;`]],
    near: [[tls, `${tls} client_header_timeout 30s;`]],
  },
  {
    id: 'nginx-status-open',
    bad: [[location, `location /status { stub_status; }\n${location}`]],
    near: [[location, `location /status { stub_status; allow 127.0.0.1; deny all; }\n${location}`]],
  },
  {
    id: 'nginx-rate-limit-status',
    bad: [['limit_conn streams 20;', 'limit_req zone=calls burst=20;']],
    near: [['limit_conn streams 20;', 'limit_req zone=calls; limit_req_status 429;']],
  },
  {
    id: 'nginx-connection-limit-small',
    bad: [['limit_conn streams 20;', 'limit_conn streams 2;']],
    near: [['limit_conn streams 20;', 'limit_conn streams 5;']],
  },
  {
    id: 'nginx-preflight-refused',
    bad: [
      [
        hsts,
        `${hsts} ${origin} "https://app.example.com" always; add_header Access-Control-Expose-Headers Mcp-Session-Id always;`,
      ],
    ],
    near: [
      [hsts, `${hsts} ${origin} "https://app.example.com" always;`],
      [auth, `${auth} if ($request_method = OPTIONS) { return 204; }`],
    ],
  },
  {
    id: 'nginx-rate-limit-without-burst',
    bad: [
      ['limit_conn streams 20;', 'limit_req zone=calls; limit_req_status 429;'],
      ['limit_conn_zone ', 'limit_req_zone $binary_remote_addr zone=calls:1m rate=10r/s; limit_conn_zone '],
    ],
    near: [['limit_conn streams 20;', 'limit_req zone=calls burst=50; limit_req_status 429;']],
  },
  {
    id: 'nginx-certificate-untrusted',
    bad: [['/etc/letsencrypt/live/mcp.example.com/fullchain.pem', '/etc/ssl/certs/ssl-cert-snakeoil.pem']],
    near: [['/etc/letsencrypt/live/mcp.example.com/fullchain.pem', '/etc/ssl/certs/mcp.example.com.pem']],
  },
  {
    id: 'nginx-include-unread',
    bad: [[pass, `${pass} include proxy-headers.conf;`]],
    near: [[tls, `${tls} include mime.types; include extra/*.conf;`]],
  },
  {
    id: 'nginx-no-endpoint',
    bad: [
      [location, 'location = /files {'],
      [pass, 'root /srv;'],
    ],
  },
];
