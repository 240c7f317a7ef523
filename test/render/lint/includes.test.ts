import { describe, expect, it } from 'vitest';
import { lintConfiguration } from '../../../src/render/lint/lint.ts';
import { lintText, memoryFiles } from './lint-text.ts';

const server = `server {
    listen 127.0.0.1:8443;
    location = /mcp { proxy_pass http://127.0.0.1:8000; include proxy.d/*.conf; }
}
`;
const main = 'events { }\nhttp { include conf.d/*.conf; }\n';

async function idsOf(
  text: string,
  files: Readonly<Record<string, string>>,
  file = '/etc/nginx/nginx.conf',
): Promise<string[]> {
  const { findings } = await lintText(text, { file, files, engine: 'nginx' });
  return findings.map(({ id }) => id);
}

describe('includes of nginx', () => {
  it('are followed through globs, and what they say counts', async () => {
    const bare = await idsOf(main, { '/etc/nginx/conf.d/mcp.conf': server });
    const buffered = await idsOf(main, {
      '/etc/nginx/conf.d/mcp.conf': server,
      '/etc/nginx/proxy.d/a.conf': 'proxy_buffering off;',
    });
    expect(bare).toContain('nginx-buffering-on');
    expect(buffered).not.toContain('nginx-buffering-on');
  });

  it('are shown at their own place', async () => {
    const { findings } = await lintText(main, {
      file: '/etc/nginx/nginx.conf',
      files: { '/etc/nginx/conf.d/mcp.conf': server },
    });
    const place = findings.find(({ id }) => id === 'nginx-buffering-on')?.place;
    expect(place).toMatchObject({ file: '/etc/nginx/conf.d/mcp.conf', line: 3, column: 23 });
  });

  it('are found one folder above a part of the configuration', async () => {
    const ids = await idsOf(
      server.replace('proxy.d/*.conf', 'proxy.conf'),
      { '/etc/nginx/proxy.conf': 'proxy_buffering off;' },
      '/etc/nginx/conf.d/mcp.conf',
    );
    expect(ids).not.toContain('nginx-buffering-on');
    expect(ids).not.toContain('nginx-include-unread');
  });

  it.each([
    ['itself', { '/etc/nginx/loop.conf': 'include loop.conf;' }, 'includes itself'],
    ['a file that is not there', {}, 'could not be read'],
    ['something that is no text', { '/etc/nginx/loop.conf': 'a\0b' }, 'is not a text file'],
    ['a file that is huge', { '/etc/nginx/loop.conf': '#'.repeat(1024 ** 2 + 1) }, 'is larger than 1 MiB'],
  ])('of %s are told and end', async (_what, files, reason) => {
    const { findings } = await lintText(`${server}include loop.conf;`, {
      file: '/etc/nginx/nginx.conf',
      files,
    });
    expect(findings.find(({ id }) => id === 'nginx-include-unread')?.message).toContain(reason);
  });

  it('that branch without end come to one', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [
        `/etc/nginx/${at}.conf`,
        `include ${at + 1}.conf; include ${at + 1}.conf; include ${at + 1}.conf;`,
      ]),
    );
    const ids = await idsOf('include 0.conf;', files);
    expect(ids).toContain('nginx-include-unread');
  });
});

describe('imports of Caddy and includes of Apache', () => {
  it('follow snippets and files of Caddy', async () => {
    const text =
      '(mcp) {\n\treverse_proxy 127.0.0.1:8000\n}\nmcp.example.com {\n\thandle /mcp* {\n\t\timport mcp\n\t}\n\timport extra.caddy\n}\n';
    const { findings } = await lintText(text, {
      file: '/etc/caddy/Caddyfile',
      files: { '/etc/caddy/extra.caddy': 'encode gzip' },
    });
    const ids = findings.map(({ id }) => id);
    expect(ids).toContain('caddy-prefix-exposes-siblings');
    expect(ids).toContain('caddy-compression');
  });

  it('survive snippets that import each other', async () => {
    const text =
      '(a) {\n\timport b\n\timport b\n}\n(b) {\n\timport a\n\timport a\n}\nmcp.example.com {\n\timport a\n\treverse_proxy 127.0.0.1:8000\n}\n';
    const { findings } = await lintText(text, { engine: 'caddy' });
    expect(findings.length).toBeGreaterThan(0);
  });

  it('start from `ServerRoot` of Apache', async () => {
    const text = 'ServerRoot /srv/httpd\nInclude vhosts/*.conf\n';
    const { findings } = await lintText(text, {
      engine: 'apache',
      files: { '/srv/httpd/vhosts/mcp.conf': 'ProxyPass /mcp http://127.0.0.1:8000/\n' },
    });
    expect(findings.map(({ id }) => id)).toContain('apache-proxypass-path');
  });
});

describe('what is no configuration', () => {
  it.each([
    ['binary input', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2])],
    ['a huge file', Buffer.alloc(1024 ** 2 + 1, 0x20)],
    ['prose', Buffer.from('Dear reader,\nthis is a letter.\n')],
    ['nothing', Buffer.from('')],
  ])('is refused with one diagnostic: %s', async (_what, bytes) => {
    const linted = await lintConfiguration({ file: '/tmp/input.txt', bytes, files: memoryFiles() });
    expect(linted.ok).toBe(false);
    if (!linted.ok) expect(linted.error.map(({ code }) => code)).toEqual(['E_CONFIG_FILE']);
  });

  it.each([
    ['nginx', 'http {\n  server {\n', 2],
    ['nginx', 'http { }\n}\n', 2],
    ['nginx', 'server { listen "80; }\n', 1],
    ['caddy', 'mcp.example.com {\n\treverse_proxy :8000\n', 1],
    ['apache', '<VirtualHost *:443>\nSSLEngine on\n', 1],
    ['apache', '</VirtualHost>\n', 1],
    ['haproxy', 'bind :443\n', 1],
    ['haproxy', 'frontend x\n  bind ":443\n', 2],
  ] as const)('is told with its place where %s is broken: %j', async (engine, text, line) => {
    const linted = await lintConfiguration({
      file: '/tmp/conf',
      bytes: Buffer.from(text),
      engine,
      files: memoryFiles(),
    });
    expect(linted.ok).toBe(false);
    if (!linted.ok) expect(linted.error[0]).toMatchObject({ code: 'E_CONFIG_SYNTAX', line });
  });
});
