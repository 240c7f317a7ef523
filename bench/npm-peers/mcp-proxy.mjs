import { readFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Server } from '@modelcontextprotocol/server';
import { proxyServer, startHTTPServer } from 'mcp-proxy';

/** What the program of mcp-proxy does, with an HTTP client in place of the one that spawns a stdio server. */
const options = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const client = new Client({ name: 'mcp-proxy', version: '1.0.0' }, { capabilities: {} });
await client.connect(new StreamableHTTPClientTransport(new URL(options.upstream)));

await startHTTPServer({
  host: '127.0.0.1',
  port: options.port,
  sslCert: options.certFile,
  sslKey: options.keyFile,
  apiKey: options.apiKey,
  async createServer() {
    const serverCapabilities = client.getServerCapabilities();
    const server = new Server(client.getServerVersion(), { capabilities: serverCapabilities });
    await proxyServer({ client, server, serverCapabilities });
    return server;
  },
});
