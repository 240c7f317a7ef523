import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config, RouteConfig } from '../../src/config/config.ts';
import { toCertificateNames } from '../../src/gateway/certificate-settings.ts';
import { launchGateway } from '../../src/gateway/launch.ts';
import { BoundDoors } from '../../src/gateway/listening/bound-doors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { buildTestConfig } from '../support/gateway.ts';
import { handshake } from '../support/tls-peers.ts';
import { oneServer } from '../support/routes.ts';

const run = promisify(execFile);
const terminal = { isTty: false, colour: false };

function launch(config: Config): ReturnType<typeof launchGateway> {
  const doors = new BoundDoors([]);
  return launchGateway({ config, authRequested: undefined, clock: systemClock, doors, terminal });
}

const route: RouteConfig = {
  host: undefined,
  path: '/mcp',
  ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 1, path: '/mcp' }),
  auth: { kind: 'none' },
  rules: undefined,
  credentials: { kind: 'none' },
};
let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-launch-'));
});
afterEach(async () => {
  await rm(stateDir, { recursive: true });
});

function namesFor(changes: Partial<Config>): readonly string[] {
  return toCertificateNames(buildTestConfig(stateDir, [], changes));
}

describe('the names of a certificate', () => {
  it.each([
    ['127.0.0.1', ['127.0.0.1']],
    ['localhost', ['localhost']],
    ['192.168.7.9', ['192.168.7.9']],
    ['fd00::5', ['fd00::5']],
    ['100.64.0.1', []],
    ['203.0.113.5', []],
    ['fe80::1%eth0', []],
  ])('from the local authority include the listen address %s where it is private', (host, names) => {
    expect(namesFor({ listen: { host, port: 8443 } })).toEqual(names);
  });

  it.each(['0.0.0.0', '::'])(
    'from the local authority include the addresses of the machine behind %s',
    (host) => {
      const listen = { host, port: 8443 };
      expect(namesFor({ listen })).toContain('127.0.0.1');
      expect(namesFor({ listen, domains: ['a.test'] })).toEqual(['a.test']);
    },
  );

  it('from the local authority include the hosts, without ports and brackets, where they are private', () => {
    const hosts = ['nas.local:8443', 'box.lan', '10.0.0.7:443', '[fd00::5]:8443', '[::1]', 'mcp.example.com'];
    expect(namesFor({ hosts, domains: ['a.test'] })).toEqual([
      'a.test',
      '127.0.0.1',
      'nas.local',
      'box.lan',
      '10.0.0.7',
      'fd00::5',
      '::1',
    ]);
  });

  it('from the local authority include every domain, so that a public one is refused and not passed over', async () => {
    const config = buildTestConfig(stateDir, [route], { domains: ['mcp.example.com'] });
    const launched = await launch(config);
    expect(launched).toMatchObject({ ok: false, error: [{ code: 'E_TLS_LOCAL_NAME' }] });
  });

  it('from files are the domains alone', () => {
    const tls = {
      files: [{ cert: '/cert.pem', key: '/key.pem', passphrase: undefined }],
      automatic: { kind: 'none' },
      policy: 'intermediate',
      clients: undefined,
    } as const;
    expect(namesFor({ tls, domains: ['a.test'], hosts: ['b.test'] })).toEqual(['a.test']);
  });

  it('are in the certificate that clients get', async () => {
    const config = buildTestConfig(stateDir, [route], { hosts: ['nas.local:8443', '192.168.7.9'] });
    const launched = await launch(config);
    if (!launched.ok) throw new Error(JSON.stringify(launched.error));
    const socket = await handshake({ port: launched.value.gateway.address.port });
    const certificate = socket.getPeerX509Certificate();
    expect(certificate?.checkHost('nas.local')).toBe('nas.local');
    expect(certificate?.checkIP('192.168.7.9')).toBe('192.168.7.9');
    expect(certificate?.checkHost('other.local')).toBeUndefined();
    socket.destroy();
    await launched.value.stop();
  });
});

describe('a port that another program has', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ])('on %s is named as URLs write it', async (host, shown) => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, host, resolve));
    const { port } = other.address() as AddressInfo; // A TCP server has an address object.
    const config = buildTestConfig(stateDir, [route], { listen: { host, port } });
    const reason = launch(config).catch((error: unknown) => error);
    expect(await reason).toMatchObject({ code: 'E_LISTEN_IN_USE', message: `${shown}:${port} is in use` });
    other.close();
  });
});

describe('loading the X.509 library', () => {
  const launchFile = new URL('../../src/gateway/launch.ts', import.meta.url).href;
  const clock = new URL('../../src/lib/clock.ts', import.meta.url).href;
  const boundDoors = new URL('../../src/gateway/listening/bound-doors.ts', import.meta.url).href;
  /** Launches a gateway and tells which packages Node resolved on the way. */
  const script = `
    import { registerHooks } from 'node:module';
    const packages = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(resolved.url)?.[1];
        if (name !== undefined) packages.add(name);
        return resolved;
      },
    });
    const { launchGateway } = await import(${JSON.stringify(launchFile)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const { BoundDoors } = await import(${JSON.stringify(boundDoors)});
    const options = JSON.parse(process.argv[1]);
    const launched = await launchGateway({ ...options, clock: systemClock, doors: new BoundDoors([]) });
    if (!launched.ok) throw new Error(JSON.stringify(launched.error));
    await launched.value.stop();
    console.log(JSON.stringify([...packages]));`;

  async function loadPackages(): Promise<readonly string[]> {
    const options = JSON.stringify({ config: buildTestConfig(stateDir, [route]), terminal });
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, options]);
    return JSON.parse(stdout);
  }

  it(
    'is left to the start that issues a certificate; later ones never do it',
    { timeout: 30_000 },
    async () => {
      const issuing = await loadPackages();
      expect(issuing).toEqual(expect.arrayContaining(['pino', '@peculiar/x509', '@abraham/reflection']));
      const ordinary = await loadPackages();
      expect(ordinary).toContain('pino');
      expect(ordinary.filter((name) => /^@peculiar\/|^@abraham\/|^tsyringe$|asn1/.test(name))).toEqual([]);
    },
  );
});
