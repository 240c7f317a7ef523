import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { startProbe, type HealthCheck } from '../../src/upstream/health/probe.ts';
import type { ProbeResult } from '../../src/upstream/health/probe-connection.ts';
import { buildUpstreams } from '../support/interop-upstreams.ts';
import { findFastmcpPython, programsAreMandatory } from '../support/programs.ts';

const upstreams = buildUpstreams(findFastmcpPython());
const readBuffer = Buffer.alloc(4096);

function ask(kind: 'tcp' | 'discover', port: number, path: string): Promise<ProbeResult> {
  const check: HealthCheck = { kind };
  const target = { kind: 'tcp', secure: false, host: '127.0.0.1', port, path } as const;
  return new Promise((resolve) => {
    startProbe(check, { target, timeout: 5000, clock: systemClock, readBuffer }, resolve);
  });
}

describe.each(upstreams)('$name', (upstream) => {
  const { program, transport, path } = upstream;
  const isExcused = program?.kind === 'missing' && !programsAreMandatory;

  it.skipIf(isExcused)('is found well by its checks, and gone once it has stopped', async () => {
    const server = await upstream.start();
    try {
      expect(await ask('tcp', server.port, path)).toEqual({ kind: 'passed' });
      // The endpoint of the deprecated transport takes no POST.
      const expected = transport === 'http-sse' ? 'failed' : 'passed';
      for (let count = 0; count < 3; count++)
        expect(await ask('discover', server.port, path)).toMatchObject({ kind: expected });
    } finally {
      await server.stop();
    }
    for (const kind of ['tcp', 'discover'] as const)
      expect(await ask(kind, server.port, path)).toEqual({ kind: 'failed', reason: 'refuses connections' });
  });
});
