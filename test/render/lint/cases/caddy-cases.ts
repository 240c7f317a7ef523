import type { FindingCase } from './finding-case.ts';

/** Nothing is found in it. */
export const caddyClean = `{
	grace_period 10m
	servers {
		timeouts {
			read_header 10s
		}
	}
}

mcp.example.com {
	header Strict-Transport-Security max-age=31536000
	request_body {
		max_size 16MB
	}
	@stranger {
		header Origin *
		not header Origin https://mcp.example.com
	}
	respond @stranger 403
	@mcp path /mcp /mcp/
	handle @mcp {
		forward_auth 127.0.0.1:9000 {
			uri /authz
		}
		reverse_proxy 127.0.0.1:8000 {
			header_up -X-Forwarded-User
			header_up -Remote-*
			transport http {
				keepalive 90s
			}
		}
	}
	handle {
		respond 404
	}
}
`;

const handle = 'handle @mcp {';
const proxy = 'reverse_proxy 127.0.0.1:8000 {';
const two = 'reverse_proxy 127.0.0.1:8000 127.0.0.1:8001 {';
const auth = 'forward_auth 127.0.0.1:9000 {\n\t\t\turi /authz\n\t\t}';
const hsts = 'header Strict-Transport-Security max-age=31536000';
const site = 'mcp.example.com {';
const keep = 'keepalive 90s';
const origin = 'header Access-Control-Allow-Origin';
const expose = 'header Access-Control-Expose-Headers Mcp-Session-Id';

export const caddyCases: readonly FindingCase[] = [
  {
    id: 'caddy-path-stripped',
    bad: [[handle, 'handle_path /mcp* {']],
    near: [[handle, 'handle_path /api/* {\n\t\t@own path /mcp']],
    path: '/mcp',
  },
  {
    id: 'caddy-path-rewritten',
    bad: [[proxy, `rewrite * /\n${proxy}`]],
    near: [[proxy, `rewrite * /v1/mcp\n${proxy}`]],
  },
  {
    id: 'caddy-prefix-exposes-siblings',
    bad: [[handle, 'handle /mcp* {']],
    near: [['path /mcp /mcp/', 'path /mcp /mcp/*']],
  },
  { id: 'caddy-whole-host-proxied', bad: [[handle, 'handle {']] },
  {
    id: 'caddy-bare-path-missed',
    bad: [['path /mcp /mcp/', 'path /mcp/*']],
    near: [['path /mcp /mcp/', 'path /mcp/* /mcp']],
  },
  {
    id: 'caddy-endpoint-redirected',
    bad: [[handle, `redir /mcp /mcp/\n${handle}`]],
    near: [[handle, `redir /mcp/old /mcp 308\n${handle}`]],
  },
  {
    id: 'caddy-compression',
    bad: [[hsts, `encode zstd gzip\n${hsts}`]],
    near: [
      [
        hsts,
        `@pages not path /mcp /mcp/\nencode @pages gzip\nencode {\nmatch {\nheader Content-Type text/css*\n}\n}\n${hsts}`,
      ],
    ],
  },
  {
    id: 'caddy-flush-interval',
    bad: [[proxy, `${proxy}\nflush_interval 5s`]],
    near: [[proxy, `${proxy}\nflush_interval -1`]],
  },
  {
    id: 'caddy-response-buffered',
    bad: [[proxy, `${proxy}\nbuffer_responses`]],
    near: [[proxy, `${proxy}\nflush_interval -1`]],
  },
  {
    id: 'caddy-read-timeout-short',
    bad: [[keep, 'read_timeout 60s']],
    near: [[keep, 'read_timeout 24h\ndial_timeout 5s']],
  },
  {
    id: 'caddy-write-timeout',
    bad: [['read_header 10s', 'read_header 10s\nwrite 30s']],
    near: [['read_header 10s', 'read_header 10s\nidle 5m']],
  },
  { id: 'caddy-slow-clients', bad: [['read_header 10s', 'idle 5m']] },
  {
    id: 'caddy-upstream-keepalive-off',
    bad: [[keep, 'keepalive off']],
    near: [[keep, 'keepalive_interval 30s']],
  },
  { id: 'caddy-affinity-missing', bad: [[proxy, two]], near: [[proxy, `${two}\nlb_policy ip_hash`]] },
  {
    id: 'caddy-affinity-by-cookie',
    bad: [[proxy, `${two}\nlb_policy cookie`]],
    near: [[proxy, `${proxy}\nlb_policy cookie`]],
  },
  {
    id: 'caddy-calls-retried',
    bad: [[proxy, `${proxy}\nlb_retries 2\nlb_retry_match {\nmethod POST GET\n}`]],
    near: [[proxy, `${proxy}\nlb_retries 2\nlb_retry_match {\nmethod GET\n}`]],
  },
  {
    id: 'caddy-upstream-unverified',
    bad: [
      [proxy, 'reverse_proxy https://10.0.0.5 {'],
      [keep, 'tls_insecure_skip_verify'],
    ],
    near: [
      [proxy, 'reverse_proxy https://127.0.0.1:8443 {'],
      [keep, 'tls_insecure_skip_verify'],
    ],
  },
  {
    id: 'caddy-upstream-in-clear',
    bad: [[proxy, 'reverse_proxy mcp.upstream.example.com:80 {']],
    near: [[proxy, 'reverse_proxy mcp:8000 {']],
  },
  {
    id: 'caddy-errors-replaced',
    bad: [[proxy, `${proxy}\n@down status 5xx\nhandle_response @down {\nrespond "down" 503\n}`]],
    near: [[hsts, `${hsts}\nhandle_errors {\nrespond "down"\n}`]],
  },
  { id: 'caddy-no-access-control', bad: [[auth, '']], near: [[auth, '@in remote_ip 10.0.0.0/8']] },
  {
    id: 'caddy-auth-basic',
    bad: [[auth, 'basicauth {\nops $2a$14$x\n}']],
    near: [['handle {', 'handle /files* {\nbasicauth {\nops $2a$14$x\n}\n}\nhandle {']],
  },
  {
    id: 'caddy-no-origin-guard',
    bad: [
      [auth, '@in remote_ip 10.0.0.0/8'],
      ['header Origin *\n\t\tnot header Origin https://mcp.example.com', 'path /x'],
    ],
    near: [[auth, '@in remote_ip 10.0.0.0/8']],
  },
  { id: 'caddy-no-host-guard', bad: [[site, ':443 {']], near: [[site, 'mcp.example.com:443 {']] },
  {
    id: 'caddy-plain-http-endpoint',
    bad: [[site, 'http://mcp.example.com {']],
    near: [[site, 'http://localhost:8080 {']],
  },
  {
    id: 'caddy-http-redirect-post',
    bad: [[site, `http://mcp.example.com {\nredir https://{host}{uri}\n}\n${site}`]],
    near: [
      [site, `http://mcp.example.com {\n@page method GET\nredir @page https://{host}{uri} 308\n}\n${site}`],
    ],
  },
  {
    id: 'caddy-certificate-internal',
    bad: [[hsts, `tls internal\n${hsts}`]],
    near: [[hsts, `tls ops@example.com\n${hsts}`]],
  },
  {
    id: 'caddy-no-hsts',
    bad: [[hsts, '']],
    near: [[hsts, 'header {\n?Strict-Transport-Security max-age=1\n}']],
  },
  {
    id: 'caddy-cors-any-origin',
    bad: [[hsts, `${hsts}\n${origin} *\n${expose}`]],
    near: [[hsts, `${hsts}\n${origin} https://app.example.com`]],
  },
  {
    id: 'caddy-cors-not-exposed',
    bad: [[hsts, `${hsts}\n${origin} https://app.example.com`]],
    near: [[hsts, `${hsts}\n${origin} https://app.example.com\n${expose}`]],
  },
  {
    id: 'caddy-header-withheld',
    bad: [[proxy, `${proxy}\nheader_down -Mcp-Session-Id`]],
    near: [[proxy, `${proxy}\nheader_down -Server`]],
  },
  { id: 'caddy-identity-headers', bad: [['header_up -X-Forwarded-User\n\t\t\theader_up -Remote-*', '']] },
  {
    id: 'caddy-trusted-proxies-wide',
    bad: [[proxy, `${proxy}\ntrusted_proxies private_ranges`]],
    near: [[proxy, `${proxy}\ntrusted_proxies 10.0.0.2/32`]],
  },
  {
    id: 'caddy-methods-blocked',
    bad: [['@mcp path /mcp /mcp/', '@mcp {\npath /mcp /mcp/\nmethod GET POST\n}']],
    near: [['@mcp path /mcp /mcp/', '@mcp {\npath /mcp /mcp/\nmethod GET POST DELETE OPTIONS\n}']],
  },
  {
    id: 'caddy-body-limit-small',
    bad: [['max_size 16MB', 'max_size 1MB']],
    near: [['max_size 16MB', 'max_size 4MB']],
  },
  { id: 'caddy-body-unlimited', bad: [['request_body {\n\t\tmax_size 16MB\n\t}', '']] },
  {
    id: 'caddy-admin-exposed',
    bad: [['grace_period 10m', 'grace_period 10m\nadmin :2019']],
    near: [['grace_period 10m', 'grace_period 10m\nadmin localhost:2020']],
  },
  { id: 'caddy-credentials-logged', bad: [['servers {', 'servers {\nlog_credentials']] },
  { id: 'caddy-reload-waits', bad: [['grace_period 10m', '']] },
  {
    id: 'caddy-include-unread',
    bad: [[hsts, `${hsts}\nimport sites/extra.caddy`]],
    near: [[site, `(extra.d) {\n${hsts}\n}\n${site}\nimport extra.d`]],
  },
  {
    id: 'caddy-no-endpoint',
    bad: [
      [handle, 'handle /files {'],
      [site, 'files.example.com {\n\treverse_proxy /a 127.0.0.1:1'],
    ],
  },
];
