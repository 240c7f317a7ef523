import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import type { Service, ServiceUpstream } from '../service.ts';
import { toUnsupported } from '../unsupported.ts';
import { buildDockerfile, configInContainer, listContainerWarnings, stateInContainer } from './docker.ts';
import { because, noted, printYaml, type YamlValue } from './yaml-text.ts';

const spareSeconds = 5;
/** What the MCP server is called where the configuration names none. */
const defaultName = 'mcp';

/** A Compose file: Breakwater, and a FastMCP server that only Breakwater reaches. */
export function renderCompose(service: Service): Result<Rendered, Diagnostic[]> {
  const names = listNames(service);
  const wrong = names.filter(({ name }) => !/^[a-z0-9][a-z0-9_.-]*$/.test(name) || name === 'gateway');
  if (wrong.length > 0)
    return fail(
      wrong.map(({ name }) =>
        toUnsupported(
          `\`${name}\` cannot be the name of a service beside \`gateway\``,
          'call the MCP server `mcp` in `upstream`',
        ),
      ),
    );
  const text = printYaml({
    services: {
      gateway: buildGateway(service, names),
      ...Object.fromEntries(names.map(({ name, port }) => [name, buildServer(port)])),
    },
    networks: {
      outside: {},
      inside: because('upstream-hidden', { internal: true }),
    },
    volumes: { state: {} },
  });
  const first = names[0];
  return ok({
    files: [
      { path: 'compose.yaml', text },
      buildDockerfile(service),
      ...(first === undefined ? [] : buildExample(first)),
    ],
    warnings: [...listContainerWarnings(service), ...listWarnings(service)],
  });
}

interface NamedServer {
  readonly name: string;
  readonly port: number;
  readonly path: string;
}

/** One service a server; several routes may lead to one. */
function listNames({ servers }: Service): readonly NamedServer[] {
  const found = new Map<string, NamedServer>();
  for (const { kind, host, port, upstreamPath } of servers) {
    if (kind === 'unix' || kind === 'address' || (kind === 'name' && host.includes('.'))) continue;
    const name = kind === 'name' ? host : found.size === 0 ? defaultName : `${defaultName}-${port}`;
    if (!found.has(name)) found.set(name, { name, port, path: upstreamPath });
  }
  return [...found.values()];
}

function buildGateway(service: Service, names: readonly NamedServer[]): YamlValue {
  const { version, listen, plainHttp, drain, connections } = service;
  const ports = [listen.port, ...(plainHttp === undefined ? [] : [plainHttp.port])];
  return {
    build: '.',
    image: `breakwater:${version}`,
    ports: ports.map((port) => `${port}:${port}`),
    volumes: [`./breakwater.yaml:${configInContainer}:ro`, `state:${stateInContainer}`],
    networks: ['outside', 'inside'],
    ...(names.length === 0 ? {} : { depends_on: names.map(({ name }) => name) }),
    restart: 'unless-stopped',
    stop_grace_period: noted(
      `calls may finish for ${drain / 1000} s; by default the kill comes after ten`,
      `${Math.ceil(drain / 1000) + spareSeconds}s`,
    ),
    ulimits: {
      nofile: noted('each stream holds two descriptors', connections * 2 + 1024),
    },
    read_only: noted('nothing that gets in can stay', true),
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    ...(ports.some((port) => port < 1024)
      ? {
          sysctls: noted('ports below 1024, without root', {
            'net.ipv4.ip_unprivileged_port_start': '0',
          }),
        }
      : {}),
  };
}

function buildServer(port: number): YamlValue {
  return {
    build: './server',
    expose: noted(
      'not `ports`: whoever reaches the server itself goes round TLS, access control and limits',
      [String(port)],
    ),
    networks: ['inside'],
    restart: 'unless-stopped',
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  };
}

/** A FastMCP server to begin with. */
function buildExample({ port, path }: NamedServer): readonly { path: string; text: string }[] {
  return [
    {
      path: 'server/Dockerfile',
      text: `FROM python:3.13-slim
RUN pip install --no-cache-dir 'fastmcp>=4.1,<5'
WORKDIR /srv
COPY server.py ./
USER 65532:65532
ENV HOME=/tmp FASTMCP_CHECK_FOR_UPDATES=off PYTHONUNBUFFERED=1
CMD ["python", "server.py"]
`,
    },
    {
      path: 'server/server.py',
      text: `# An example: put your own server here. Without the first line of this file, rendering again leaves it alone.
from fastmcp import FastMCP

mcp = FastMCP("echo")


@mcp.tool
def echo(message: str) -> str:
    return f"Just echo: {message}"


if __name__ == "__main__":
    # All addresses of the container; the network of Compose lets only the gateway in.
    mcp.run(transport="http", host="0.0.0.0", port=${port}, path=${toPython(path)})
`,
    },
  ];
}

/** JSON strings of ASCII are strings of Python too. */
function toPython(text: string): string {
  return JSON.stringify(text);
}

function listWarnings({ servers }: Service): RenderWarning[] {
  const of = (kind: ServiceUpstream['kind']): readonly ServiceUpstream[] =>
    servers.filter((server) => server.kind === kind);
  return [
    ...of('loopback').map(({ path, host, port, upstreamPath }) => ({
      requirement: 'path-kept' as const,
      message: `the MCP server of \`${path}\` is at ${formatAuthority(host, port)}, which in a container is the container itself: set \`upstream: http://${defaultName}:${port}${upstreamPath}\`, or every call is answered with 502`,
    })),
    ...of('unix').map(({ path, host }) => ({
      requirement: 'path-kept' as const,
      message: `the socket \`${host}\` of \`${path}\` is outside the container: mount its folder, or every call is answered with 502`,
    })),
  ];
}
