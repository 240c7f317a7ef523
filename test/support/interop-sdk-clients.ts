import {
  Client as Client2,
  SSEClientTransport as SseTransport2,
  StreamableHTTPClientTransport as HttpTransport2,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseTransport1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpTransport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as Transport1 } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { answers, NotificationLog, type ConnectTarget, type InteropClient } from './interop-client.ts';
import { createTrustingFetch } from './interop-fetch.ts';

const identity = { name: 'interop', version: '1.0.0' };
const capabilities = { elicitation: {}, sampling: {} };
const textBlocks = z.array(z.looseObject({ text: z.string().optional() }));

function toText(content: unknown): string {
  return textBlocks
    .parse(content)
    .map((block) => block.text ?? '')
    .join('');
}

/** A client of `@modelcontextprotocol/sdk` (version 1) on any transport; `endSession` is the caller's. */
export async function connectVersion1(
  transport: Transport1,
): Promise<Omit<InteropClient, 'sessionId' | 'endSession'>> {
  const client = new Client1(identity, { capabilities });
  const notifications = new NotificationLog();
  client.setRequestHandler(ElicitRequestSchema, () => answers.elicitation);
  client.setRequestHandler(CreateMessageRequestSchema, () => answers.sampling);
  client.fallbackNotificationHandler = async ({ method }) => notifications.add(method);
  let revision: string | undefined;
  const { setProtocolVersion } = transport;
  // The client tells the transport what was agreed, and nobody else.
  transport.setProtocolVersion = (version) => {
    revision = version;
    setProtocolVersion?.call(transport, version);
  };
  await client.connect(transport);
  return {
    revision,
    notifications,
    async listTools() {
      return (await client.listTools()).tools.map((tool) => tool.name);
    },
    async call(tool) {
      const progress: number[] = [];
      const onprogress = (step: { readonly progress: number }): void => void progress.push(step.progress);
      const { content } = await client.callTool({ ...tool }, undefined, { onprogress });
      return { text: toText(content), progress };
    },
    async listen() {
      throw new Error('version 1 of the SDK knows no subscriptions/listen');
    },
    close: () => client.close(),
  };
}

/** The TypeScript SDK 1.32 over the network. */
export async function connectSdk1(target: ConnectTarget): Promise<InteropClient> {
  const { fetch, close: closeConnections } = createTrustingFetch(target);
  const http = target.transport === 'http-sse' ? undefined : new HttpTransport1(target.url, { fetch });
  // Its declarations were not made for exactOptionalPropertyTypes.
  const transport = (http ?? new SseTransport1(target.url, { fetch })) as Transport1;
  try {
    const client = await connectVersion1(transport);
    return {
      ...client,
      sessionId: http?.sessionId,
      async endSession() {
        await http?.terminateSession();
      },
      async close() {
        await client.close();
        await closeConnections();
      },
    };
  } catch (cause) {
    await closeConnections();
    throw cause;
  }
}

/** The TypeScript client 2.4 over the network. */
export async function connectClient2(
  target: ConnectTarget,
  mode: VersionNegotiationMode,
): Promise<InteropClient> {
  const { fetch, close: closeConnections } = createTrustingFetch(target);
  const client = new Client2(identity, { capabilities, versionNegotiation: { mode } });
  const notifications = new NotificationLog();
  client.setRequestHandler('elicitation/create', () => answers.elicitation);
  client.setRequestHandler('sampling/createMessage', () => answers.sampling);
  client.fallbackNotificationHandler = async ({ method }) => notifications.add(method);
  const http = target.transport === 'http-sse' ? undefined : new HttpTransport2(target.url, { fetch });
  const close = async (): Promise<void> => {
    await client.close();
    await closeConnections();
  };
  try {
    await client.connect(http ?? new SseTransport2(target.url, { fetch }));
  } catch (cause) {
    await close();
    throw cause;
  }
  return {
    revision: client.getNegotiatedProtocolVersion(),
    sessionId: http?.sessionId,
    notifications,
    async listTools() {
      return (await client.listTools()).tools.map((tool) => tool.name);
    },
    async call(tool) {
      const progress: number[] = [];
      const onprogress = (step: { readonly progress: number }): void => void progress.push(step.progress);
      const { content } = await client.callTool({ ...tool }, { onprogress });
      return { text: toText(content), progress };
    },
    async listen() {
      const subscription = await client.listen({ toolsListChanged: true });
      return () => subscription.close();
    },
    async endSession() {
      await http?.terminateSession();
    },
    close,
  };
}
