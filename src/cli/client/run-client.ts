import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { hasClientBundle } from '../../tls/trust/client-bundle.ts';
import { buildClientLines, type ClientLine } from '../../tls/trust/client-lines.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { chooseAccess } from './access.ts';
import { clientFacts, type Access, type ClientName } from './client-name.ts';
import { findEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts';
import {
  buildBridgeSnippet,
  buildChatgptSnippet,
  buildClaudeCodeSnippet,
  buildClaudeDesktopSnippet,
  buildCursorSnippet,
  buildVscodeSnippet,
} from './entry-snippets.ts';
import { buildPythonSnippet, buildTypescriptSnippet } from './program-snippets.ts';
import { isServerName, toServerName } from './server-name.ts';
import type { Snippet, SnippetFacts } from './snippet.ts';

export interface ClientOptions extends EndpointOptions {
  readonly client: ClientName;
  /** `--auth`; the best way that both sides know when absent. */
  readonly access?: Access;
  /** `--name`: what the client calls the server. */
  readonly name?: string;
}

const builders: { readonly [client in ClientName]: (facts: SnippetFacts) => Snippet } = {
  'claude-code': buildClaudeCodeSnippet,
  'claude-desktop': buildClaudeDesktopSnippet,
  chatgpt: buildChatgptSnippet,
  vscode: buildVscodeSnippet,
  cursor: buildCursorSnippet,
  'mcp-remote': buildBridgeSnippet,
  python: buildPythonSnippet,
  typescript: buildTypescriptSnippet,
};

/**
 * Prints what a client needs to connect: the snippet alone on standard output, what to do with it on standard error. Throws a
 * GatewayError E_USAGE where client and endpoint do not go together.
 */
export async function runClient(options: ClientOptions, context: CliContext): Promise<number> {
  const found = await findEndpoint(options, context);
  if (!found.ok) return reportProblems(found.error, context);
  const endpoint = found.value;
  const { client } = options;
  const { title } = clientFacts[client];
  const access = chooseAccess(client, endpoint, options.access);
  if (client === 'chatgpt' && !endpoint.isPublic) {
    throw new GatewayError(
      'E_USAGE',
      `ChatGPT cannot reach \`${endpoint.url.host}\`: it calls from the internet`,
      {
        hint: 'give the gateway a public name with `--domain`',
      },
    );
  }
  const shell = process.platform === 'win32' ? 'powershell' : 'posix';
  const { isPublic, files } = endpoint;
  const name = toName(options.name, endpoint.url);
  const snippet = builders[client]({ name, url: endpoint.url.href, access, isPublic, files, shell });
  const trust = files === undefined ? [] : buildClientLines(files, shell);
  const lines = trust.filter(({ variable }) => variable === snippet.trustVariable);
  const notes = [...snippet.notes, ...(await listWarnings(endpoint, snippet, title))];
  if (context.json) {
    const { language, place, text } = snippet;
    const environment = Object.fromEntries(lines.map(({ variable, value }) => [variable, value]));
    const where = { client, name, url: endpoint.url.href, access };
    writeEnvelope(context, 'client', { ...where, language, place, snippet: text, environment, notes });
    return 0;
  }
  tell(snippet, { title, lines, notes }, context);
  return 0;
}

function toName(asked: string | undefined, url: URL): string {
  if (asked === undefined) return toServerName(url);
  if (isServerName(asked)) return asked;
  throw new GatewayError('E_USAGE', `\`${toPrintable(asked)}\` is no name that every client takes`, {
    hint: 'use letters, digits, `-` and `_`, at most 64',
  });
}

async function listWarnings(endpoint: Endpoint, snippet: Snippet, title: string): Promise<readonly string[]> {
  const { files, needsCertificate } = endpoint;
  const warnings: string[] = [];
  if (files !== undefined && snippet.trustVariable === 'SSL_CERT_FILE') {
    const isThere = await hasClientBundle({ file: files.authorityFile });
    if (!isThere)
      warnings.push('run `breakwater certs trust` once: it writes the file that SSL_CERT_FILE names');
  }
  if (needsCertificate) {
    warnings.push(`every connection needs a client certificate, which this does not make ${title} show`);
  }
  return warnings;
}

function tell(
  { text, place }: Snippet,
  more: { readonly title: string; readonly lines: readonly ClientLine[]; readonly notes: readonly string[] },
  { io }: CliContext,
): void {
  io.stderr.write(`for ${more.title}, ${place}:\n`);
  io.stdout.write(text);
  const lines = more.lines.map(({ line }) => `trust: ${line}\n`);
  io.stderr.write([...lines, ...more.notes.map((note) => `note: ${note}\n`)].join(''));
}
