import { keyVariable, type Snippet, type SnippetFacts } from './snippet.ts';

/** A program with FastMCP that lists the tools. */
export function buildPythonSnippet({ url, access }: SnippetFacts): Snippet {
  const key = access === 'key' ? 'import os\n' : '';
  const auth = { none: '', key: `, auth=os.environ["${keyVariable}"]`, oauth: ', auth="oauth"' }[access];
  return {
    language: 'python',
    // What JSON quotes without an escape, Python reads alike.
    text: `import asyncio
${key}
from fastmcp import Client

client = Client(${JSON.stringify(url)}${auth})


async def main() -> None:
    async with client:
        for tool in await client.list_tools():
            print(tool.name)


asyncio.run(main())
`,
    place: 'as a program (pip install fastmcp)',
    notes: describeKey(access),
    trustVariable: 'SSL_CERT_FILE',
  };
}

/** A program with version 2 of the TypeScript SDK that lists the tools. */
export function buildTypescriptSnippet(facts: SnippetFacts): Snippet {
  const { url, access } = facts;
  return {
    language: 'typescript',
    text: access === 'oauth' ? buildLogin(url) : buildPlain(url, access),
    place: 'as a module (npm install @modelcontextprotocol/client)',
    notes: describeKey(access),
    trustVariable: 'NODE_EXTRA_CA_CERTS',
  };
}

function describeKey(access: SnippetFacts['access']): readonly string[] {
  return access === 'key' ? [`run it with ${keyVariable} set to the API key`] : [];
}

function buildPlain(url: string, access: 'none' | 'key'): string {
  const provider =
    access === 'key' ? `, {\n  authProvider: { token: async () => process.env.${keyVariable} },\n}` : '';
  return `import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const transport = new StreamableHTTPClientTransport(new URL(${quote(url)})${provider});
const client = new Client({ name: 'example', version: '1.0.0' });
await client.connect(transport);
const { tools } = await client.listTools();
for (const { name } of tools) console.log(name);
await client.close();
`;
}

/** The whole login (OAuth 2.1 with PKCE): the SDK does it, and leaves the browser, the callback and the keeping to its user. */
function buildLogin(url: string): string {
  return `import { randomUUID } from 'node:crypto';
import { on, once } from 'node:events';
import { createServer } from 'node:http';
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientProvider,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client';

const callback = new URL('http://127.0.0.1:8976/callback');
const state = randomUUID();
// Keep these in a safe place to stay logged in.
let information: StoredOAuthClientInformation | undefined;
let tokens: StoredOAuthTokens | undefined;
let verifier = '';

const authProvider: OAuthClientProvider = {
  redirectUrl: callback,
  clientMetadata: {
    client_name: 'example',
    redirect_uris: [callback.href],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  state: () => state,
  clientInformation: () => information,
  saveClientInformation: (value) => void (information = value),
  tokens: () => tokens,
  saveTokens: (value) => void (tokens = value),
  codeVerifier: () => verifier,
  saveCodeVerifier: (value) => void (verifier = value),
  redirectToAuthorization: ({ href }) => console.error(\`Open \${href}\`),
};

async function connect(login?: URLSearchParams): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(${quote(url)}), { authProvider });
  if (login !== undefined) await transport.finishAuth(login);
  const client = new Client({ name: 'example', version: '1.0.0' });
  await client.connect(transport);
  return client;
}

const server = createServer().listen(Number(callback.port), callback.hostname);
await once(server, 'listening');
const client = await connect().catch(async (error: unknown) => {
  if (!(error instanceof UnauthorizedError)) throw error;
  for await (const [request, response] of on(server, 'request')) {
    const { pathname, searchParams } = new URL(request.url, callback);
    const isOurs = pathname === callback.pathname && searchParams.get('state') === state;
    response.writeHead(isOurs ? 200 : 404).end(isOurs ? 'You can close this page.' : '');
    if (isOurs) return connect(searchParams);
  }
  throw error;
});
server.close();
server.closeAllConnections();
const { tools } = await client.listTools();
for (const { name } of tools) console.log(name);
await client.close();
`;
}

/** As JSON quotes it, which TypeScript reads alike. */
function quote(url: string): string {
  return JSON.stringify(url);
}
