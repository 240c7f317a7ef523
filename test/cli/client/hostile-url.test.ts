import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientNames } from '../../../src/cli/client/client-name.ts';
import { parseEndpointUrl } from '../../../src/cli/client/endpoint-url.ts';
import {
  buildBridgeSnippet,
  buildClaudeCodeSnippet,
  buildVscodeSnippet,
} from '../../../src/cli/client/entry-snippets.ts';
import { isServerName, toServerName } from '../../../src/cli/client/server-name.ts';
import type { SnippetFacts } from '../../../src/cli/client/snippet.ts';
import { runCli } from '../capture-io.ts';

const hostile = [
  "https://h.example.com/a'$(touch /tmp/x)'`id`;&|?q=$(id)`id`'\"&x=1;echo",
  'https://h.example.com/${HOME}?a=${env:HOME}&b=${input:key}&c={{x}}',
  'https://h.example.com/"+process.exit(1)+"?q="+__import__("os").system("id")+"',
  'https://h.example.com/a\\b?c=\\"d\\u0022',
  'https://h.example.com/\u202Egnp.exe\u2028?q=\u2028\u202E</script>',
  'https://h.example.com/a b?c d<e>f|g^h',
  'https://h.example.com/!history!?!!',
];

const facts: SnippetFacts = {
  name: 'h',
  url: '',
  access: 'key',
  isPublic: true,
  files: undefined,
  shell: 'posix',
};

function hrefOf(text: string): string {
  const url = parseEndpointUrl(text);
  if (!url.ok) throw new Error(url.error);
  return url.value.href;
}

describe('attack: a URL that breaks out of its snippet', () => {
  it.each(hostile)('is one word of the shell: %j', async (text) => {
    const url = hrefOf(text);
    for (const shell of ['bash', 'sh']) {
      // The command itself is replaced by one that shows what it was given.
      const script = `claude() { printf '%s\\n' "$@"; }\n${buildClaudeCodeSnippet({ ...facts, url }).text}`;
      const { stdout } = await promisify(execFile)(shell, ['-c', script], { env: { MCP_API_KEY: 'k "$x' } });
      const words = [
        'mcp',
        'add',
        '--transport',
        'http',
        'h',
        url,
        '--header',
        'Authorization: Bearer k "$x',
      ];
      expect(stdout.trimEnd().split('\n')).toEqual(words);
    }
  });

  it('the shell stops when the key is missing, instead of storing an empty one', async () => {
    const script = `claude() { echo ran; }\n${buildClaudeCodeSnippet({ ...facts, url: 'https://a/' }).text}`;
    await expect(promisify(execFile)('sh', ['-c', script], { env: {} })).rejects.toThrow('MCP_API_KEY');
  });

  it.each(hostile)('is one string of each file and program: %j', async (text) => {
    const url = hrefOf(text);
    for (const client of clientNames) {
      const { stdout } = await runCli(['client', '--for', client, '--auth', 'none', '--url', text, '--json']);
      const { snippet, language } = JSON.parse(stdout) as { snippet: string; language: string };
      expect(snippet).toMatch(/^[\n -~]*$/);
      if (language === 'text') expect(snippet).toBe(`${url}\n`);
      if (language === 'json') expect(JSON.stringify(JSON.parse(snippet))).toContain(JSON.stringify(url));
      // Printable ASCII without a quote: JSON, Python and TypeScript read it alike.
      if (language === 'python') expect(snippet).toContain(`Client(${JSON.stringify(url)})`);
      if (language === 'typescript') expect(snippet).toContain(`new URL(${JSON.stringify(url)})`);
    }
  });

  it('is one string of PowerShell', () => {
    const url = hrefOf("https://h.example.com/a'b$(id)");
    expect(buildClaudeCodeSnippet({ ...facts, url, shell: 'powershell' }).text).toBe(
      "claude mcp add --transport http h 'https://h.example.com/a''b$(id)' --header \"Authorization: Bearer $env:MCP_API_KEY\"\n",
    );
  });

  it('has nothing for clients to fill in, whatever it is made of', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          '${env:HOME}',
          '${input:x}',
          '${',
          '}',
          '"',
          "'",
          '\\',
          '`',
          '\n',
          '\t',
          '?',
          '#',
          '/',
          '@',
        ),
        fc.string({ unit: 'grapheme' }),
      ),
    );
    let read = 0;
    fc.assert(
      fc.property(pieces, (parts) => {
        const url = parseEndpointUrl(`https://h.example.com/${parts.join('')}`);
        if (!url.ok) return;
        read++;
        expect(url.value.href).toMatch(/^https:\/\/h\.example\.com\/[!#-z|~]*$/);
        expect(isServerName(toServerName(url.value))).toBe(true);
        for (const build of [buildVscodeSnippet, buildBridgeSnippet]) {
          const { text } = build({ ...facts, access: 'none', url: url.value.href });
          expect(text).not.toContain('${');
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(200);
  });

  it('control: without the guard a variable would stay in the query', () => {
    expect(new URL('https://h.example.com/?a=${env:HOME}').href).toContain('${env:HOME}');
  });
});

describe('attack: a path that steers the terminal or turns the text around', () => {
  it('is escaped in the file', () => {
    const authorityFile = '/srv/\u202E\u001B[2J\u2028ü/ca.pem';
    const { text } = buildBridgeSnippet({
      ...facts,
      url: 'https://h.example.com/',
      files: { authorityFile, bundleFile: '' },
    });
    expect(text).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(text)).toMatchObject({
      mcpServers: { h: { env: { NODE_EXTRA_CA_CERTS: authorityFile } } },
    });
  });
});

describe('the name of a server', () => {
  it.each([
    ['https://mcp.example.com/mcp', 'mcp-example-com'],
    ['https://mcp.example.com/', 'mcp-example-com'],
    ['https://mcp.example.com/files/mcp', 'files'],
    ['https://mcp.example.com/team/mail', 'team-mail'],
    ['https://localhost:8443/mcp', 'breakwater'],
    ['https://[::1]/mcp', '1'],
    ['https://192.0.2.1/mcp', '192-0-2-1'],
    ['https://h.example.com/%20a/--x', '20a-x'],
  ])('of %s is %s', (url, name) => {
    expect(toServerName(new URL(url))).toBe(name);
  });
});
