import type { ClientFiles, Shell } from '../../tls/trust/client-lines.ts';
import type { Access } from './client-name.ts';

/** What a snippet is made from. */
export interface SnippetFacts {
  readonly name: string;
  /** As `parseEndpointUrl` lets through: ASCII, and nothing in it that quotes or stands for a variable. */
  readonly url: string;
  readonly access: Access;
  readonly isPublic: boolean;
  readonly files: ClientFiles | undefined;
  readonly shell: Shell;
}

/** Text to copy, and what to do with it. */
export interface Snippet {
  readonly language: 'shell' | 'json' | 'python' | 'typescript' | 'text';
  /** Ends with a line break. */
  readonly text: string;
  /** Where it belongs, for people. */
  readonly place: string;
  /** What else has to be done, one sentence each. */
  readonly notes: readonly string[];
  /** The variable through which this client learns of the local authority, when it does so by one of its own surroundings. */
  readonly trustVariable: 'NODE_EXTRA_CA_CERTS' | 'SSL_CERT_FILE' | undefined;
}

/** Variable of the shell that holds the API key; not `BREAKWATER_…`, which is for settings of the gateway. */
export const keyVariable = 'MCP_API_KEY';

/** JSON for a file. Characters beyond ASCII are escaped: some are invisible, others turn the text around. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2).replaceAll(
    /[^\n -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}
