import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../test/support/programs.ts';
import { loadCore, startOnCore, waitForPort } from '../programs.ts';
import type { Upstream } from './call-upstream.ts';

/** A server in a process of its own that speaks as much MCP as the rows need: calls, large bodies and event streams. */
export async function startMcpUpstream(parent: string): Promise<Upstream> {
  return { ...(await startScript(parent, 'mcp-server')), speaksMcp: true };
}

/** The service that judges tokens. */
export async function startAuthServer(parent: string): Promise<Upstream> {
  return { ...(await startScript(parent, 'auth-server')), speaksMcp: false };
}

async function startScript(parent: string, name: string): Promise<Omit<Upstream, 'speaksMcp'>> {
  const directory = join(parent, name);
  mkdirSync(directory, { recursive: true });
  const port = await findFreePort();
  const outputFile = join(directory, 'output.txt');
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = startOnCore({
    core: loadCore,
    command: [process.execPath, script, String(port)],
    outputFile,
  });
  await waitForPort(child, port, outputFile);
  return { port, process: child };
}
