import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { ConnectTarget, InteropClient } from './interop-client.ts';
import { connectVersion1 } from './interop-sdk-clients.ts';
import { resolvePackageFile } from './programs.ts';

/** The `mcp-remote` bridge as a desktop host starts it: a stdio server that goes on to the gateway. */
export async function connectMcpRemote(
  target: ConnectTarget,
  protocol: 'legacy' | 'auto',
): Promise<InteropClient> {
  const configDir = await mkdtemp(join(tmpdir(), 'breakwater-mcp-remote-'));
  const strategy = target.transport === 'http-sse' ? 'sse-only' : 'http-only';
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [
      resolvePackageFile('mcp-remote/dist/proxy.js'),
      target.url.href,
      '--transport',
      strategy,
      '--protocol',
      protocol,
    ],
    env: {
      ...getDefaultEnvironment(),
      NODE_EXTRA_CA_CERTS: target.caFile,
      MCP_REMOTE_CONFIG_DIR: configDir,
    },
    stderr: 'pipe',
  });
  let printed = '';
  transport.stderr?.on('data', (bytes: Buffer) => {
    printed = (printed + bytes.toString()).slice(-10_000);
  });
  const removeConfig = (): Promise<void> => rm(configDir, { recursive: true, force: true });
  try {
    const client = await connectVersion1(transport);
    return {
      ...client,
      sessionId: undefined,
      // The bridge subscribes by itself as soon as it is connected.
      listen: async () => async () => undefined,
      async endSession() {
        throw new Error('mcp-remote never ends a session');
      },
      async close() {
        await client.close();
        await removeConfig();
      },
    };
  } catch (cause) {
    await transport.close();
    await removeConfig();
    throw new Error(`mcp-remote did not connect:\n${printed}`, { cause });
  }
}
