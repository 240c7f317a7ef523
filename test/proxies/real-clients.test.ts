import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRows, isBroken, type LegName } from '../../scripts/conformance/comparison.ts';
import {
  loadRequirements,
  requirementSets,
  type RequirementSet,
} from '../../scripts/conformance/requirements.ts';
import { startFixture, type RunningServer } from '../../scripts/conformance/server-process.ts';
import { runSuite, type SuiteResults } from '../../scripts/conformance/suite-run.ts';
import { askDoctor, listIds } from '../support/doctor.ts';
import { isFullRun } from '../support/evidence.ts';
import { connectMcpRemote } from '../support/interop-mcp-remote.ts';
import { startUpstream } from '../support/interop-upstreams.ts';
import { findFastmcpPython, programsAreMandatory, type ServerProgram } from '../support/programs.ts';
import { findEngine } from '../support/proxy-engine.ts';
import { engines, startEngineRig, type EngineRig, type EngineRigOptions } from './rig.ts';

const tested = engines.filter((engine) => programsAreMandatory || findEngine(engine).kind === 'found');
const python = findFastmcpPython();
/** How long a stream without a message is watched: three minutes in the full form. */
const quiet = isFullRun ? 180_000 : 50_000;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig[Symbol.asyncDispose]();
});

async function start(
  options: Omit<EngineRigOptions, 'mode'>,
): Promise<EngineRig & { readonly caFile: string }> {
  const rig = await startEngineRig({ ...options, mode: 'direct' });
  open.push(rig);
  const caFile = join(tmpdir(), `breakwater-engine-${rig.port}.pem`);
  await writeFile(caFile, rig.ca);
  return { ...rig, caFile };
}

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)(
  'real FastMCP behind what is rendered',
  () => {
    let server: ServerProgram;
    beforeAll(async () => {
      server = await startUpstream(python, 'FastMCP');
    });
    afterAll(() => server?.stop());

    it.each(tested)('%s: `mcp-remote` calls a tool', { timeout: 60_000 }, async (engine) => {
      const rig = await start({ engine, upstreamPort: server.port });
      const url = new URL(`https://localhost:${rig.port}/mcp`);
      const { ca, caFile } = rig;
      const client = await connectMcpRemote(
        { url, protocol: 'h1', transport: 'streamable-http', ca, caFile },
        'legacy',
      );
      const { text } = await client.call({ name: 'echo', arguments: { message: 'hi' } });
      await client.close();
      expect(text).toBe('Just echo: hi');
    });

    // FastMCP itself sends a comment after fifteen seconds of silence; all engines are watched at the same time.
    it(
      `a stream that says nothing is open after ${quiet / 1000} s`,
      { timeout: quiet + 90_000 },
      async () => {
        const watched = await Promise.all(
          tested.map(async (engine) => {
            const rig = await start({ engine, upstreamPort: server.port });
            const report = await askDoctor(`https://localhost:${rig.port}/mcp`, { ca: rig.ca, idle: quiet });
            const wrong = listIds(report).filter(
              (id) => id === 'proxy-idle-cut' || id === 'proxy-no-heartbeat',
            );
            const told = report.results.find(({ id }) => id === 'proxy-idle-cut')?.seen;
            return [engine, wrong, told] as const;
          }),
        );
        expect(watched).toEqual(tested.map((engine) => [engine, [], `open after ${quiet / 1000} s`]));
      },
    );

    it(
      'control: a stream that is cut after five seconds of silence is found, with the seconds',
      { timeout: 60_000 },
      async () => {
        const edit = (text: string): string =>
          text.replaceAll(/proxy_read_timeout [^;]*;/g, 'proxy_read_timeout 5s;');
        const rig = await start({ engine: 'nginx', upstreamPort: server.port, edit });
        const report = await askDoctor(`https://localhost:${rig.port}/mcp`, { ca: rig.ca, idle: 12_000 });
        const found = report.results.find(({ id }) => id === 'proxy-idle-cut');
        expect(found?.status).toBe('fail');
        expect(found?.seen).toMatch(/^the stream ended after [4-7]\.\d s \(watched for 12 s\)$/);
      },
    );
  },
);

describe.each(requirementSets)('the conformance suite of %s', (set: RequirementSet) => {
  let fixture: RunningServer;
  let direct: SuiteResults;
  beforeAll(async () => {
    fixture = await startFixture();
    direct = (await runSuite({ url: fixture.url, set })).results;
  }, 180_000);
  afterAll(() => fixture?.stop());
  let requirements: Awaited<ReturnType<typeof loadRequirements>>;
  beforeEach(async () => {
    requirements = await loadRequirements(set);
  });

  it.each(tested)('%s: the same results as directly', { timeout: 180_000 }, async (engine) => {
    const upstreamPort = Number(new URL(fixture.url).port);
    // The suite sends the origin of a server on this machine, without TLS.
    const rig = await start({ engine, upstreamPort, plainOrigin: true });
    const { results } = await runSuite({
      url: `https://localhost:${rig.port}/mcp`,
      set,
      tls: { protocol: 'h1', caFile: rig.caFile },
    });
    const legs = new Map<LegName, SuiteResults>([
      ['direct', direct],
      ['h1', results],
    ]);
    const rows = buildRows(requirements, legs);
    expect(rows.filter(isBroken).map(({ scenario }) => scenario)).toEqual([]);
    expect(rows.flatMap(({ differences }) => differences)).toEqual([]);
  });
});
