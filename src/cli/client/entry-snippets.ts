import { buildClientEnvironment } from '../../tls/trust/client-lines.ts';
import { quoteForPowerShell, quoteForShell } from '../../tls/trust/command-text.ts';
import { formatJson, keyVariable, type Snippet, type SnippetFacts } from './snippet.ts';

const placeholder = 'YOUR_API_KEY';

/** `claude mcp add`; the shell fills in the key, which so stays out of its history. */
export function buildClaudeCodeSnippet({ name, url, access, shell }: SnippetFacts): Snippet {
  const quote = shell === 'posix' ? quoteForShell : quoteForPowerShell;
  const variable = shell === 'posix' ? `\${${keyVariable}:?}` : `$env:${keyVariable}`;
  const header = access === 'key' ? ` --header "Authorization: Bearer ${variable}"` : '';
  return {
    language: 'shell',
    text: `claude mcp add --transport http ${name} ${quote(url)}${header}\n`,
    place: 'in a terminal',
    notes: [
      ...(access === 'key' ? [`set ${keyVariable} to the API key before`] : []),
      ...(access === 'oauth' ? ['start `claude` and log in with `/mcp`'] : []),
    ],
    trustVariable: 'NODE_EXTRA_CA_CERTS',
  };
}

/** A connector where Claude's servers can reach the endpoint and need no key, else the bridge. */
export function buildClaudeDesktopSnippet(facts: SnippetFacts): Snippet {
  if (!facts.isPublic || facts.access === 'key') {
    const why =
      facts.access === 'key'
        ? 'connectors take no API key, so this goes through mcp-remote, which needs Node'
        : 'connectors reach public addresses alone, so this goes through mcp-remote, which needs Node';
    const bridge = buildBridgeSnippet(facts);
    return {
      ...bridge,
      place: 'in claude_desktop_config.json (Settings > Developer > Edit Config)',
      notes: [why, ...bridge.notes, 'restart Claude Desktop'],
    };
  }
  return toConnector(facts, 'as the URL, at Settings > Connectors > Add custom connector', 'Claude');
}

/** The URL for a connector of ChatGPT, which takes logins or nothing. */
export function buildChatgptSnippet(facts: SnippetFacts): Snippet {
  const place =
    'as the server URL, at Settings > Connectors > Create (with Developer mode on, under Advanced)';
  const connector = toConnector(facts, place, 'ChatGPT');
  const authentication = facts.access === 'oauth' ? 'OAuth' : 'No authentication';
  return { ...connector, notes: [`choose \`${authentication}\` as the authentication`, ...connector.notes] };
}

function toConnector({ name, url, access }: SnippetFacts, place: string, title: string): Snippet {
  return {
    language: 'text',
    text: `${url}\n`,
    place,
    notes: [
      `call it \`${name}\`, for example`,
      ...(access === 'oauth'
        ? [`${title} then opens the login; it needs neither a client ID nor a secret`]
        : []),
    ],
    trustVariable: undefined,
  };
}

/** An entry of `.vscode/mcp.json`; VS Code asks for the key once and keeps it. */
export function buildVscodeSnippet({ name, url, access, files }: SnippetFacts): Snippet {
  const id = `${name}-key`;
  const inputs = [{ type: 'promptString', id, description: `API key for ${name}`, password: true }];
  const headers = { Authorization: `Bearer \${input:${id}}` };
  const server = { type: 'http', url, ...(access === 'key' ? { headers } : {}) };
  return {
    language: 'json',
    text: formatJson({ ...(access === 'key' ? { inputs } : {}), servers: { [name]: server } }),
    place: 'in .vscode/mcp.json, or in the file that `MCP: Open User Configuration` opens',
    notes: describeTrust(files, 'VS Code'),
    trustVariable: undefined,
  };
}

/** An entry of Cursor's `mcp.json`. */
export function buildCursorSnippet({ name, url, access, files }: SnippetFacts): Snippet {
  const headers = { Authorization: `Bearer \${env:${keyVariable}}` };
  return {
    language: 'json',
    text: formatJson({ mcpServers: { [name]: { url, ...(access === 'key' ? { headers } : {}) } } }),
    place: 'in ~/.cursor/mcp.json, or in .cursor/mcp.json of a project',
    notes: [
      ...(access === 'key' ? [`start Cursor with ${keyVariable} set to the API key`] : []),
      ...describeTrust(files, 'Cursor'),
    ],
    trustVariable: undefined,
  };
}

/** An entry for hosts that only start programs; the bridge goes on to the gateway. */
export function buildBridgeSnippet({ name, url, access, files }: SnippetFacts): Snippet {
  // Without a space: some hosts on Windows split arguments at spaces (README of mcp-remote, Custom Headers).
  const header = access === 'key' ? ['--header', 'Authorization:${AUTH_HEADER}'] : [];
  const env = {
    ...(access === 'key' ? { AUTH_HEADER: `Bearer ${placeholder}` } : {}),
    ...(files === undefined ? {} : buildClientEnvironment(files)),
  };
  const entry = {
    command: 'npx',
    args: ['-y', 'mcp-remote', url, ...header],
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
  return {
    language: 'json',
    text: formatJson({ mcpServers: { [name]: entry } }),
    place: 'in the configuration of the MCP host that starts mcp-remote',
    notes: access === 'key' ? [`put the API key in the place of ${placeholder}`] : [],
    trustVariable: undefined,
  };
}

function describeTrust(files: SnippetFacts['files'], title: string): readonly string[] {
  return files === undefined
    ? []
    : [`run \`breakwater certs trust\`, so that ${title} trusts the local authority`];
}
