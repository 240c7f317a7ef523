import { describe, expect, it } from 'vitest';
import { detectEngine } from '../../../src/render/lint/detect-engine.ts';
import { looksLikeEndpoint, looksLikeServer } from '../../../src/render/lint/endpoint-path.ts';
import { isLocalHost, isPublicHost } from '../../../src/render/lint/upstream-host.ts';
import { nginxClean } from './cases/nginx-cases.ts';
import { lintText } from './lint-text.ts';

const blog = `
    server {
        listen 80;
        server_name blog.example.com;
        location / { proxy_pass http://blog/; }
        location /compress { proxy_pass http://127.0.0.1:9001; }
    }
`;

describe('which places are looked at', () => {
  it('leaves other sites of the file alone', async () => {
    const text = nginxClean.replace('http {', `http {${blog}`);
    expect((await lintText(text)).findings).toEqual([]);
  });

  it('takes the only proxied place for the endpoint', async () => {
    const { findings } = await lintText(
      'server { listen 443 ssl; location /api { proxy_pass http://127.0.0.1:1/; } }',
    );
    expect(findings.map(({ id }) => id)).toContain('nginx-buffering-on');
  });

  it('says so when it cannot tell which of several is the endpoint', async () => {
    const { findings } = await lintText(`http {${blog}}`);
    expect(findings.map(({ id }) => id)).toEqual(['nginx-no-endpoint']);
  });

  it('looks at the named path alone', async () => {
    const named = await lintText(`http {${blog}}`, { path: '/compress' });
    expect(new Set(named.findings.map(({ place }) => place.line))).not.toContain(5);
    expect(named.findings.map(({ id }) => id)).toContain('nginx-buffering-on');
  });

  it('leaves what asks about calls, and metadata, out', async () => {
    const text = `server { listen 443 ssl;
      location = /authz-mcp { internal; proxy_pass http://127.0.0.1:1; }
      location /.well-known/oauth-protected-resource/mcp { proxy_pass http://127.0.0.1:1; }
      location @mcp { proxy_pass http://127.0.0.1:1; }
    }`;
    expect((await lintText(text)).findings.map(({ id }) => id)).toEqual(['nginx-no-endpoint']);
  });

  it.each(['/mcp', '/mcp/', '/api/mcp', '/sse', '/messages/', '/weather-mcp', '^/mcp/?$'])(
    'takes %s for an endpoint',
    (path) => {
      expect(looksLikeEndpoint(path)).toBe(true);
    },
  );

  it.each(['/', '/compress', '/images', '/assets', '/mcpfoo', '/messages-archive', '/essence'])(
    'does not take %s for one',
    (path) => {
      expect(looksLikeEndpoint(path)).toBe(false);
    },
  );

  it('takes names of servers by their words', () => {
    expect(['mcp_backend', 'fastmcp', 'mcp:8000', 'my-mcp'].filter((name) => !looksLikeServer(name))).toEqual(
      [],
    );
    expect(['blog', 'mcpherson', 'tmcp'].filter((name) => looksLikeServer(name))).toEqual([]);
  });
});

describe('what a file accepts by itself', () => {
  const changed = nginxClean.replace('proxy_buffering off;', 'proxy_buffering on;');

  it.each([
    ['at the end of the line', 'proxy_buffering on; # breakwater-lint: allow nginx-buffering-on'],
    [
      'alone above it',
      '# breakwater-lint: allow nginx-no-hsts, nginx-buffering-on\n            proxy_buffering on;',
    ],
  ])('is not told: %s', async (_where, lines) => {
    const { findings } = await lintText(changed.replace('proxy_buffering on;', lines));
    expect(findings).toEqual([]);
  });

  it.each(['# breakwater-lint: allow nginx-no-hsts', '# allow nginx-buffering-on', 'proxy_cache off;'])(
    'control: is told with %s above it',
    async (line) => {
      const { findings } = await lintText(
        changed.replace('proxy_buffering on;', `${line}\n            proxy_buffering on;`),
      );
      expect(findings.map(({ id }) => id)).toEqual(['nginx-buffering-on']);
    },
  );
});

describe('which engine a file is for', () => {
  it.each([
    ['/etc/nginx/nginx.conf', '', 'nginx'],
    ['/etc/nginx/sites-enabled/mcp', 'server {\n  listen 80;\n}\n', 'nginx'],
    ['proxy.conf', 'location /mcp {\n  proxy_pass http://a;\n}\n', 'nginx'],
    ['Caddyfile', '', 'caddy'],
    ['site.txt', 'mcp.example.com {\n\treverse_proxy :8000\n}\n', 'caddy'],
    ['haproxy.cfg', '', 'haproxy'],
    ['lb.cfg', 'defaults\n  mode http\nfrontend a\n  bind :80\n', 'haproxy'],
    ['/etc/apache2/apache2.conf', '', 'apache'],
    ['000-default.conf', '<VirtualHost *:80>\n</VirtualHost>\n', 'apache'],
    ['proxy.conf', 'ProxyPass /mcp http://127.0.0.1:8000/mcp\n', 'apache'],
    ['notes.txt', 'Dear reader,\n', undefined],
  ])('%s %j', (file, text, engine) => {
    expect(detectEngine(file, text)).toBe(engine);
  });
});

describe('where an upstream is', () => {
  it.each(['127.0.0.1:8000', 'localhost', '[::1]:80', 'unix:/run/mcp.sock'])('%s is this machine', (host) => {
    expect(isLocalHost(host)).toBe(true);
    expect(isPublicHost(host)).toBe(false);
  });

  it.each([
    '10.0.0.1',
    '192.168.1.1:80',
    '172.16.0.1',
    '100.64.0.1',
    'mcp',
    'mcp:8000',
    'mcp.internal',
    '[fd00::1]:80',
    '$backend.example.com',
  ])('%s is near', (host) => {
    expect(isPublicHost(host)).toBe(false);
  });

  it.each(['203.0.113.5', 'mcp.example.com:80', '[2001:db8::1]:80', '172.32.0.1', '100.128.0.1'])(
    '%s is elsewhere',
    (host) => {
      expect(isPublicHost(host)).toBe(true);
    },
  );
});

describe('what a map makes of a header', () => {
  const withMap = (entries: string): string =>
    nginxClean
      .replace('http {', `http {\n    map $http_upgrade $connection_upgrade { ${entries} }`)
      .replace('proxy_set_header Connection "";', 'proxy_set_header Connection $connection_upgrade;');

  it.each(["default upgrade; '' close;", 'default close; websocket upgrade;'])(
    'counts where it closes: %s',
    async (entries) => {
      const { findings } = await lintText(withMap(entries));
      expect(findings.map(({ id }) => id)).toEqual(['nginx-connection-close']);
    },
  );

  it("is right where it says nothing: default upgrade; '' '';", async () => {
    expect((await lintText(withMap("default upgrade; '' '';"))).findings).toEqual([]);
  });
});

describe('how Caddy can take a path away', () => {
  it.each(['uri strip_prefix /mcp', 'uri replace /mcp /', 'uri path_regexp ^/mcp /', 'rewrite * /'])(
    '%s',
    async (line) => {
      const text = `mcp.example.com {\n\thandle /mcp {\n\t\t${line}\n\t\treverse_proxy 127.0.0.1:8000\n\t}\n}\n`;
      const { findings } = await lintText(text, { engine: 'caddy' });
      expect(findings[0]?.requirement).toBe('path-kept');
    },
  );

  it('control: another part of it', async () => {
    const text =
      'mcp.example.com {\n\thandle /v1/mcp {\n\t\turi strip_prefix /v1\n\t\treverse_proxy 127.0.0.1:8000\n\t}\n}\n';
    const { findings } = await lintText(text, { engine: 'caddy' });
    expect(findings.map(({ requirement }) => requirement)).not.toContain('path-kept');
  });
});

describe('guards of other places', () => {
  it.each([
    ['if ($allowed_origin = 0) { return 403; }', 'nginx-no-origin-guard'],
    ['auth_request /_authz;', 'nginx-no-access-control'],
  ])('do not count for the endpoint: %s', async (guard, id) => {
    const bare = nginxClean
      .replace('if ($allowed_origin = 0) { return 403; }', '')
      .replace('auth_request /_authz;', id === 'nginx-no-origin-guard' ? 'deny all;' : 'limit_rate 0;')
      .replace(
        'location = /_authz {',
        `location = /files { ${guard} root /srv; }\n        location = /_authz {`,
      );
    expect((await lintText(bare)).findings.map((finding) => finding.id)).toContain(id);
  });

  it.each([
    ['proxy_set_header Authorization $http_authorization;', 'nginx-no-access-control'],
    ['add_header Access-Control-Allow-Origin $http_origin always;', 'nginx-no-origin-guard'],
  ])('passing on is no guard: %s', async (line, id) => {
    const bare = nginxClean
      .replace('if ($allowed_origin = 0) { return 403; }', line)
      .replace('auth_request /_authz;', '');
    expect((await lintText(bare)).findings.map((finding) => finding.id)).toContain(id);
  });
});

describe('answering with the Origin', () => {
  const site = 'reverse_proxy /mcp 127.0.0.1:8000\n';
  it.each([
    [
      'caddy',
      `mcp.example.com {\n@web header Origin *\nheader @web Access-Control-Allow-Origin *\n${site}}\n`,
    ],
    [
      'haproxy',
      'defaults\nmode http\nfrontend f\nbind :443 ssl\nhttp-response set-header Access-Control-Allow-Origin %[req.hdr(origin)]\ndefault_backend mcp\nbackend mcp\nserver a 127.0.0.1:8000\n',
    ],
    [
      'apache',
      'SetEnvIf Origin "^(.*)$" ORIGIN=$1\nHeader set Access-Control-Allow-Origin %{ORIGIN}e\nProxyPass /mcp http://127.0.0.1:8000/mcp\n',
    ],
  ] as const)('is no guard of %s', async (engine, text) => {
    const { findings } = await lintText(text, { engine });
    expect(findings.map(({ id }) => id)).toContain(`${engine}-no-origin-guard`);
  });
});
