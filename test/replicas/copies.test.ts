import { describe, expect, it } from 'vitest';
import { beginSession, legacyCopy } from '../support/copies.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { startScriptedUpstream } from '../support/scripted-upstream.ts';
import { askStatus, waitForWorkers } from './status.ts';

describe('several copies behind several workers', () => {
  it('keep their sessions, whichever worker gets the call, without access control', async () => {
    const copies = [await startScriptedUpstream(legacyCopy(0)), await startScriptedUpstream(legacyCopy(1))];
    const upstream = copies.map(({ port }) => `http://127.0.0.1:${port}/mcp`);
    const gateway = await startGatewayProcess({
      upstreamPort: 1,
      config: { workers: 2, routes: [{ path: '/mcp', upstream }] },
    });
    try {
      await waitForWorkers(gateway, 2);
      const ask = async (request: string) => {
        const client = await connectRaw({ port: gateway.port, ca: gateway.ca });
        client.send(request);
        const answer = await receive(client);
        client.socket.destroy();
        return answer;
      };
      // Connections go to the workers in turn.
      const ids = [];
      for (let count = 0; count < 4; count++) ids.push(await beginSession({ ask }));
      for (const id of ids)
        for (let count = 0; count < 4; count++) {
          const answer = await ask(buildPost(buildCall(), { fields: `Mcp-Session-Id: ${id}\r\n` }));
          expect(answer.status).toBe(200);
        }
      expect(copies.every(({ requests }) => requests.length >= 5)).toBe(true);
      expect((await askStatus(gateway)).servers).toEqual(
        copies.map(({ port }) => ({
          route: '/mcp',
          server: `127.0.0.1:${port}`,
          weight: 1,
          open: 0,
          waiting: 0,
          failures: 0,
          ejectedUntil: null,
          check: { state: 'up', since: expect.any(String), reason: null },
        })),
      );
    } finally {
      await gateway.clean();
      for (const copy of copies) await copy.stop();
    }
  });
});
