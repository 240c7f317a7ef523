import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Diagnostic } from '../../../src/lib/diagnostic.ts';
import type { Result } from '../../../src/lib/result.ts';
import type { Rendered } from '../../../src/render/rendered.ts';
import { renderCompose } from '../../../src/render/targets/compose.ts';
import { renderDocker } from '../../../src/render/targets/docker.ts';
import { renderSystemd } from '../../../src/render/targets/systemd.ts';
import { localService, publicService } from '../sample-service.ts';

function unwrap(rendered: Result<Rendered, Diagnostic[]>): Rendered {
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  return rendered.value;
}

const textOf = (rendered: Result<Rendered, Diagnostic[]>): string => unwrap(rendered).files[0]?.text ?? '';

describe('a unit of systemd', () => {
  it('has the one capability that ports below 1024 need, and none above', () => {
    expect(textOf(renderSystemd(publicService))).toContain('\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n');
    expect(textOf(renderSystemd(localService))).toMatch(/\nCapabilityBoundingSet=\n/);
    expect(textOf(renderSystemd(localService))).not.toContain('AmbientCapabilities');
  });

  it('kills only after calls had their time', () => {
    expect(textOf(renderSystemd({ ...publicService, drain: 120_500 }))).toContain('\nTimeoutStopSec=126\n');
  });

  it('waits for word of Breakwater, from whichever of its processes', () => {
    const text = textOf(renderSystemd(publicService));
    expect(text).toContain('\nType=notify\n');
    expect(text).toContain('\nNotifyAccess=all\n');
    expect(text).toMatch(/\nWatchdogSec=\d+\n/);
  });

  it('refuses connections while it restarts, and says so, unless systemd has the sockets', () => {
    const alone = unwrap(renderSystemd(publicService));
    expect(alone.files.map(({ path }) => path)).toEqual(['breakwater.service']);
    expect(alone.files[0]?.text).not.toContain('breakwater.socket');
    expect(alone.warnings).toEqual([expect.objectContaining({ requirement: 'short-reload' })]);
    const { files, warnings } = unwrap(renderSystemd(publicService, { sockets: true }));
    expect(files.map(({ path }) => path)).toEqual(['breakwater.service', 'breakwater.socket']);
    expect(files[0]?.text).toContain('\nRequires=breakwater.socket\n');
    // Whoever does not open ports needs no right to.
    expect(files[0]?.text).toMatch(/\nCapabilityBoundingSet=\n/);
    expect(files[1]?.text).toContain('\nListenStream=0.0.0.0:443\nListenStream=0.0.0.0:80\n');
    expect(warnings).toEqual([]);
  });

  it('has sockets on addresses alone, which systemd wants', () => {
    const socketsOf = (host: string, port = 443): string | undefined => {
      const service = { ...publicService, listen: { host, port }, plainHttp: undefined };
      const rendered = renderSystemd(service, { sockets: true });
      return rendered.ok ? /ListenStream=(.*)/.exec(rendered.value.files[1]?.text ?? '')?.[1] : undefined;
    };
    expect(socketsOf('::')).toBe('[::]:443');
    expect(socketsOf('localhost')).toBe('127.0.0.1:443');
    expect(socketsOf('mcp.example.com')).toBeUndefined();
    expect(socketsOf('127.0.0.1', 0)).toBeUndefined();
  });

  it('has its log folder made, or says what it may not write', () => {
    const made = renderSystemd({ ...publicService, logPath: '/var/log/breakwater/access.log' });
    expect(textOf(made)).toContain('\nLogsDirectory=breakwater\n');
    const elsewhere = renderSystemd({ ...publicService, logPath: '/srv/my logs/access.log' });
    expect(textOf(elsewhere)).toContain('\nReadWritePaths="-/srv/my logs"\n');
    expect(unwrap(elsewhere).warnings).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('`/srv/my logs/access.log`') }),
    );
  });

  const cases: readonly (readonly [name: string, path: string, word: string])[] = [
    ['specifier injection', '/etc/%h/b.yaml', '/etc/%%h/b.yaml'],
    ['variable injection', '/etc/$HOME/b.yaml', '/etc/$$HOME/b.yaml'],
    ['argument splitting', '/etc/my files/b.yaml', '"/etc/my files/b.yaml"'],
    ['quote breakout', '/etc/a" --danger-allow-public "b', String.raw`"/etc/a\" --danger-allow-public \"b"`],
    ['escape injection', String.raw`/etc/a\x20b`, String.raw`"/etc/a\\x20b"`],
  ];

  it.each(cases)('%s: %s stays one word', (_name, configPath, word) => {
    expect(textOf(renderSystemd({ ...publicService, configPath }))).toContain(
      `\nExecStart=/usr/local/bin/breakwater up --config ${word}\n`,
    );
  });

  it('directive injection by a line break: nothing is rendered', () => {
    expect(renderSystemd({ ...publicService, configPath: '/etc/b\nUser=root' }).ok).toBe(false);
    expect(renderSystemd({ ...publicService, logPath: '/var/log/b\nUser=root/x' }).ok).toBe(false);
  });
});

describe('a Dockerfile', () => {
  it('runs without root', () => {
    const users = [...textOf(renderDocker(publicService)).matchAll(/^USER (.*)$/gm)].map(([, user]) => user);
    expect(users).toEqual(['65532:65532']);
  });

  it('has a health check that a program can run', () => {
    const command = /^ {2}CMD (\[.*\])$/m.exec(textOf(renderDocker(localService)))?.[1];
    const [program, flag, script] = z
      .tuple([z.string(), z.string(), z.string()])
      .parse(JSON.parse(command ?? ''));
    expect([program, flag]).toEqual(['node', '-e']);
    expect(script).toContain('port: 8443');
    // Nothing listens on port 1: the script has to run, and to say so.
    const run = spawnSync(process.execPath, ['-e', script.replace('port: 8443', 'port: 1')]);
    expect([run.status, String(run.stderr)]).toEqual([1, '']);
  });

  it('has none where the listener demands what the container cannot show', () => {
    const rendered = renderDocker({ ...publicService, isProxyProtocol: true });
    expect(textOf(rendered)).not.toContain('HEALTHCHECK');
    expect(unwrap(rendered).warnings).toContainEqual(expect.objectContaining({ requirement: 'own-errors' }));
  });

  it('script injection: a host of the health check stays a text', () => {
    const host = "'; process.exit(0); '";
    const text = textOf(renderDocker({ ...localService, listen: { host, port: 1 } }));
    expect(text).toContain(String.raw`{ host: \"'; process.exit(0); '\", port: 1,`);
  });
});

const composeFile = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      ports: z.array(z.string()).optional(),
      networks: z.array(z.string()),
      read_only: z.boolean(),
      cap_drop: z.array(z.string()),
    }),
  ),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() })),
});

describe('a Compose file', () => {
  const file = composeFile.parse(parse(textOf(renderCompose(publicService))));

  it('calls the MCP server what the configuration calls it', () => {
    expect(Object.keys(file.services)).toEqual(['gateway', 'tools']);
  });

  it('upstream exposure: only the gateway has ports, and the server only a network without a way out', () => {
    expect(file.services['gateway']?.ports).toEqual(['443:443', '80:80']);
    expect(file.services['tools']?.ports).toBeUndefined();
    expect(file.services['tools']?.networks).toEqual(['inside']);
    expect(file.networks['inside']).toEqual({ internal: true });
  });

  it('takes all privileges from both', () => {
    for (const service of Object.values(file.services))
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it('says that 127.0.0.1 is another machine in a container', () => {
    const told = unwrap(renderCompose(localService)).warnings.map(({ message }) => message);
    expect(told).toContainEqual(expect.stringContaining('set `upstream: http://mcp:8000/mcp`'));
    expect(told).toContainEqual(expect.stringContaining('set `listen: 0.0.0.0:8443`'));
  });

  it.each(['gateway', '$HOME', 'a b', 'A'])(
    'service confusion: nothing is rendered for a server called %s',
    (host) => {
      const servers = [{ path: '/mcp', upstreamPath: '/mcp', kind: 'name', host, port: 8000 }] as const;
      expect(renderCompose({ ...publicService, servers }).ok).toBe(false);
    },
  );

  it('the example of a server is valid Python', () => {
    const example = unwrap(renderCompose(publicService)).files.find(
      ({ path }) => path === 'server/server.py',
    );
    const check = 'import ast, sys; ast.parse(sys.stdin.read())';
    const run = spawnSync('python3', ['-c', check], { input: example?.text ?? '' });
    expect([run.status, String(run.stderr)]).toEqual([0, '']);
  });
});
