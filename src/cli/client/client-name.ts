/** MCP clients that snippets are known for, in the order of the help. */
export const clientNames = [
  'claude-code',
  'claude-desktop',
  'chatgpt',
  'vscode',
  'cursor',
  'mcp-remote',
  'python',
  'typescript',
] as const;

export type ClientName = (typeof clientNames)[number];

/** How a client gets in: without proof, with an API key, or by a login of its user. */
export type Access = 'none' | 'key' | 'oauth';

interface ClientFacts {
  readonly title: string;
  /** The preferred one first. Programs log in with keys, people by themselves. */
  readonly access: readonly Access[];
}

export const clientFacts: { readonly [name in ClientName]: ClientFacts } = {
  'claude-code': { title: 'Claude Code', access: ['oauth', 'key', 'none'] },
  'claude-desktop': { title: 'Claude Desktop', access: ['oauth', 'key', 'none'] },
  chatgpt: { title: 'ChatGPT', access: ['oauth', 'none'] },
  vscode: { title: 'VS Code', access: ['oauth', 'key', 'none'] },
  cursor: { title: 'Cursor', access: ['oauth', 'key', 'none'] },
  'mcp-remote': { title: 'mcp-remote', access: ['oauth', 'key', 'none'] },
  python: { title: 'a Python program', access: ['key', 'oauth', 'none'] },
  typescript: { title: 'a TypeScript program', access: ['key', 'oauth', 'none'] },
};
