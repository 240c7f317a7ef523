import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isServiceTarget, renderTargets } from '../../src/render/target.ts';
import { cwd, runCli, type Outcome } from './capture-io.ts';

const protectedRoute = '{ upstream: 8000, auth: { oauth: { issuer: "https://id.example.com" } } }';
const base = 'listen: 0.0.0.0:443\ndomains: [mcp.example.com]\ntls: { cert: /c.pem, key: /k.pem }\n';
const good = `${base}authz: 127.0.0.1:9180\nroutes: [${protectedRoute}]\n`;
const files = { [`${cwd}/breakwater.yaml`]: good };
const withoutAuthz = { [`${cwd}/breakwater.yaml`]: `${base}routes: [${protectedRoute}]\n` };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'render-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program that stands in for an engine: it tells what it was asked, and ends as it is told. */
async function install(name: string, status: number): Promise<Record<string, string>> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const script = `#!/bin/sh\necho "asked: $1"; head -n 1 "\${4:-/dev/null}"; echo "said on stderr" >&2; exit ${status}\n`;
  await writeFile(join(bin, name), script);
  await chmod(join(bin, name), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
}

function render(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return runCli(['render', ...args], { files, env });
}

describe('breakwater render', () => {
  it('puts the text alone on standard output, and what is missing on standard error', async () => {
    const { exit, stdout, stderr } = await render(['caddy']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(
      /^# Rendered by Breakwater \S+: breakwater render caddy --mode direct\n# Input [0-9a-f]{12}\./,
    );
    expect(stdout).not.toContain('warning');
    expect(stderr).toContain('warning[E_RENDER_PARTIAL]: Caddy counts neither connections nor calls');
  });

  it.each(['nginx', 'caddy', 'envoy', 'systemd', 'docker'])('gives the same %s each time', async (target) => {
    expect((await render([target])).stdout).toBe((await render([target])).stdout);
  });

  it('puts Breakwater behind the engine with --mode front', async () => {
    const { stdout } = await render(['caddy', '--mode', 'front']);
    expect(stdout).toContain('reverse_proxy 127.0.0.1:8443');
    expect(stdout).toContain('--mode front');
  });

  it('needs the secrets of a cluster nowhere but in the cluster', async () => {
    const route =
      '{ upstream: http://tools:8000, auth: { keys: stored }, credentials: { header: { name: x-key, value_env: KEY } } }';
    const secret = { [`${cwd}/breakwater.yaml`]: `${base}routes: [${route}]\n` };
    const inCluster = await runCli(['render', 'kubernetes', '-o', join(folder, 'k')], { files: secret });
    expect(inCluster.exit).toBe(0);
    expect(await readFile(join(folder, 'k', 'kubernetes.yaml'), 'utf8')).toContain('key: KEY\n');
    const here = await runCli(['render', 'systemd'], { files: secret });
    expect(here).toMatchObject({ exit: 2, stderr: expect.stringContaining('a variable that is not set') });
  });

  it('takes other certificates', async () => {
    const { stdout } = await render(['caddy', '--cert', 'a.pem', '--key', '/b.key']);
    expect(stdout).toContain(`tls ${cwd}/a.pem /b.key {`);
  });

  it.each(renderTargets)('answers a program about %s', async (target) => {
    const { exit, stdout, stderr } = await render([target, '--mode', 'front', '--json']);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    const answer: unknown = JSON.parse(stdout);
    const mode = isServiceTarget(target) ? null : 'front';
    expect(answer).toMatchObject({ schema: 'breakwater.render/1', ok: true, target, mode });
    const file = { path: expect.any(String), text: expect.stringContaining('Rendered by Breakwater') };
    expect(answer).toMatchObject({ files: expect.arrayContaining([file]), warnings: expect.any(Array) });
  });

  it('writes `http2` as the version of nginx wants it', async () => {
    const old = await render(['nginx', '--nginx-version', '1.22.1']);
    const current = await render(['nginx', '--nginx-version', '1.25.1']);
    expect(old.stdout).toMatch(/listen \S+ ssl http2/);
    expect(current.stdout).toContain('http2 on;');
    expect(old.stderr).not.toContain('--nginx-version');
    expect((await render(['nginx'])).stderr).toContain('want `--nginx-version`');
  });
});

describe('completion', () => {
  it('knows the targets', async () => {
    const { stdout } = await runCli(['__complete', '--', 'render', 'c']);
    expect(stdout.split('\n').map((row) => row.split('\t')[0])).toEqual(['caddy', 'compose', '']);
  });
});

describe('what is refused', () => {
  it('open door: a protected route that nobody decides about', async () => {
    const outcome = await runCli(['render', 'caddy'], { files: withoutAuthz });
    expect(outcome).toMatchObject({ exit: 2, stdout: '' });
    expect(outcome.stderr).toContain(
      'error[E_RENDER_UNSUPPORTED]: Caddy has nobody to ask who may call `/mcp`',
    );
    expect(outcome.stderr).toContain('--mode front');
  });

  it('a target that does not exist, with the one that was meant', async () => {
    const { exit, stderr } = await render(['cady']);
    expect(exit).toBe(2);
    expect(stderr).toContain('error[E_USAGE]: nothing is rendered for `cady`');
    expect(stderr).toContain('did you mean `caddy`?');
  });

  it.each([
    [['nginx', '--nginx-version', 'new'], 'is not a version of nginx'],
    [['caddy', '--nginx-version', '1.22'], 'is for nginx alone'],
    [['caddy', '--cert', 'a.pem'], 'belong together'],
    [['traefik'], '`traefik` takes 2 files'],
    [['traefik', '--check'], 'there is no test of its own'],
  ])('%j', async (args, message) => {
    const outcome = await render(args);
    expect(outcome).toMatchObject({ exit: 2, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  it('a configuration that is not valid', async () => {
    const outcome = await runCli(['render', 'caddy', '-c', 'x.yaml'], {
      files: { [`${cwd}/x.yaml`]: 'lisen: 1\n' },
    });
    expect(outcome).toMatchObject({ exit: 2, stdout: '' });
    expect(outcome.stderr).toContain('E_CONFIG_UNKNOWN_KEY');
  });
});

describe('-o', () => {
  it('writes one file to the path, or into the folder', async () => {
    const path = join(folder, 'site', 'Caddyfile.mcp');
    const { exit, stdout, stderr } = await render(['caddy', '-o', path]);
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toContain(`wrote ${path}\n`);
    await render(['envoy', '-o', `${folder}/new/`]);
    expect(await readdir(join(folder, 'new'))).toEqual(['envoy.yaml']);
  });

  it('writes several files into the folder', async () => {
    expect((await render(['traefik', '-o', join(folder, 't')])).exit).toBe(0);
    expect((await readdir(join(folder, 't'))).toSorted()).toEqual(['dynamic.yml', 'traefik.yml']);
  });

  it('replaces what it wrote itself', async () => {
    const path = join(folder, 'Caddyfile');
    await render(['caddy', '-o', path]);
    expect((await render(['caddy', '-o', path, '--mode', 'front'])).exit).toBe(0);
    expect(await readFile(path, 'utf8')).toContain('--mode front');
  });

  it("leaves a person's file alone, unless told", async () => {
    const path = join(folder, 'Caddyfile');
    await writeFile(path, 'localhost\n');
    const refused = await render(['caddy', '-o', path]);
    expect(refused.exit).toBe(6);
    expect(refused.stderr).toContain('error[E_RENDER_EXISTS]');
    expect(await readFile(path, 'utf8')).toBe('localhost\n');
    expect((await render(['caddy', '-o', path, '--force'])).exit).toBe(0);
    expect(await readFile(path, 'utf8')).toContain('Rendered by Breakwater');
  });

  it('writes nothing at all where one of several is in the way', async () => {
    const path = join(folder, 'dynamic.yml');
    await writeFile(path, 'http: {}\n');
    expect((await render(['traefik', '-o', folder])).exit).toBe(6);
    expect(await readdir(folder)).toEqual(['dynamic.yml']);
  });

  it('replaces a chart that it wrote, with its files that have no comments of `#`', async () => {
    const chart = join(folder, 'chart');
    expect((await render(['helm', '-o', chart])).exit).toBe(0);
    expect((await render(['helm', '-o', chart])).exit).toBe(0);
    await writeFile(join(chart, 'values.schema.json'), '{\n  "type": "object"\n}\n');
    expect((await render(['helm', '-o', chart])).exit).toBe(6);
  });

  it('says what cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const { exit, stderr } = await render(['caddy', '-o', join(folder, 'file', 'below')]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/cannot be written: E(?:NOTDIR|EXIST)/);
  });
});

describe('--check', () => {
  it('runs the test of the engine on the text, and shows its words', async () => {
    const env = await install('caddy', 0);
    const { exit, stdout, stderr } = await render(['caddy', '--check'], env);
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toContain('asked: validate\n');
    expect(stderr).toContain('said on stderr\n');
  });

  it('tests a site of Apache with the configuration that is installed', async () => {
    const env = await install('apache2ctl', 0);
    const { exit, stderr } = await render(['apache', '--mode', 'front', '--check'], env);
    expect(exit).toBe(0);
    expect(stderr).toContain('asked: -t\n');
  });

  it('ends with 5 where the engine refuses, and writes nothing', async () => {
    const env = await install('caddy', 3);
    const { exit, stderr } = await render(['caddy', '--check', '-o', join(folder, 'Caddyfile')], env);
    expect(exit).toBe(5);
    expect(stderr).toContain('error[E_RENDER_REFUSED]');
    expect(await readdir(folder)).toEqual(['bin']);
  });

  it('ends with 4 where the engine is not installed', async () => {
    const { exit, stderr } = await render(['envoy', '--check'], { PATH: join(folder, 'nothing') });
    expect(exit).toBe(4);
    expect(stderr).toContain('error[E_RENDER_NO_ENGINE]: `envoy` is not installed here');
  });

  it('ends with 4 where the part that tests is not installed', async () => {
    const env = await install('docker', 1);
    const { exit, stderr } = await render(['compose', '--check'], env);
    expect(exit).toBe(4);
    expect(stderr).toContain('`docker compose` is not installed here');
  });

  it('tests manifests with the schemas of a cluster, and ends with 4 where none answers', async () => {
    const found = await render(['kubernetes', '--check'], await install('kubectl', 0));
    expect(found.exit).toBe(0);
    expect(found.stderr).toContain('asked: apply\n');
    const { exit, stderr } = await render(['kubernetes', '--check'], await install('kubectl', 1));
    expect(exit).toBe(4);
    expect(stderr).toContain('`kubectl` reaches no cluster');
  });

  it('lets Helm look at the whole chart', async () => {
    const { exit, stderr } = await render(['helm', '--check'], await install('helm', 0));
    expect(exit).toBe(0);
    expect(stderr).toContain('asked: lint\n');
  });

  it('answers a program with what the engine said', async () => {
    const env = await install('caddy', 3);
    const { exit, stdout, stderr } = await render(['caddy', '--check', '--json'], env);
    expect(exit).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      check: {
        program: join(folder, 'bin', 'caddy'),
        accepted: false,
        output: expect.stringContaining('asked'),
      },
    });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'E_RENDER_REFUSED', exit: 5 } });
  });
});
