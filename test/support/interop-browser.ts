import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import { z } from 'zod';
import { NotificationLog, type ConnectTarget, type InteropClient, type Way } from './interop-client.ts';
import { toCheckoutPath } from './programs.ts';

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const greeting = z.object({ revision: z.string(), sessionId: z.string().optional() });
const outcome = z.object({ text: z.string(), progress: z.array(z.number()) });
const contentTypes = new Map([
  ['/page.html', 'text/html'],
  ['/page-client.js', 'text/javascript'],
]);

export interface PageServer {
  /** The origin as a browser sends it. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves the page with the fetch client on a loopback port, which makes it an origin of its own. */
export async function startPageServer(): Promise<PageServer> {
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    const type = contentTypes.get(path);
    if (type === undefined) {
      response.writeHead(404).end();
      return;
    }
    readFile(toCheckoutPath(`test/fixtures/interop${path}`)).then(
      (bytes) => response.writeHead(200, { 'Content-Type': type }).end(bytes),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Browsers {
  /** Opens the page of an origin in a browser that speaks the HTTP version under test. */
  openPage(origin: string, protocol: Way['protocol']): Promise<Page>;
  close(): Promise<void>;
}

/** Chromium in both forms: with HTTP/2 as it comes, and without. Each is started when it is first needed. */
export function createBrowsers(toPath: () => string): Browsers {
  const launched = new Map<Way['protocol'], Promise<Browser>>();
  const launch = (protocol: Way['protocol']): Promise<Browser> => {
    const args = protocol === 'h1' ? [...quiet, '--disable-http2'] : quiet;
    const browser = launched.get(protocol) ?? chromium.launch({ executablePath: toPath(), args });
    launched.set(protocol, browser);
    return browser;
  };
  return {
    async openPage(origin, protocol) {
      const browser = await launch(protocol);
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      await page.goto(`${origin}/page.html`);
      return page;
    },
    async close() {
      for (const browser of launched.values()) await (await browser).close();
      launched.clear();
    },
  };
}

export interface PageOptions {
  readonly browsers: Browsers;
  readonly origin: string;
  readonly era: 'legacy' | 'modern';
}

/** A page that calls the gateway from another origin with `fetch` and the MCP headers. */
export async function connectPage(target: ConnectTarget, options: PageOptions): Promise<InteropClient> {
  const page = await options.browsers.openPage(options.origin, target.protocol);
  const notifications = new NotificationLog();
  await page.exposeFunction('heard', (method: string) => notifications.add(method));
  const run = async <T>(schema: z.ZodType<T>, expression: string): Promise<T> =>
    schema.parse(await page.evaluate(expression));
  const close = (): Promise<void> => page.context().close();
  try {
    const connect = `connect(${JSON.stringify(target.url)}, ${JSON.stringify(options.era)})`;
    const { revision, sessionId } = await run(greeting, connect);
    return {
      revision,
      sessionId,
      notifications,
      listTools: () => run(z.array(z.string()), 'client.listTools()'),
      call: (tool) => run(outcome, `client.call(${JSON.stringify(tool)})`),
      async listen() {
        await run(z.literal('notifications/subscriptions/acknowledged'), 'client.listen()');
        return () => run(z.void(), 'client.unlisten()');
      },
      endSession: async () => void (await run(z.number(), 'client.endSession()')),
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}
