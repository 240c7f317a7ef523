import { once } from 'node:events';
import { request as askUpstream, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { createTestCertificate } from './certificates.ts';

/** A browser that finds the authorization server, and the sites of clients, behind their public names. */
export interface PageBrowser {
  open(options: { readonly width: number; readonly dark: boolean }): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Relays the server's host from TLS to its socket, as the gateway does; all other hosts say which address was asked for. */
export async function startPageBrowser(options: {
  readonly socketPath: string;
  readonly host: string;
}): Promise<PageBrowser> {
  const { socketPath, host } = options;
  const { cert, key } = await createTestCertificate({ names: [host] });
  const server = createServer({ cert, key }, (request, response) => {
    if (request.headers.host === host) relay(socketPath, request, response);
    else response.end(`answered at ${request.url ?? ''}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const { port } = server.address() as AddressInfo;
  const browser: Browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      `--host-resolver-rules=MAP *.example.com 127.0.0.1:${port}`,
    ],
  });
  return {
    open: ({ width, dark }) =>
      browser.newContext({
        ignoreHTTPSErrors: true,
        viewport: { width, height: width < 600 ? 844 : 800 },
        colorScheme: dark ? 'dark' : 'light',
      }),
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(socketPath: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  const outgoing = askUpstream({ socketPath, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  request.pipe(outgoing);
}
