import { describe, expect, it } from 'vitest';
import { isFullRun } from '../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { initializeParams, versionField } from '../support/session-rig.ts';
import { startSessionServer, type SessionServer } from '../support/session-server.ts';
import { until } from '../support/until.ts';
import { askStatus } from '../replicas/status.ts';

const MIB = 1024 * 1024;
const abandoned = isFullRun ? 100_000 : 8000;
const live = 1000;
const connections = 8;
const initialize = buildPost(
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initializeParams }),
);

/** Begins so many sessions and never comes back to them. */
async function abandon(gateway: GatewayProcess, server: SessionServer, count: number): Promise<void> {
  const share = count / connections;
  const work = Array.from({ length: connections }, async () => {
    const client = await connectRaw({ port: gateway.port, ca: gateway.ca });
    for (let index = 0; index < share; index++) {
      client.clear();
      client.send(initialize);
      expect((await receive(client)).status).toBe(200);
      // The test is not to be what grows.
      if (index % 100 === 0) server.forget();
    }
    client.socket.destroy();
  });
  await Promise.all(work);
}

describe(`${abandoned} sessions that were begun and left`, () => {
  it('leave memory flat, are ended at the server, and a later client does not notice', async () => {
    const server = await startSessionServer();
    const gateway = await startGatewayProcess({
      upstreamPort: server.port,
      config: { sessions: { live, noted: 1000 } },
    });
    try {
      await abandon(gateway, server, 2 * live);
      const before = await gateway.measureHeap();
      await abandon(gateway, server, abandoned);
      await until(() => server.sessions.size <= live, 30_000);
      expect(server.sessions.size).toBeLessThanOrEqual(live);
      expect(server.deleted.length).toBeGreaterThanOrEqual(abandoned + live);
      const after = await gateway.measureHeap();
      expect(after - before).toBeLessThan(4 * MIB);
      // What was ended counts when the answer is there in time.
      const wanted = 0.999 * (abandoned + live);
      await until(async () => (await askStatus(gateway)).sessions.ended >= wanted);
      const { sessions } = await askStatus(gateway);
      expect(sessions.live).toBeLessThanOrEqual(live);
      expect(sessions.ended).toBeGreaterThanOrEqual(wanted);
      const client = await connectRaw({ port: gateway.port, ca: gateway.ca });
      client.send(initialize);
      const id = (await receive(client)).field('mcp-session-id') ?? '';
      client.clear();
      client.send(buildPost(buildCall(), { fields: `${versionField}Mcp-Session-Id: ${id}\r\n` }));
      expect((await receive(client)).status).toBe(200);
      client.socket.destroy();
    } finally {
      await gateway.clean();
      await server.stop();
    }
  }, 900_000);
});
