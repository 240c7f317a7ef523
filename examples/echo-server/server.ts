import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { createDualEraEndpoint } from './dual-era-http.ts';
import { readPort, runOnLoopback } from './loopback-process.ts';

function createEchoServer(): McpServer {
  const server = new McpServer({ name: 'EchoServer', version: '1.0.0' });
  server.registerTool(
    'echo',
    {
      description: 'Says back what it is told',
      inputSchema: z.object({ message: z.string().describe('What to say back') }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ message }) => ({ content: [{ type: 'text', text: `Just echo: ${message}` }] }),
  );
  return server;
}

runOnLoopback(createDualEraEndpoint({ createServer: createEchoServer }), readPort(8000));
