import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientNames } from '../../../src/cli/client/client-name.ts';
import { cwd, runCli, type Outcome } from '../capture-io.ts';

const url = 'https://mcp.example.com/mcp';
const authority = '/home/op/.local/state/breakwater/local-ca/ca.pem';
const sha256 = 'a'.repeat(64);
const keys = `keys: [{ name: ci, sha256: ${sha256} }]`;

function run(client: string, ...argv: readonly string[]): Promise<Outcome> {
  return runCli(['client', '--for', client, ...argv]);
}

function runWith(yaml: string, client: string, ...argv: readonly string[]): Promise<Outcome> {
  return runCli(['client', '--for', client, ...argv], { files: { [`${cwd}/breakwater.yaml`]: yaml } });
}

async function envelope(client: string, ...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(client, ...argv, '--json');
  return JSON.parse(stdout) as Record<string, unknown>; // The test looks at what it holds.
}

describe('client', () => {
  it.each(clientNames)('for %s prints the snippet alone, and what to do with it beside', async (client) => {
    const { exit, stdout, stderr } = await run(client, '--url', url);
    expect(exit).toBe(0);
    expect(stdout).toContain(url);
    expect(stdout).not.toMatch(/^(?:note|trust): /m);
    expect(stderr).toMatch(/^for .+:\n(?:note: .+\n)*$/);
    const { schema, snippet, notes, ...rest } = await envelope(client, '--url', url);
    expect(schema).toBe('breakwater.client/1');
    expect(snippet).toBe(stdout);
    expect(notes).toEqual([...stderr.matchAll(/^note: (.*)$/gm)].map(([, note]) => note));
    expect(rest).toMatchObject({ client, url, name: 'mcp-example-com', access: 'none', environment: {} });
  });

  it('for Claude Code is the command, with the key from a variable', async () => {
    expect((await run('claude-code', '--url', url, '--auth', 'oauth')).stdout).toBe(
      `claude mcp add --transport http mcp-example-com ${url}\n`,
    );
    expect((await run('claude-code', '--url', url, '--auth', 'key', '--name', 'files')).stdout).toBe(
      `claude mcp add --transport http files ${url} --header "Authorization: Bearer \${MCP_API_KEY:?}"\n`,
    );
  });

  it('for VS Code asks for the key', async () => {
    const { stdout } = await run('vscode', '--url', url, '--auth', 'key');
    expect(JSON.parse(stdout)).toEqual({
      inputs: [
        {
          type: 'promptString',
          id: 'mcp-example-com-key',
          description: 'API key for mcp-example-com',
          password: true,
        },
      ],
      servers: {
        'mcp-example-com': {
          type: 'http',
          url,
          headers: { Authorization: 'Bearer ${input:mcp-example-com-key}' },
        },
      },
    });
    expect(JSON.parse((await run('vscode', '--url', url)).stdout)).toEqual({
      servers: { 'mcp-example-com': { type: 'http', url } },
    });
  });

  it('for Cursor takes the key from a variable', async () => {
    expect(JSON.parse((await run('cursor', '--url', url, '--auth', 'key')).stdout)).toEqual({
      mcpServers: { 'mcp-example-com': { url, headers: { Authorization: 'Bearer ${env:MCP_API_KEY}' } } },
    });
    expect(JSON.parse((await run('cursor', '--url', url, '--auth', 'oauth')).stdout)).toEqual({
      mcpServers: { 'mcp-example-com': { url } },
    });
  });

  it('for mcp-remote has no space in an argument', async () => {
    const { stdout } = await run('mcp-remote', '--url', url, '--auth', 'key');
    expect(JSON.parse(stdout)).toEqual({
      mcpServers: {
        'mcp-example-com': {
          command: 'npx',
          args: ['-y', 'mcp-remote', url, '--header', 'Authorization:${AUTH_HEADER}'],
          env: { AUTH_HEADER: 'Bearer YOUR_API_KEY' },
        },
      },
    });
  });

  it('for Claude Desktop is a connector where one works, and else the bridge', async () => {
    for (const auth of ['none', 'oauth']) {
      expect((await run('claude-desktop', '--url', url, '--auth', auth)).stdout).toBe(`${url}\n`);
    }
    for (const argv of [['--url', url, '--auth', 'key'], ['8000'], ['--url', 'https://192.168.1.2/mcp']]) {
      const { stdout, stderr } = await run('claude-desktop', ...argv);
      expect(stdout).toContain('"mcp-remote"');
      expect(stderr).toContain('goes through mcp-remote');
    }
  });

  it('for ChatGPT refuses what cannot work', async () => {
    const { stdout, stderr } = await run('chatgpt', '--url', url, '--auth', 'oauth');
    expect([stdout, stderr]).toEqual([`${url}\n`, expect.stringContaining('choose `OAuth`')]);
    expect(await run('chatgpt', '--url', url, '--auth', 'key')).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('ChatGPT knows no way in: `/mcp` takes API keys'),
    });
    expect(await run('chatgpt', '8000')).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('ChatGPT cannot reach `localhost:8443`'),
    });
  });
});

describe('the local authority', () => {
  it('is named to each client in the way it knows', async () => {
    const variable = (value: string): object => ({ NODE_EXTRA_CA_CERTS: value });
    expect(await envelope('claude-code', '8000')).toMatchObject({ environment: variable(authority) });
    expect(await envelope('typescript', '8000')).toMatchObject({ environment: variable(authority) });
    const bundle = authority.replace('ca.pem', 'bundle.pem');
    expect(await envelope('python', '8000')).toMatchObject({
      environment: { SSL_CERT_FILE: bundle },
      notes: ['run `breakwater certs trust` once: it writes the file that SSL_CERT_FILE names'],
    });
    expect(JSON.parse((await run('mcp-remote', '8000')).stdout)).toMatchObject({
      mcpServers: { breakwater: { env: variable(authority) } },
    });
    for (const client of ['vscode', 'cursor']) {
      expect((await run(client, '8000')).stderr).toContain('run `breakwater certs trust`');
    }
  });

  it('is told as a line for the shell', async () => {
    const { stderr } = await run('claude-code', '8000', '--state-dir', "/srv/it's");
    expect(stderr).toContain(
      String.raw`trust: export NODE_EXTRA_CA_CERTS='/srv/it'\''s/local-ca/ca.pem'` + '\n',
    );
  });

  it('is meant by a local URL where it exists, and by a public one never', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-client-'));
    const local = ['--url', 'https://localhost:8443/mcp', '--state-dir', stateDir];
    expect(await envelope('claude-code', ...local)).toMatchObject({ environment: {} });
    await mkdir(join(stateDir, 'local-ca'));
    await writeFile(join(stateDir, 'local-ca', 'ca.pem'), 'x');
    const file = join(stateDir, 'local-ca', 'ca.pem');
    expect(await envelope('claude-code', ...local)).toMatchObject({
      environment: { NODE_EXTRA_CA_CERTS: file },
    });
    expect(await envelope('claude-code', '--url', url, '--state-dir', stateDir)).toMatchObject({
      environment: {},
    });
    await writeFile(join(stateDir, 'local-ca', 'bundle.pem'), 'x');
    expect(await envelope('python', ...local)).toMatchObject({ notes: [] });
    await rm(stateDir, { recursive: true });
  });

  it('has no part in certificates of files', async () => {
    const yaml = 'tls: { cert: c.pem, key: k.pem }\nroutes: [{ upstream: 1 }]';
    const { stderr } = await runWith(yaml, 'claude-code');
    expect(stderr).toBe('for Claude Code, in a terminal:\n');
  });
});

describe('address and access of the configuration', () => {
  it('are those of `up`', async () => {
    expect(await envelope('cursor', '8000', '--domain', 'mcp.example.com')).toMatchObject({ url });
    expect(await envelope('cursor', '8000', '--listen', '127.0.0.1:9000')).toMatchObject({
      url: 'https://localhost:9000/mcp',
    });
    const file = await runCli(['client', '--for', 'chatgpt', '-c', 'other.yaml'], {
      files: { [`${cwd}/other.yaml`]: 'domains: [mcp.example.com]\nroutes: [{ upstream: 1 }]' },
    });
    expect(file.stdout).toBe(`${url}\n`);
  });

  it('take what `up --auth` says', async () => {
    for (const access of ['none', 'key', 'oauth']) {
      expect(await envelope('cursor', '8000', '--auth', access)).toMatchObject({ access });
    }
    const yaml = 'auth: none\nroutes: [{ upstream: 1 }]';
    expect((await runWith(yaml, 'python', '--auth', 'oauth')).stdout).toContain('auth="oauth"');
    expect((await runWith(yaml, 'python', '--auth', 'key')).stdout).toContain('auth=os.environ');
  });

  it('prefer logins for people and keys for programs', async () => {
    const yaml = `routes: [{ upstream: 1, auth: { ${keys}, oauth: true } }]`;
    const access = async (client: string): Promise<unknown> =>
      JSON.parse((await runWith(yaml, client, '--json')).stdout);
    for (const client of ['claude-code', 'claude-desktop', 'vscode', 'cursor', 'mcp-remote'])
      expect(await access(client)).toMatchObject({ access: 'oauth' });
    for (const client of ['python', 'typescript'])
      expect(await access(client)).toMatchObject({ access: 'key' });
  });

  it('refuse a route for client certificates alone, and say where one is needed besides', async () => {
    const clients = 'tls: { clients: { ca: ca.pem, required: true } }';
    const certificates = 'certificates: [{ name: ci, subject: "CN=ci" }]';
    expect(
      await runWith(`${clients}\nroutes: [{ upstream: 1, auth: { ${certificates} } }]`, 'cursor'),
    ).toMatchObject({ exit: 2, stderr: expect.stringContaining('takes client certificates alone') });
    const { stderr } = await runWith(`${clients}\nroutes: [{ upstream: 1 }]`, 'cursor');
    expect(stderr).toContain('note: every connection needs a client certificate');
  });

  it('need a choice among several routes', async () => {
    const yaml = `routes: [{ path: /files/mcp, upstream: 1 }, { path: /mail, upstream: 2, auth: { ${keys} } }]`;
    expect(await runWith(yaml, 'cursor')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('choose one with `--route`: `/files/mcp`, `/mail`'),
    });
    expect((await runWith(yaml, 'cursor', '--route', '/other')).stderr).toContain(
      'there is no route `/other`',
    );
    expect(JSON.parse((await runWith(yaml, 'cursor', '--route', '/files/mcp')).stdout)).toEqual({
      mcpServers: { files: { url: 'https://localhost:8443/files/mcp' } },
    });
    expect((await runWith(yaml, 'cursor', '--route', '/mail')).stdout).toContain('Bearer ${env:MCP_API_KEY}');
  });

  it('need a host where several have the path', async () => {
    const yaml = `domains: [a.test, b.test]\nroutes: [{ host: [a.test, b.test], upstream: 1, auth: { ${keys} } }]`;
    expect((await runWith(yaml, 'cursor', '--route', '/mcp')).stderr).toContain(
      'there are several routes `/mcp`',
    );
    expect((await runWith(yaml, 'cursor', '--route', '/mcp')).stderr).toContain(
      'choose one with `--route`: `a.test/mcp`, `b.test/mcp`',
    );
    expect((await runWith(yaml, 'cursor', '--route', 'b.test/mcp')).stdout).toContain('https://b.test/mcp');
  });

  it('refuse a way that the route does not offer', async () => {
    const yaml = `routes: [{ upstream: 1, auth: { ${keys} } }]`;
    expect((await runWith(yaml, 'vscode')).stdout).toContain('${input:breakwater-key}');
    for (const auth of ['oauth', 'none']) {
      const { exit, stdout, stderr } = await runWith(yaml, 'vscode', '--auth', auth);
      expect([exit, stdout]).toEqual([2, '']);
      expect(stderr).toContain('it takes API keys');
    }
  });

  it('refuse a URL that is not known yet', async () => {
    expect((await run('cursor', '8000', '--listen', '127.0.0.1:0')).stderr).toContain(
      'the port is chosen when the gateway starts',
    );
    const yaml = 'domains: ["*.example.com"]\ntls: { cert: c.pem, key: k.pem }\nroutes: [{ upstream: 1 }]';
    expect((await runWith(yaml, 'cursor')).stderr).toContain('the domain is a wildcard');
  });

  it.each([
    [['8000', '--url', url], 'exclude each other'],
    [['--route', '/mcp', '--url', url], 'cannot be used with'],
    [['--url', 'http://mcp.example.com/mcp'], 'does not begin with `https://`'],
    [['--url', 'https://user:secret@mcp.example.com/mcp'], 'user name or a password'],
    [['--url', 'https://mcp.example.com/mcp#x'], 'fragment'],
    [['--url', 'mcp.example.com'], 'it is not a URL'],
    [['--url', 'https://mcp.exa\nmple.com/mcp'], 'it is not a URL'],
    [['--url', url, '--name', 'a b'], 'is no name that every client takes'],
    [['--url', url, '--name', '--config'], 'is no name that every client takes'],
    [[], 'no MCP server is configured'],
  ])('refuse %j', async (argv, reason) => {
    const { exit, stdout, stderr } = await run('cursor', ...argv);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('secret');
  });

  it('are checked like those of every command', async () => {
    const { exit, stderr } = await runWith('rutes: []', 'cursor');
    expect([exit, stderr]).toEqual([2, expect.stringContaining('rutes')]);
  });
});
