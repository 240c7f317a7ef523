import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFacts } from '../doctor/facts-builder.ts';
import { faults } from '../doctor/faults.ts';
import { cwd, runCli } from './capture-io.ts';

const saved = (id?: string): Readonly<Record<string, string>> => ({
  [`${cwd}/facts.json`]: JSON.stringify(buildFacts(id === undefined ? {} : faults[id])),
});
const doctor = (id: string | undefined, ...argv: readonly string[]): ReturnType<typeof runCli> =>
  runCli(['doctor', '--from', 'facts.json', ...argv], { files: saved(id) });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breakwater-doctor-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('breakwater doctor', () => {
  it.each([
    [undefined, [], 0],
    ['mcp-foreign-origin', [], 5],
    ['http-no-hsts', [], 0],
    ['http-no-hsts', ['--fail-on', 'warning'], 5],
    ['tls-no-hybrid', ['--fail-on', 'info'], 5],
    ['tcp-unreachable', [], 4],
    ['http-no-answer', [], 4],
    ['oauth-token-refused', [], 3],
  ] as const)('%s with %j ends with %d', async (id, argv, exit) => {
    expect((await doctor(id, ...argv)).exit).toBe(exit);
  });

  it('says the grade first, then layers, what is wrong with its fix, and timings last', async () => {
    const { stdout, stderr } = await doctor('proxy-sibling-exposed');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Grade C {2}https:\/\/mcp\.example\.com\/mcp\nC: an error/);
    expect(stdout).toContain('\nproxy   1 failed, ');
    expect(stdout).toContain('error[proxy-sibling-exposed]: `/mcpfoo` is answered with 404 by another');
    expect(stdout).toContain('   = fix: match the endpoint exactly');
    expect(stdout).toMatch(/head +5 ms\n/);
  });

  it('prints the fix for the front that it recognises, by the code of render', async () => {
    const facts = buildFacts(faults['http-no-hsts']);
    const text = JSON.stringify(facts).replace(
      '"content-type":"text/plain"',
      '"server":"nginx/1.22.1","content-type":"text/plain"',
    );
    const { stdout } = await runCli(['doctor', '--from', 'facts.json'], {
      files: { [`${cwd}/facts.json`]: text },
    });
    expect(stdout).toContain('with every answer by HTTPS (nginx):');
    expect(stdout).toContain('add_header Strict-Transport-Security "max-age=63072000" always;');
  });

  it('shows what passed with --verbose, and nothing with --quiet', async () => {
    expect((await doctor(undefined, '--verbose')).stdout).toContain('passed  mcp-tools-list: ');
    expect(await doctor('mcp-foreign-origin', '--quiet')).toMatchObject({ exit: 5, stdout: '' });
  });

  it('--json is one envelope', async () => {
    const { stdout } = await doctor('mcp-foreign-origin', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'breakwater.doctor/1',
      grade: 'D',
      findings: [
        { id: 'mcp-foreign-origin', severity: 'error', fix: { advice: expect.stringMatching(/403/) } },
      ],
    });
  });

  it('--check shows one alone, and --list all', async () => {
    const { stdout } = await doctor('mcp-foreign-origin', '--check', 'http-no-hsts');
    expect(stdout).toContain('Grade A+');
    expect((await runCli(['doctor', '--list'])).stdout).toContain('tls     tls-expired');
  });

  it('--facts writes what --from reads', async () => {
    const file = join(folder, 'facts.json');
    await doctor('http-no-hsts', '--facts', file);
    const text = await readFile(file, 'utf8');
    const again = await runCli(['doctor', '--from', file, '--json'], { files: { [file]: text } });
    expect(JSON.parse(again.stdout)).toMatchObject({ findings: [{ id: 'http-no-hsts' }] });
  });

  it.each([
    ['html', /^<!doctype html>[\s\S]*mcp-foreign-origin/],
    ['sarif', /"ruleId": "mcp-foreign-origin"/],
    ['junit', /<testcase classname="doctor.mcp" name="mcp-foreign-origin"><failure/],
  ] as const)('--format %s goes to a file', async (format, pattern) => {
    const file = join(folder, format);
    const { stdout } = await doctor('mcp-foreign-origin', '--format', format, '-o', file);
    expect(stdout).toBe('');
    expect(await readFile(file, 'utf8')).toMatch(pattern);
  });

  it('--bundle lists what goes into it and what was taken out, and is an archive', async () => {
    const file = join(folder, 'bundle.tar.gz');
    const { stderr } = await doctor('mcp-foreign-origin', '--bundle', file);
    expect(stderr).toContain('facts.json (');
    expect(stderr).toContain('without tokens and API keys, cookies');
    const archive = gunzipSync(await readFile(file));
    expect(archive.length % 512).toBe(0);
    expect(archive.toString('utf8', 0, 27)).toBe('breakwater-doctor/facts.json'.slice(0, 27));
    expect(archive.toString('latin1', 257, 262)).toBe('ustar');
  });
});

describe('a baseline', () => {
  const withBaseline = (id: string | undefined, baseline: string): ReturnType<typeof runCli> =>
    runCli(['doctor', '--from', 'facts.json', '--baseline', 'known.yaml'], {
      files: { ...saved(id), [`${cwd}/known.yaml`]: baseline },
    });

  it('lets what it lists pass, and nothing else', async () => {
    expect((await withBaseline('mcp-foreign-origin', 'findings: [mcp-foreign-origin]')).exit).toBe(0);
    expect((await withBaseline('oauth-no-s256', 'findings: [mcp-foreign-origin]')).exit).toBe(5);
  });

  it('fails where an entry is stale: its finding gone, or its day past', async () => {
    const gone = await withBaseline(undefined, 'findings: [mcp-foreign-origin]');
    expect(gone).toMatchObject({ exit: 5 });
    expect(gone.stderr).toContain('`mcp-foreign-origin` is not found any more');
    const past = await withBaseline(
      'mcp-foreign-origin',
      'findings: [{ id: mcp-foreign-origin, until: 2020-01-31 }]',
    );
    expect(past).toMatchObject({ exit: 5 });
    expect(past.stderr).toContain('was put up with until 2020-01-31');
  });

  it.each([
    ['findings: [mcp-foreign-orgin]', 'did you mean `mcp-foreign-origin`?'],
    ['findings: nothing', 'it needs a list'],
    ['findings: [{ id: mcp-foreign-origin, until: soon }]', 'is no day'],
    ['findings: [{ id: mcp-foreign-origin, until: 2026-13-45 }]', 'is no day'],
    ['findings: [{ id: mcp-foreign-origin, until: 2026-02-30 }]', 'is no day'],
    ['{', 'it is no YAML'],
  ])('refuses %s', async (text, reason) => {
    const refused = await withBaseline(undefined, text);
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain(reason);
  });
});

describe('what cannot be meant', () => {
  it.each([
    [['doctor'], 'no address is given'],
    [['doctor', 'ftp://x'], 'is not HTTP'],
    [['doctor', 'https://user:password@mcp.example.com/mcp'], 'a credential in the address'],
    [['doctor', 'https://mcp.example.com/mcp?api_key=x'], 'a credential in the address'],
    [['doctor', 'x', '--idle', '1'], 'is no time to wait'],
    [['doctor', 'x', '--http-port', '70000'], 'is no port'],
    [['doctor', 'x', '--token-env', 'ABSENT'], 'holds nothing'],
    [['doctor', 'x', '--token-env', 'T', '--login'], 'two ways to a credential'],
    [['doctor', 'x', '--ca', 'absent.pem'], 'could not be read'],
    [['doctor', 'x', '--from', 'facts.json'], 'judged without asking again'],
    [['doctor', '--from', 'absent.json'], 'could not be read'],
    [['doctor', 'x', '-o', 'report.txt'], 'goes to standard output'],
    [['doctor', '--from', 'facts.json', '--check', 'tls-expred'], 'there is no check'],
  ])('%j is refused', async (argv, message) => {
    const refused = await runCli(argv);
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain(message);
  });

  it('header-injection: a token with a line end is no token', async () => {
    const refused = await runCli(['doctor', 'x', '--token-env', 'T'], { env: { T: 'a\r\nX-Admin: 1' } });
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain('holds no bearer token');
    expect(refused.stderr).not.toContain('X-Admin');
  });

  it.each(['{', '{}', '{"format":2,"target":{},"http":{}}'])(
    'facts that are none are refused: %s',
    async (text) => {
      const refused = await runCli(['doctor', '--from', 'facts.json'], {
        files: { [`${cwd}/facts.json`]: text },
      });
      expect(refused.exit).toBe(2);
    },
  );
});

it('facts that were changed below their outer form are refused, and do not end in a trace', async () => {
  const facts: unknown = { ...buildFacts(), tls: { done: true, facts: { chain: 7 } } };
  const refused = await runCli(['doctor', '--from', 'facts.json'], {
    files: { [`${cwd}/facts.json`]: JSON.stringify(facts) },
  });
  expect(refused.exit).toBe(2);
  expect(refused.stderr).toContain('it is not as doctor wrote it');
});

it('an outage, or a check that was not asked for, makes no entry of a baseline stale', async () => {
  const files = {
    ...saved('tcp-unreachable'),
    [`${cwd}/known.yaml`]: 'findings: [tcp-unreachable, mcp-foreign-origin]',
  };
  const nothing = { done: false, because: 'no address could be connected to' };
  const dead = { ...buildFacts(faults['tcp-unreachable']), tls: nothing, http: nothing, oauth: nothing };
  const outage = await runCli(['doctor', '--from', 'facts.json', '--baseline', 'known.yaml'], {
    files: { ...files, [`${cwd}/facts.json`]: JSON.stringify(dead) },
  });
  expect(outage).toMatchObject({ exit: 0, stderr: '' });
  const one = await runCli(
    ['doctor', '--from', 'facts.json', '--baseline', 'known.yaml', '--check', 'tcp-unreachable'],
    { files },
  );
  expect(one).toMatchObject({ exit: 0, stderr: '' });
});

it('explain says what a check is about', async () => {
  const { stdout } = await runCli(['explain', 'proxy-sibling-exposed']);
  expect(stdout).toContain('right: paths that begin like the endpoint are not forwarded');
});
