import { describe, expect, it } from 'vitest';
import { createContext } from '../../src/cli/context.ts';
import { runLint, type LintCommandOptions } from '../../src/cli/actions/lint.ts';
import { capture, cwd, runCli, type Outcome } from './capture-io.ts';

const site = `server {
    listen 443 ssl;
    location /mcp {
        proxy_pass http://127.0.0.1:8000/;
    }
}
`;
const file = `${cwd}/site.conf`;
const files = { [file]: site };

/** Runs the action with a disk in memory. */
async function lint(
  options: Partial<LintCommandOptions>,
  surroundings: Parameters<typeof capture>[1] = { files },
  argv: readonly string[] = [],
): Promise<Outcome & { readonly written: Readonly<Record<string, string>> }> {
  const written: Record<string, string> = {};
  const disk = {
    list: () => Promise.resolve([]),
    sizeOf: () => Promise.resolve(1),
    write: (path: string, text: string) => {
      written[path] = text;
      return Promise.resolve();
    },
  };
  const outcome = await capture(
    (io) =>
      runLint(
        { file: 'site.conf', fix: false, inPlace: false, failOn: 'error', disk, ...options },
        createContext(argv, io),
      ),
    surroundings,
  );
  return { ...outcome, written };
}

describe('lint', () => {
  it('draws findings on standard output, worst first, and counts them last', async () => {
    const { exit, stdout, stderr } = await runCli(['lint', 'site.conf'], { files });
    expect(exit).toBe(5);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^error\[nginx-/);
    expect(stdout).toContain('  --> site.conf:4:20\n');
    expect(stdout).toContain('   = breaks: the upstream gets another path');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^site\.conf: 4 errors, \d+ warnings, \d+ info \(nginx\)$/,
    );
  });

  it.each([
    ['error', 5],
    ['warning', 5],
    ['info', 5],
  ])('fails at %s when an error is found', async (severity, code) => {
    expect((await runCli(['lint', 'site.conf', '--fail-on', severity], { files })).exit).toBe(code);
  });

  it('fails on less only when asked to', async () => {
    const mild = { [file]: 'server {\n    listen 443 ssl;\n    location = /files { root /srv; }\n}\n' };
    expect((await runCli(['lint', 'site.conf'], { files: mild })).exit).toBe(0);
    expect((await runCli(['lint', 'site.conf', '--fail-on', 'warning'], { files: mild })).exit).toBe(0);
    expect((await runCli(['lint', 'site.conf', '--fail-on', 'info'], { files: mild })).exit).toBe(5);
  });

  it('reads standard input', async () => {
    const { exit, stdout } = await runCli(['lint', '-', '--as', 'caddy'], {
      files: { '-': 'mcp.example.com {\n\thandle_path /mcp* {\n\t\treverse_proxy 127.0.0.1:8000\n\t}\n}\n' },
    });
    expect(exit).toBe(5);
    expect(stdout).toContain('error[caddy-path-stripped]');
    expect(stdout).toContain('  --> standard input:2:2\n');
  });

  it('says the same as JSON, without source lines', async () => {
    const { exit, stdout } = await runCli(['lint', 'site.conf', '--json'], { files });
    const envelope: unknown = JSON.parse(stdout);
    expect(exit).toBe(5);
    expect(envelope).toMatchObject({
      schema: 'breakwater.lint/1',
      ok: true,
      engine: 'nginx',
      file: 'site.conf',
    });
    expect(envelope).toHaveProperty(
      'findings',
      expect.arrayContaining([
        expect.objectContaining({
          id: 'nginx-proxy-pass-uri',
          severity: 'error',
          requirement: 'path-kept',
          file: 'site.conf',
          line: 4,
          column: 20,
          lines: ['proxy_pass http://127.0.0.1:8000;'],
          fixable: true,
        }),
      ]),
    );
    expect(stdout).not.toContain('sourceLine');
  });

  it.each([
    [['lint', 'missing.conf'], 'E_CONFIG_FILE'],
    [['lint', 'site.conf', '--output', 'x'], 'E_USAGE'],
    [['lint', 'site.conf', '--in-place'], 'E_USAGE'],
    [['lint', 'site.conf', '--path', 'mcp'], 'E_USAGE'],
    [['lint', 'site.conf', '--engine-version', 'new'], 'E_USAGE'],
    [['lint', 'site.conf', '--as', 'iis'], 'E_USAGE'],
    [['lint'], 'E_USAGE'],
  ])('refuses %j', async (argv, code) => {
    const { exit, stderr, stdout } = await runCli(argv, { files });
    expect(exit).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`error[${code}]`);
  });

  it('tells broken syntax with its place, and exits with 2', async () => {
    const broken = { [file]: 'server {\n    listen 443 ssl\n}\n' };
    const { exit, stderr } = await runCli(['lint', 'site.conf', '--as', 'nginx'], { files: broken });
    expect(exit).toBe(2);
    expect(stderr).toContain('error[E_CONFIG_SYNTAX]');
    expect(stderr).toContain(' --> site.conf:2:5\n');
  });

  it('does not let a configuration write to the terminal', async () => {
    const hostile = { [file]: site.replace('/mcp', '/mcp\u001b[31m') };
    const { stdout } = await runCli(['lint', 'site.conf', '--as', 'nginx'], { files: hostile });
    expect(stdout).not.toContain('\u001b');
  });
});

describe('what a configuration includes', () => {
  it('is not read from a device that never ends', async () => {
    const text = { [file]: `${site}include /dev/zero;\n` };
    const { stdout } = await runCli(['lint', 'site.conf', '--as', 'nginx'], { files: text });
    expect(stdout).toContain('`/dev/zero` could not be read');
  });

  it('is not read when it is huge', async () => {
    const text = { [file]: `${site}include more.conf;\n`, [`${cwd}/more.conf`]: 'proxy_buffering off;' };
    const read: string[] = [];
    const disk = {
      list: () => Promise.resolve(['more.conf']),
      sizeOf: (path: string) => {
        read.push(path);
        return Promise.resolve(2 ** 40);
      },
      write: () => Promise.resolve(),
    };
    const { stdout } = await lint({ disk }, { files: text });
    expect(read).toEqual([`${cwd}/more.conf`]);
    expect(stdout).toContain('`more.conf` could not be read');
  });
});

describe('lint --fix', () => {
  it('writes a corrected copy beside the file and leaves the file alone', async () => {
    const { exit, written, stdout } = await lint({ fix: true });
    expect(Object.keys(written)).toEqual([`${cwd}/site.conf.fixed`]);
    expect(written[`${cwd}/site.conf.fixed`]).toContain('proxy_pass http://127.0.0.1:8000;');
    expect(stdout).toMatch(/\d+ of \d+ findings corrected in site\.conf\.fixed\n/);
    expect(exit).toBe(0);
  });

  it('writes where it is told to', async () => {
    expect(Object.keys((await lint({ fix: true, output: 'out/new.conf' })).written)).toEqual([
      `${cwd}/out/new.conf`,
    ]);
    expect(Object.keys((await lint({ fix: true, inPlace: true })).written)).toEqual([file]);
  });

  it('keeps standard output for the copy alone', async () => {
    const { stdout, stderr, written } = await lint({ fix: true, output: '-' });
    expect(written).toEqual({});
    expect(stdout).toMatch(/^server \{\n/);
    expect(stderr).toContain('corrected in standard output');
  });

  it('refuses engines that it cannot correct', async () => {
    const caddy = { files: { [file]: 'mcp.example.com {\n\treverse_proxy 127.0.0.1:8000\n}\n' } };
    await expect(lint({ fix: true, engine: 'caddy' }, caddy)).rejects.toMatchObject({ code: 'E_USAGE' });
  });

  it('puts the corrected text into the envelope', async () => {
    const { stdout } = await lint({ fix: true }, { files }, ['--json']);
    expect(JSON.parse(stdout)).toMatchObject({ fixed: expect.arrayContaining(['nginx-proxy-pass-uri']) });
  });
});

describe('explain of findings', () => {
  it('says what a finding breaks and what is right', async () => {
    const { exit, stdout } = await runCli(['explain', 'nginx-chunked-off']);
    expect(exit).toBe(0);
    expect(stdout).toContain('nginx-chunked-off: `chunked_transfer_encoding off`');
    expect(stdout).toContain('breaks: every streamed answer ends its connection');
    expect(stdout).toContain('severity warning; see RFC 9112 section 7.1');
  });

  it('says it as JSON', async () => {
    const { stdout } = await runCli(['explain', 'haproxy-compression', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'breakwater.explain/1',
      findings: [{ id: 'haproxy-compression', requirement: 'no-compression' }],
    });
  });

  it('suggests the id that was meant', async () => {
    const { exit, stderr } = await runCli(['explain', 'nginx-chunked-of']);
    expect(exit).toBe(2);
    expect(stderr).toContain('did you mean `nginx-chunked-off`?');
  });
});
