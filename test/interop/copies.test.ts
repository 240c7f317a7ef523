import { describe, expect, it } from 'vitest';
import { startInteropGateway } from '../support/interop-gateway.ts';
import { connectSdk1 } from '../support/interop-sdk-clients.ts';
import { buildUpstreams } from '../support/interop-upstreams.ts';
import { findFastmcpPython } from '../support/programs.ts';

const servers = buildUpstreams(findFastmcpPython()).filter(({ name }) =>
  name.startsWith('server-everything'),
);

describe.each(servers)('two copies of $name', (server) => {
  it('keep their clients, whose answers to questions come back to the copy that asks', async () => {
    const { path, transport, exercises } = server;
    const copies = [await server.start(), await server.start()];
    const [upstreamPort = 0, ...more] = copies.map(({ port }) => port);
    const gateway = await startInteropGateway({ upstreamPort, copies: more, path, upstreamPath: path });
    const url = new URL(`https://localhost:${gateway.port}${path}`);
    const target = { url, ca: gateway.ca, caFile: '', protocol: 'h2', transport } as const;
    const clients = [];
    try {
      for (let count = 0; count < 4; count++) clients.push(await connectSdk1(target));
      for (let round = 0; round < 2; round++)
        for (const client of clients)
          for (const exercise of [exercises.call, exercises.elicitation, exercises.sampling])
            if (exercise !== undefined)
              expect((await client.call(exercise.tool)).text).toContain(exercise.expected);
    } finally {
      for (const client of clients) await client.close();
      await gateway.idle();
      await gateway.stop();
      for (const copy of copies) await copy.stop();
    }
    const calls = gateway.lines.filter(({ rpc }) => rpc === 'tools/call');
    const asked = new Map<unknown, number>();
    for (const { upstream } of calls) asked.set(upstream, (asked.get(upstream) ?? 0) + 1);
    expect(new Set(asked.keys())).toEqual(new Set(copies.map(({ port }) => `127.0.0.1:${port}`)));
    // Two clients each, with three calls in each of two rounds.
    expect([...asked.values()]).toEqual([12, 12]);
  });
});
