import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Front } from '../../src/render/front.ts';
import { createTestCertificate } from '../support/certificates.ts';
import type { ReceivedAnswer } from '../support/answers.ts';
import { buildCall } from '../support/messages.ts';
import { findFreePort, programsAreMandatory, type ServerProgram } from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine, type EngineFolder } from '../support/proxy-engine.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';
import { directFront, sampleRoute } from '../render/sample-fronts.ts';
import { renderers } from './rig.ts';

const program = findEngine('envoy');
const calls = 12;

/** A server that begins a session with each call that names none. */
function startReplica(name: string): Promise<ScriptedUpstream> {
  const field = `Mcp-Session-Id: session-of-${name}\r\n`;
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
  return startScriptedUpstream(({ socket }) => socket.write(`${head}${field}\r\n{}`));
}

describe.skipIf(program.kind === 'missing' && !programsAreMandatory)('Envoy before two replicas', () => {
  let replicas: readonly ScriptedUpstream[];
  let folder: EngineFolder;
  let running: ServerProgram;
  let rig: { readonly port: number; readonly ca: string };

  beforeAll(async () => {
    if (program.kind === 'missing') throw new Error(program.reason);
    replicas = [await startReplica('one'), await startReplica('two')];
    folder = await createEngineFolder();
    const { cert, key } = await createTestCertificate();
    const port = await findFreePort();
    const front: Front = {
      ...directFront,
      listen: { host: '127.0.0.1', port },
      plainHttp: undefined,
      names: ['localhost'],
      publicUrl: `https://localhost:${port}`,
      certificate: { cert: await folder.write('cert.pem', cert), key: await folder.write('key.pem', key) },
      authz: undefined,
      routes: [
        {
          ...sampleRoute,
          protected: false,
          upstreams: replicas.map((replica) => ({
            kind: 'tcp',
            secure: false,
            host: '127.0.0.1',
            port: replica.port,
            path: '/mcp',
            ca: undefined,
            weight: 1,
          })),
        },
      ],
    };
    const rendered = renderers.envoy(front);
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    running = await startEngine('envoy', { folder, files: rendered.value.files, port });
    rig = { port, ca: cert };
  });
  afterAll(async () => {
    await running.stop();
    for (const replica of replicas) await replica.stop();
    await folder[Symbol.asyncDispose]();
  });

  async function ask(session?: string): Promise<ReceivedAnswer> {
    const client = await connectRaw(rig);
    const fields = session === undefined ? '' : `Mcp-Session-Id: ${session}\r\n`;
    client.send(buildPost(buildCall(), { fields }).replace('Host: localhost', `Host: localhost:${rig.port}`));
    const received = await receive(client);
    client.socket.destroy();
    return received;
  }

  const counts = (): readonly number[] => replicas.map(({ requests }) => requests.length);

  it('spreads calls without a session', async () => {
    for (let call = 0; call < calls; call++) await ask();
    expect(Math.min(...counts())).toBeGreaterThan(0);
  });

  it('session-lost: brings every call of a session to the server that began it, under its own name', async () => {
    const session = (await ask()).field('mcp-session-id') ?? '';
    const before = counts();
    for (let call = 0; call < calls; call++) await ask(session);
    const added = counts().map((count, index) => count - (before[index] ?? 0));
    expect(added.toSorted((one, other) => one - other)).toEqual([0, calls]);
    const taken = added.indexOf(calls);
    const name = ['one', 'two'][taken] ?? '';
    expect(replicas[taken]?.requests.at(-1)?.head).toMatch(
      new RegExp(`mcp-session-id: session-of-${name}$`, 'im'),
    );
  });
});
