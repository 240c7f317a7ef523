import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import { askDoctor, listFindings } from '../support/doctor.ts';
import { startUpstream } from '../support/interop-upstreams.ts';
import { findFastmcpPython, programsAreMandatory, type ServerProgram } from '../support/programs.ts';
import { findEngine } from '../support/proxy-engine.ts';
import { asking, engines, startEngineRig } from './rig.ts';

const key = createKey();
const auth = { keys: [{ name: 'test', sha256: toKeyHash(key) }] };
const python = findFastmcpPython();

const setUps = engines.flatMap((engine) => [
  [engine, 'direct', 'open'] as const,
  ...(asking.includes(engine) ? [[engine, 'direct', 'protected'] as const] : []),
  [engine, 'front', 'protected'] as const,
]);

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)('doctor before real FastMCP', () => {
  let server: ServerProgram;
  beforeAll(async () => {
    server = await startUpstream(python, 'FastMCP');
  });
  afterAll(() => server?.stop());

  it.for(setUps)(
    'grades what is rendered for %s, mode %s, %s, with A',
    async ([engine, mode, access], { skip }) => {
      const program = findEngine(engine);
      if (program.kind === 'missing' && !programsAreMandatory) skip(program.reason);
      await using rig = await startEngineRig({
        engine,
        mode,
        upstreamPort: server.port,
        ...(access === 'protected' ? { auth } : {}),
      });
      const report = await askDoctor(`https://localhost:${rig.port}/mcp`, {
        ca: rig.ca,
        httpPort: rig.plainPort,
        ...(access === 'protected' ? { credential: { Authorization: `Bearer ${key}` } } : {}),
      });
      expect(listFindings(report)).toEqual([]);
      expect(['A+', 'A']).toContain(report.grade);
      // What is served at all has been asked everything: nothing passes because nobody looked.
      expect(
        report.results.filter(({ layer, status }) => layer === 'mcp' && status === 'pass').length,
      ).toBeGreaterThan(20);
      const whole = Object.values(report.facts.spent).reduce((sum, each) => sum + each, 0);
      expect(whole).toBeLessThan(5000);
    },
  );
});
