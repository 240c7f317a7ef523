import { connectPage, type Browsers } from './interop-browser.ts';
import type { ConnectTarget, InteropClient, Way } from './interop-client.ts';
import { connectFastmcp } from './interop-fastmcp-client.ts';
import { connectMcpRemote } from './interop-mcp-remote.ts';
import { connectClient2, connectSdk1 } from './interop-sdk-clients.ts';
import type { Lacks } from './interop-upstreams.ts';
import { toProgramPath, type Program } from './programs.ts';

/** A real MCP client before the gateway. */
export interface ClientProgram {
  readonly name: string;
  /** `auto` asks the server and takes the newer era if it can. */
  readonly era: 'legacy' | 'modern' | 'auto';
  /** Why it does not speak an HTTP version or a transport. */
  readonly refuses: { readonly [name in Way['protocol'] | ConnectTarget['transport']]?: string };
  readonly lacks: Lacks;
  /** Whether it is one program for the gateway and another for the client behind it. */
  readonly isBridge: boolean;
  readonly program: Program | undefined;
  connect(target: ConnectTarget): Promise<InteropClient>;
}

export interface ClientPrograms {
  readonly python: Program;
  readonly chromium: Program;
  readonly browsers: Browsers;
  readonly pageOrigin: string;
}

const modernRevision = '2026-07-28';

/** All clients of the matrix. */
export function buildClients(options: ClientPrograms): readonly ClientProgram[] {
  const { python, chromium, browsers, pageOrigin: origin } = options;
  const own = { refuses: {}, lacks: {}, isBridge: false, program: undefined };
  const fastmcp = { ...own, refuses: { h2: 'httpx2 needs a further package for HTTP/2' }, program: python };
  const remote = {
    ...own,
    refuses: { h2: 'mcp-remote 0.15 offers HTTP/1.1 only' },
    lacks: { 'session end': 'mcp-remote 0.15 never sends DELETE' },
    isBridge: true,
  };
  const page = {
    ...own,
    refuses: { 'http-sse': 'the page is a Streamable HTTP client' },
    program: chromium,
  };
  return [
    { ...own, name: 'TypeScript SDK 1.32', era: 'legacy', connect: connectSdk1 },
    {
      ...own,
      name: 'TypeScript client 2.4 (legacy)',
      era: 'legacy',
      connect: (target) => connectClient2(target, 'legacy'),
    },
    {
      ...own,
      name: 'TypeScript client 2.4 (pinned)',
      era: 'modern',
      connect: (target) => connectClient2(target, { pin: modernRevision }),
    },
    {
      ...own,
      name: 'TypeScript client 2.4 (auto)',
      era: 'auto',
      connect: (target) => connectClient2(target, 'auto'),
    },
    {
      ...fastmcp,
      name: 'FastMCP client (legacy)',
      era: 'legacy',
      connect: (target) => connectFastmcp(toProgramPath(python), target, 'legacy'),
    },
    {
      ...fastmcp,
      name: 'FastMCP client (auto)',
      era: 'auto',
      refuses: { ...fastmcp.refuses, 'http-sse': 'over HTTP+SSE it is the same as legacy' },
      connect: (target) => connectFastmcp(toProgramPath(python), target, 'auto'),
    },
    {
      ...remote,
      name: 'mcp-remote (legacy)',
      era: 'legacy',
      connect: (target) => connectMcpRemote(target, 'legacy'),
    },
    {
      ...remote,
      name: 'mcp-remote (auto)',
      era: 'auto',
      connect: (target) => connectMcpRemote(target, 'auto'),
    },
    {
      ...page,
      name: 'page in Chromium (legacy)',
      era: 'legacy',
      connect: (target) => connectPage(target, { browsers, origin, era: 'legacy' }),
    },
    {
      ...page,
      name: 'page in Chromium (modern)',
      era: 'modern',
      connect: (target) => connectPage(target, { browsers, origin, era: 'modern' }),
    },
  ];
}
