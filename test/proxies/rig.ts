import type { Config } from '../../src/config/config.ts';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import type { Result } from '../../src/lib/result.ts';
import { buildFront } from '../../src/render/build-front.ts';
import type { Front } from '../../src/render/front.ts';
import type { Rendered } from '../../src/render/rendered.ts';
import { renderApache } from '../../src/render/targets/apache.ts';
import { renderCaddy } from '../../src/render/targets/caddy.ts';
import { renderEnvoy } from '../../src/render/targets/envoy.ts';
import { renderHaproxy } from '../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../src/render/targets/nginx.ts';
import { renderTraefik } from '../../src/render/targets/traefik.ts';
import type { ReceivedAnswer } from '../support/answers.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { buildTestConfig } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { findFreePort, type ServerProgram } from '../support/programs.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { until } from '../support/until.ts';
import { createEngineFolder, startEngine, type InstalledEngine } from '../support/proxy-engine.ts';
import { oneServer } from '../support/routes.ts';

export const renderers: Readonly<Record<InstalledEngine, (front: Front) => Result<Rendered, Diagnostic[]>>> =
  {
    nginx: (front) => renderNginx(front, { dialect: '1.22' }),
    haproxy: renderHaproxy,
    apache: renderApache,
    caddy: renderCaddy,
    'caddy-current': renderCaddy,
    envoy: renderEnvoy,
    traefik: renderTraefik,
  };

/** Every engine, in the order in which people meet them. */
export const engines: readonly InstalledEngine[] = [
  'nginx',
  'haproxy',
  'apache',
  'caddy',
  'caddy-current',
  'envoy',
  'traefik',
];

/** Engines that can ask Breakwater about a caller and talk to the MCP server themselves. */
export const asking: readonly InstalledEngine[] = ['nginx', 'caddy', 'caddy-current'];

export interface EngineRig extends AsyncDisposable {
  readonly port: number;
  readonly plainPort: number;
  /** PEM of the engine's own certificate. */
  readonly ca: string;
  /** Sends one request on a connection of its own. */
  readonly ask: (request: string) => Promise<ReceivedAnswer>;
  /** Breakwater behind it, or beside it, on a port of its own; absent where nobody has to be known. */
  readonly breakwater: { readonly port: number; readonly ca: string } | undefined;
}

export interface EngineRigOptions {
  readonly engine: InstalledEngine;
  readonly mode: Front['mode'];
  readonly upstreamPort: number;
  /** The protection of the route, as it is written; absent where everyone may call. */
  readonly auth?: object;
  /** Lets pages of the same host over plain HTTP in, as the embedded gateway does on loopback. */
  readonly plainOrigin?: boolean;
  /** Changes the main file of the engine: for planting a fault. */
  readonly edit?: (text: string) => string;
}

/** Renders a configuration and runs the engine with it, and Breakwater where the configuration has a part for it. */
export async function startEngineRig(options: EngineRigOptions): Promise<EngineRig> {
  const { engine, mode, upstreamPort, auth, plainOrigin = false, edit = (text) => text } = options;
  const port = await findFreePort();
  const plainPort = await findFreePort();
  const ownPort = await findFreePort();
  const authzPort = await findFreePort();
  const folder = await createEngineFolder();
  const { cert, key } = await createTestCertificate();
  const certificate = { cert: await folder.write('cert.pem', cert), key: await folder.write('key.pem', key) };
  // HAProxy reads both from one file.
  await folder.write('haproxy.pem', cert + key);
  const gateway =
    mode === 'front' || auth !== undefined
      ? await startGatewayProcess({
          upstreamPort,
          config: {
            listen: `127.0.0.1:${ownPort}`,
            public_url: `https://localhost:${port}`,
            trusted_proxies: ['127.0.0.1'],
            origins: ['https://app.example.com'],
            authz: authzPort,
            ...(auth === undefined ? {} : { auth }),
          },
        })
      : undefined;
  const config: Config = buildTestConfig(
    gateway?.stateDir ?? folder.path,
    [
      {
        host: undefined,
        path: '/mcp',
        ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: upstreamPort, path: '/mcp' }),
        auth:
          auth === undefined
            ? { kind: 'none' }
            : {
                kind: 'required',
                keys: { listed: [], stored: false },
                certificates: undefined,
                oauth: undefined,
              },
        rules: undefined,
        credentials: { kind: 'none' },
      },
    ],
    {
      listen: { host: '127.0.0.1', port: mode === 'front' ? ownPort : port },
      publicUrl: `https://localhost:${port}`,
      origins: ['https://app.example.com', ...(plainOrigin ? [`http://localhost:${port}`] : [])],
      trustedProxies: mode === 'front' ? ['127.0.0.1'] : [],
      authz: auth === undefined ? undefined : { host: '127.0.0.1', port: authzPort },
      // What a machine of any size lets a process open.
      limits: { connections: 1000 },
    },
  );
  const built = buildFront(config, { mode, certificate });
  if (!built.ok) throw new Error(JSON.stringify(built.error));
  const front: Front = {
    ...built.value.front,
    listen: { host: '127.0.0.1', port },
    plainHttp: { host: '127.0.0.1', port: plainPort },
  };
  const rendered = renderers[engine](front);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  let program: ServerProgram | undefined;
  const stop = async (): Promise<void> => {
    await program?.stop();
    await gateway?.stop();
    await gateway?.clean();
    await folder[Symbol.asyncDispose]();
  };
  try {
    const [main, ...others] = rendered.value.files;
    if (main === undefined) throw new Error('nothing is rendered');
    const files = [{ path: main.path, text: edit(main.text) }, ...others];
    program = await startEngine(engine, { folder, files, port });
    // Traefik listens before it has read its routes and certificates.
    if (engine === 'traefik') await until(() => answersEndpoint({ port, ca: cert }));
  } catch (error) {
    await stop();
    throw error;
  }
  const breakwater = gateway === undefined ? undefined : { port: ownPort, ca: gateway.ca };
  return {
    port,
    plainPort,
    ca: cert,
    ask: (request) => askOnce({ port, ca: cert }, request),
    breakwater,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whether the engine has the route of the endpoint already. A GET would not do: its answer may be a stream without an end. */
async function answersEndpoint(door: { readonly port: number; readonly ca: string }): Promise<boolean> {
  const request = buildPost('{}').replace('Host: localhost', `Host: localhost:${door.port}`);
  return askOnce(door, request).then(
    ({ status }) => status !== 404,
    () => false,
  );
}

/** Sends one request on a connection of its own to whoever answers there. */
export async function askOnce(
  door: { readonly port: number; readonly ca: string },
  request: string,
): Promise<ReceivedAnswer> {
  const client = await connectRaw(door);
  client.send(request);
  const received = await receive(client);
  client.socket.destroy();
  return received;
}
