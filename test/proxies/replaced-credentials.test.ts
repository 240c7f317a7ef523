import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Front } from '../../src/render/front.ts';
import type { ReceivedAnswer } from '../support/answers.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { findFreePort, programsAreMandatory, type ServerProgram } from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine, type EngineFolder } from '../support/proxy-engine.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { directFront, sampleRoute } from '../render/sample-fronts.ts';
import { renderers } from './rig.ts';

/** Stands in for the authz endpoint: decides by the token alone, and keeps what it was asked. */
async function startDecider(): Promise<{ server: Server; port: number; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const token = request.headers.authorization?.slice('Bearer '.length);
    if (token === 'exchanged')
      response.writeHead(200, { 'x-breakwater-authorization': 'Bearer for-the-server' });
    else if (token === 'plain') response.writeHead(200);
    else response.writeHead(403, { 'content-type': 'text/plain' });
    response.end(token === 'exchanged' || token === 'plain' ? '' : 'E_ACCESS_DENIED');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // `address()` is a string only for sockets on a path.
  return { server, port: (server.address() as AddressInfo).port, asked };
}

describe.each(['caddy', 'caddy-current', 'envoy'] as const)('%s before an MCP server', (engine) => {
  const program = findEngine(engine);
  let upstream: ScriptedUpstream;
  let decider: Awaited<ReturnType<typeof startDecider>>;
  let folder: EngineFolder;
  let running: ServerProgram | undefined;
  let rig: { readonly port: number; readonly ca: string };

  beforeAll(async () => {
    if (program.kind === 'missing') {
      if (programsAreMandatory) throw new Error(program.reason);
      return;
    }
    upstream = await startScriptedUpstream((request) => {
      if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead + toChunk('data: first\n\n'));
      else answerJson('{}')(request);
    });
    decider = await startDecider();
    folder = await createEngineFolder();
    const { cert, key } = await createTestCertificate();
    const [port, plainPort] = [await findFreePort(), await findFreePort()];
    const front: Front = {
      ...directFront,
      listen: { host: '127.0.0.1', port },
      plainHttp: { host: '127.0.0.1', port: plainPort },
      names: ['localhost'],
      publicUrl: `https://localhost:${port}`,
      certificate: { cert: await folder.write('cert.pem', cert), key: await folder.write('key.pem', key) },
      authz: { host: '127.0.0.1', port: decider.port },
      routes: [
        {
          ...sampleRoute,
          upstreams: [
            {
              kind: 'tcp',
              secure: false,
              host: '127.0.0.1',
              port: upstream.port,
              path: '/serve',
              ca: undefined,
              weight: 1,
            },
          ],
        },
      ],
    };
    const rendered = renderers[engine](front);
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    running = await startEngine(engine, { folder, files: rendered.value.files, port });
    rig = { port, ca: cert };
  });
  afterAll(async () => {
    await running?.stop();
    await upstream.stop();
    decider.server.close();
    await folder[Symbol.asyncDispose]();
  });

  const fieldsOf = (token: string): string =>
    `Authorization: Bearer ${token}\r\nX-API-Key: secret-key\r\nX-Breakwater-Authorization: Bearer forged\r\n`;

  async function ask(token: string): Promise<ReceivedAnswer> {
    const client = await connectRaw(rig);
    client.send(
      buildPost(buildCall(), { path: '/mcp?q=1', fields: fieldsOf(token) }).replace(
        'Host: localhost',
        `Host: localhost:${rig.port}`,
      ),
    );
    const received = await receive(client);
    client.socket.destroy();
    return received;
  }

  describe.skipIf(program.kind === 'missing')('the rendered configuration', () => {
    it("token-passthrough: shows the server the credentials that the answer names, and none of the caller's", async () => {
      expect((await ask('exchanged')).status).toBe(200);
      const head = upstream.requests.at(-1)?.head ?? '';
      expect(head).toMatch(/^POST \/serve\?q=1 /);
      expect(head.match(/^authorization: .*$/gim)).toEqual([
        expect.stringMatching(/^authorization: Bearer for-the-server\r?$/i),
      ]);
      expect(head).not.toMatch(/secret-key|exchanged|forged/);
    });

    it('token-passthrough: shows it none where the answer names none', async () => {
      expect((await ask('plain')).status).toBe(200);
      const head = upstream.requests.at(-1)?.head ?? '';
      expect(head).not.toMatch(/^authorization:/im);
      expect(head).not.toMatch(/secret-key|forged/);
    });

    it('asks with the method and the path of the request', async () => {
      await ask('plain');
      const { method, url, headers } = decider.asked.at(-1) ?? {};
      const [asked, target] =
        engine === 'envoy'
          ? [method, url?.replace('/authz', '')]
          : [headers?.['x-forwarded-method'], headers?.['x-forwarded-uri']];
      expect([asked, target]).toEqual(['POST', '/mcp?q=1']);
      expect(headers?.['x-forwarded-host']).toBe(`localhost:${rig.port}`);
    });

    it('passes a refusal on, and nothing to the server', async () => {
      const before = upstream.requests.length;
      const refused = await ask('unknown');
      expect([refused.status, refused.body]).toEqual([403, 'E_ACCESS_DENIED']);
      expect(upstream.requests).toHaveLength(before);
    });

    it('tells the server when the client of a stream is gone', async () => {
      const client = await connectRaw(rig);
      client.send(
        buildGet({ fields: fieldsOf('plain') }).replace('Host: localhost', `Host: localhost:${rig.port}`),
      );
      await client.until((text) => text.includes('data: first'));
      const stream = upstream.requests.findLast(({ head }) => head.startsWith('GET '));
      client.socket.destroy();
      await expect.poll(() => stream?.socket.destroyed, { interval: 5, timeout: 5000 }).toBe(true);
    });

    it('fail-open: lets nobody in while nobody decides', async () => {
      decider.server.closeAllConnections();
      await new Promise((resolve) => decider.server.close(resolve));
      const before = upstream.requests.length;
      expect((await ask('plain')).status).toBeGreaterThanOrEqual(500);
      expect(upstream.requests).toHaveLength(before);
    });
  });
});
