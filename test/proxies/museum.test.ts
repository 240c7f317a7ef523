import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { askDoctor, listFindings, listIds } from '../support/doctor.ts';
import { connectSdk1 } from '../support/interop-sdk-clients.ts';
import { startUpstream } from '../support/interop-upstreams.ts';
import {
  findFastmcpPython,
  findFreePort,
  programsAreMandatory,
  toCheckoutPath,
  type ServerProgram,
} from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine } from '../support/proxy-engine.ts';
import { engineExhibits } from './museum/engine-exhibits.ts';
import { startMuseumServer, userToken } from './museum/museum-server.ts';
import { serverExhibits } from './museum/server-exhibits.ts';
import { startEngineRig, type EngineRig } from './rig.ts';

const quick = { deadline: 2500 };

it('holds at least fifty exhibits', () => {
  expect(engineExhibits.length + serverExhibits.length + asTheyCome.length).toBeGreaterThanOrEqual(50);
});

const python = findFastmcpPython();

/** Real servers without a front, and what about them breaks some clients. */
const asTheyCome = [
  ['FastMCP', '/mcp', 'proxy-slash-redirect'],
  ['FastMCP', '/mcp', 'mcp-foreign-origin'],
  ['server-everything', '/mcp', 'mcp-unknown-session-status'],
  ['server-everything', '/mcp', 'mcp-no-modern-revision'],
  ['server-everything over HTTP+SSE', '/sse', 'mcp-old-transport'],
  ['FastMCP over HTTP+SSE', '/sse', 'mcp-old-transport'],
] as const;

/** What a client of the SDK comes to: `works` when it lists the tools. */
async function tryClient(rig: EngineRig): Promise<'works' | 'fails'> {
  const url = new URL(`https://localhost:${rig.port}/mcp`);
  try {
    const client = await connectSdk1({
      url,
      protocol: 'h1',
      transport: 'streamable-http',
      ca: rig.ca,
      caFile: '',
    });
    try {
      return (await client.listTools()).length > 0 ? 'works' : 'fails';
    } finally {
      await client.close();
    }
  } catch {
    return 'fails';
  }
}

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)('engines before real FastMCP', () => {
  let server: ServerProgram;
  let replica: ServerProgram;
  beforeAll(async () => {
    [server, replica] = await Promise.all([
      startUpstream(python, 'FastMCP'),
      startUpstream(python, 'FastMCP'),
    ]);
  });
  afterAll(() => Promise.all([server?.stop(), replica?.stop()]));

  it.for(engineExhibits)('$engine: $finds', async ({ engine, finds, plant, client = 'works' }, { skip }) => {
    const program = findEngine(engine);
    if (program.kind === 'missing' && !programsAreMandatory) skip(program.reason);
    const plainPort = await findFreePort();
    const fill = (text: string): string =>
      text.replace('PLAIN', `127.0.0.1:${plainPort}`).replace('REPLICA', String(replica.port));
    await using rig = await startEngineRig({
      engine,
      mode: 'direct',
      upstreamPort: server.port,
      edit: (text) =>
        plant.reduce((before, [from, to]) => {
          const after = before.replace(from, fill(to));
          if (after === before) throw new Error(`${String(from)} is not there to be replaced`);
          return after;
        }, text),
    });
    const httpPort = plant.some(([, to]) => to.includes('PLAIN')) ? plainPort : rig.plainPort;
    const report = await askDoctor(`https://localhost:${rig.port}/mcp`, { ...quick, ca: rig.ca, httpPort });
    expect(listIds(report)).toContain(finds);
    expect(await tryClient(rig)).toBe(client);
  });
});

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)('servers as they come', () => {
  it.each(asTheyCome)('%s at %s: %s', async (name, path, finds) => {
    await using programs = new AsyncDisposableStack();
    const server = await startUpstream(python, name);
    programs.defer(() => server.stop());
    expect(listIds(await askDoctor(`http://127.0.0.1:${server.port}${path}`, quick))).toContain(finds);
  });
});

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)('the widely read recipe', () => {
  it('is told from outside that its path is replaced, and why; what is rendered of the same facts works', async ({
    skip,
  }) => {
    const nginx = findEngine('nginx');
    if (nginx.kind === 'missing' && !programsAreMandatory) skip(nginx.reason);
    await using programs = new AsyncDisposableStack();
    const server = await startUpstream(python, 'FastMCP');
    programs.defer(() => server.stop());
    const folder = programs.use(await createEngineFolder());
    const { cert, key } = await createTestCertificate();
    const certificate = await folder.write('cert.pem', cert);
    const port = await findFreePort();
    const recipe = readFileSync(toCheckoutPath('test/render/lint/fixtures/recipe.conf'), 'utf8')
      .replace(/127\.0\.0\.1:8000/, `127.0.0.1:${server.port}`)
      .replace(/listen 443 ssl http2;/, `listen 127.0.0.1:${port} ssl http2;`)
      .replace(/ssl_certificate [^;]*;/, `ssl_certificate ${certificate};`)
      .replace(/ssl_certificate_key [^;]*;/, `ssl_certificate_key ${await folder.write('key.pem', key)};`);
    const text = `events { }\nhttp {\naccess_log off;\n${recipe}}\n`;
    const program = await startEngine('nginx', { folder, files: [{ path: 'nginx.conf', text }], port });
    programs.defer(() => program.stop());
    const report = await askDoctor(`https://localhost:${port}/mcp`, { ...quick, ca: cert });
    const found = report.results.find(({ id }) => id === 'http-not-found');
    expect(found?.seen).toContain('404');
    expect(found?.fix?.advice).toContain('`proxy_pass` with a slash at its end replaces the path');
    expect(found?.fix?.lines.join('\n')).toMatch(/proxy_pass http:\/\/mcp_1\/mcp;/);
    expect(report.front.name).toBe('nginx');

    const rig = programs.use(
      await startEngineRig({ engine: 'nginx', mode: 'direct', upstreamPort: server.port }),
    );
    expect(await tryClient(rig)).toBe('works');
  });
});

describe('servers and logins', () => {
  let certificate: TestCertificate;
  beforeAll(async () => {
    certificate = await createTestCertificate();
  });
  const ask = (url: string): ReturnType<typeof askDoctor> =>
    askDoctor(url, { ...quick, ca: certificate.cert, credential: { Authorization: `Bearer ${userToken}` } });

  it('control: with nothing planted, nothing is found', async () => {
    await using server = await startMuseumServer(certificate);
    expect(listFindings(await ask(server.url))).toEqual([]);
  });

  it.each(serverExhibits)('$finds', async (exhibit) => {
    await using server = await startMuseumServer(certificate, exhibit);
    expect(listIds(await ask(server.url))).toContain(exhibit.finds);
  });
});
