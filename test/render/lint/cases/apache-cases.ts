import type { FindingCase } from './finding-case.ts';

/** Nothing is found in it. */
export const apacheClean = `ServerName mcp.example.com
LogFormat "%h %t %m %U %>s" mcp

<VirtualHost *:80>
    ServerName refused.invalid
    Redirect 404 /
</VirtualHost>

<VirtualHost *:80>
    ServerName mcp.example.com
    RewriteEngine On
    RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$
    RewriteRule ^ - [F]
    Redirect 301 / https://mcp.example.com/
</VirtualHost>

<VirtualHost *:443>
    ServerName refused.invalid
    SSLEngine on
    Redirect 404 /
</VirtualHost>

<VirtualHost *:443>
    ServerName mcp.example.com
    Protocols h2 http/1.1
    SSLEngine on
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCertificateFile /etc/letsencrypt/live/mcp.example.com/fullchain.pem
    SSLCertificateKeyFile /etc/letsencrypt/live/mcp.example.com/privkey.pem
    LimitRequestFieldSize 16380
    LimitRequestBody 16777216
    CustomLog /var/log/apache2/mcp.log mcp
    Header always set Strict-Transport-Security max-age=31536000
    RequestHeader unset X-Forwarded-For early
    RequestHeader unset X-Forwarded-User
    RequestHeader set X-Forwarded-Proto https
    ProxyPreserveHost On
    RewriteEngine On
    RewriteCond %{HTTP:Origin} !^(https://mcp\\.example\\.com)?$
    RewriteRule ^/mcp - [F]
    <Location /mcp>
        Require valid-user
    </Location>
    ProxyPassMatch ^/mcp/?$ http://127.0.0.1:8000/mcp timeout=86400 retry=0 flushpackets=on keepalive=On
</VirtualHost>
`;

const pass = 'ProxyPassMatch ^/mcp/?$ http://127.0.0.1:8000/mcp timeout';
const plain = 'ProxyPass /mcp http://127.0.0.1:8000/mcp timeout';
const target = ' http://127.0.0.1:8000/mcp ';
const hsts = 'Header always set Strict-Transport-Security max-age=31536000';
const keep = 'ProxyPreserveHost On';
const access = 'Require valid-user';
const origin = 'Header always set Access-Control-Allow-Origin';
const expose = 'Header always set Access-Control-Expose-Headers Mcp-Session-Id';
const parameters = 'timeout=86400 retry=0 flushpackets=on keepalive=On';
const line = `ProxyPassMatch ^/mcp/?$ http://127.0.0.1:8000/mcp ${parameters}`;
const one = `${keep}\n<Proxy balancer://mcp>\nBalancerMember http://127.0.0.1:8000 ${parameters}\n</Proxy>`;
const second = `BalancerMember http://127.0.0.1:8001 ${parameters}\n`;
const toBalancer = [line, 'ProxyPassMatch ^/mcp/?$ balancer://mcp/mcp'] as const;
const balancer = [toBalancer, [keep, one.replace('</Proxy>', `${second}</Proxy>`)]] as const;

export const apacheCases: readonly FindingCase[] = [
  {
    id: 'apache-proxypass-path',
    bad: [[pass, 'ProxyPass /mcp http://127.0.0.1:8000/ timeout']],
    near: [[pass, plain]],
  },
  { id: 'apache-regex-unanchored', bad: [['^/mcp/?$ http', '/mcp http']] },
  { id: 'apache-paths-below-open', bad: [[pass, plain]] },
  {
    id: 'apache-endpoint-redirected',
    bad: [['RewriteRule ^/mcp - [F]', 'RewriteRule ^/mcp - [F]\nRewriteRule ^/mcp$ /mcp/ [R=301,L]']],
    near: [['RewriteRule ^/mcp - [F]', 'RewriteRule ^/mcp - [F]\nRewriteRule ^/old$ /new [R=301,L]']],
  },
  {
    id: 'apache-timeout-short',
    bad: [['timeout=86400 ', '']],
    near: [
      ['timeout=86400 ', ''],
      [keep, `${keep}\nProxyTimeout 3600`],
    ],
  },
  {
    id: 'apache-compression',
    bad: [[keep, `${keep}\nSetOutputFilter DEFLATE`]],
    near: [[keep, `${keep}\nAddOutputFilterByType DEFLATE text/html text/css`]],
  },
  { id: 'apache-flushpackets-missing', bad: [[' flushpackets=on', '']] },
  {
    id: 'apache-cache',
    bad: [[keep, `${keep}\nCacheEnable disk /`]],
    near: [[keep, `${keep}\nCacheEnable disk /files`]],
  },
  {
    id: 'apache-upstream-keepalive-off',
    bad: [[keep, `${keep}\nSetEnv proxy-nokeepalive 1`]],
    near: [[keep, `${keep}\nBrowserMatch "MSIE [2-6]" nokeepalive force-response-1.0`]],
  },
  {
    id: 'apache-request-spooled',
    bad: [[keep, `${keep}\nSetEnv proxy-sendcl 1`]],
    near: [[keep, `${keep}\nSetEnv proxy-sendchunked 1`]],
  },
  { id: 'apache-no-socket-keepalive', bad: [[' keepalive=On', '']] },
  { id: 'apache-upstream-pause', bad: [[' retry=0', '']] },
  {
    id: 'apache-affinity-missing',
    bad: balancer,
    near: [toBalancer, [keep, one]],
  },
  {
    id: 'apache-affinity-by-cookie',
    bad: [
      ...balancer,
      [
        second,
        `${second}ProxySet stickysession=ROUTE
`,
      ],
    ],
    near: balancer,
  },
  {
    id: 'apache-host-missing',
    bad: [
      [target, ' http://mcp:8000/mcp '],
      [`    ${keep}\n`, ''],
    ],
    near: [[`    ${keep}\n`, '']],
  },
  {
    id: 'apache-errors-replaced',
    bad: [[keep, `${keep}\nProxyErrorOverride On`]],
    near: [[keep, `${keep}\nErrorDocument 503 /down.html`]],
  },
  {
    id: 'apache-upstream-unverified',
    bad: [[target, ' https://10.0.0.5/mcp ']],
    near: [
      [target, ' https://10.0.0.5/mcp '],
      [keep, `${keep}\nSSLProxyVerify require`],
    ],
  },
  {
    id: 'apache-upstream-in-clear',
    bad: [[target, ' http://mcp.upstream.example.com/mcp ']],
    near: [[target, ' http://10.0.0.5:8000/mcp ']],
  },
  {
    id: 'apache-open-proxy',
    bad: [[keep, `${keep}\nProxyRequests On`]],
    near: [[keep, `${keep}\nProxyRequests Off`]],
  },
  {
    id: 'apache-client-keepalive-off',
    bad: [[keep, `${keep}\nKeepAlive Off`]],
    near: [[keep, `${keep}\nKeepAlive On`]],
  },
  {
    id: 'apache-methods-blocked',
    bad: [[access, `${access}\n<LimitExcept GET POST>\nRequire all denied\n</LimitExcept>`]],
    near: [[access, `${access}\n<LimitExcept GET POST DELETE OPTIONS>\nRequire all denied\n</LimitExcept>`]],
  },
  { id: 'apache-forwarded-for-appended', bad: [['    RequestHeader unset X-Forwarded-For early\n', '']] },
  { id: 'apache-forwarded-proto-missing', bad: [['    RequestHeader set X-Forwarded-Proto https\n', '']] },
  { id: 'apache-identity-headers', bad: [['    RequestHeader unset X-Forwarded-User\n', '']] },
  {
    id: 'apache-header-withheld',
    bad: [[hsts, `${hsts}\nHeader unset Mcp-Session-Id`]],
    near: [[hsts, `${hsts}\nHeader unset X-Powered-By`]],
  },
  {
    id: 'apache-no-access-control',
    bad: [[access, 'Require all granted']],
    near: [[access, 'Require ip 10.0.0.0/8']],
  },
  {
    id: 'apache-auth-basic',
    bad: [[access, `AuthType Basic\n${access}`]],
    near: [[access, `AuthType oauth20\n${access}`]],
  },
  {
    id: 'apache-no-origin-guard',
    bad: [
      ['    RewriteCond %{HTTP:Origin} !^(https://mcp\\.example\\.com)?$\n    RewriteRule ^/mcp - [F]\n', ''],
    ],
  },
  {
    id: 'apache-no-host-guard',
    bad: [
      [
        '<VirtualHost *:443>\n    ServerName refused.invalid\n    SSLEngine on\n    Redirect 404 /\n</VirtualHost>\n',
        '',
      ],
    ],
  },
  {
    id: 'apache-plain-http-endpoint',
    bad: [
      ['<VirtualHost *:443>\n    ServerName mcp', '<VirtualHost *:8080>\n    ServerName mcp'],
      ['    SSLEngine on\n    SSLProtocol', '    SSLProtocol'],
    ],
    near: [
      ['<VirtualHost *:443>\n    ServerName mcp', '<VirtualHost 127.0.0.1:8080>\n    ServerName mcp'],
      ['    SSLEngine on\n    SSLProtocol', '    SSLProtocol'],
    ],
  },
  {
    id: 'apache-http-redirect-post',
    bad: [['    RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$\n    RewriteRule ^ - [F]\n', '']],
  },
  {
    id: 'apache-old-tls',
    bad: [['SSLProtocol -all +TLSv1.2 +TLSv1.3', 'SSLProtocol all -SSLv3']],
    near: [['SSLProtocol -all +TLSv1.2 +TLSv1.3', 'SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1']],
  },
  {
    id: 'apache-certificate-untrusted',
    bad: [['/etc/letsencrypt/live/mcp.example.com/fullchain.pem', '/etc/ssl/certs/ssl-cert-snakeoil.pem']],
  },
  {
    id: 'apache-certificate-chain',
    bad: [['mcp.example.com/fullchain.pem', 'mcp.example.com/cert.pem']],
    near: [['mcp.example.com/fullchain.pem', 'mcp.example.com/mcp.crt']],
  },
  { id: 'apache-no-http2', bad: [['    Protocols h2 http/1.1\n', '']] },
  { id: 'apache-no-hsts', bad: [[hsts, 'Header set Strict-Transport-Security max-age=31536000']] },
  {
    id: 'apache-cors-any-origin',
    bad: [[hsts, `${hsts}\n${origin} *\n${expose}`]],
    near: [[hsts, `${hsts}\n${origin} "%{HTTP_ORIGIN}e" env=HTTP_ORIGIN\n${expose}`]],
  },
  {
    id: 'apache-cors-not-exposed',
    bad: [[hsts, `${hsts}\n${origin} https://app.example.com`]],
    near: [[hsts, `${hsts}\n${origin} https://app.example.com\n${expose}`]],
  },
  {
    id: 'apache-body-limit-small',
    bad: [['LimitRequestBody 16777216', 'LimitRequestBody 102400']],
    near: [['LimitRequestBody 16777216', 'LimitRequestBody 4194304']],
  },
  { id: 'apache-body-unlimited', bad: [['    LimitRequestBody 16777216\n', '']] },
  { id: 'apache-header-room', bad: [['LimitRequestFieldSize 16380', 'LimitRequestFieldSize 4096']] },
  {
    id: 'apache-slow-clients',
    bad: [[keep, `${keep}\nRequestReadTimeout header=0 body=0`]],
    near: [[keep, `${keep}\nRequestReadTimeout header=10 body=30`]],
  },
  {
    id: 'apache-token-in-log',
    bad: [['%h %t %m %U %>s', '%h %t %m %U %>s %{Authorization}i']],
    near: [['%h %t %m %U %>s', '%h %t %m %U %>s %{User-Agent}i']],
  },
  {
    id: 'apache-status-open',
    bad: [[keep, `${keep}\n<Location /server-status>\nSetHandler server-status\n</Location>`]],
    near: [
      [keep, `${keep}\n<Location /server-status>\nSetHandler server-status\nRequire local\n</Location>`],
    ],
  },
  {
    id: 'apache-include-unread',
    bad: [[keep, `${keep}\nInclude extra.conf`]],
    near: [[keep, `${keep}\nIncludeOptional extra/*.conf`]],
  },
  { id: 'apache-no-endpoint', bad: [[pass, 'ProxyPassMatch ^/mcp/?$ ! timeout']] },
];
