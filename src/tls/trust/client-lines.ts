import { quoteForJson, quoteForPowerShell, quoteForShell } from './command-text.ts';

export type Shell = 'posix' | 'powershell';

/** The two files that variables of clients name; absolute paths. */
export interface ClientFiles {
  /** The local authority alone, for programs that add it to their own list. */
  readonly authorityFile: string;
  /** All roots and the local authority, for programs whose variable replaces their list. */
  readonly bundleFile: string;
}

/** One variable for programs that neither read the system's list nor a browser's. */
export interface ClientLine {
  /** Who reads it. */
  readonly programs: string;
  readonly variable: string;
  /** Absolute path, as it is. */
  readonly value: string;
  /** The command for the shell, quoted. */
  readonly line: string;
}

const variables: readonly {
  readonly variable: string;
  readonly file: keyof ClientFiles;
  readonly programs: string;
}[] = [
  {
    variable: 'NODE_EXTRA_CA_CERTS',
    file: 'authorityFile',
    programs: 'Claude Code, mcp-remote and everything else on Node',
  },
  { variable: 'SSL_CERT_FILE', file: 'bundleFile', programs: 'Python with httpx, OpenSSL, Go, uv' },
  { variable: 'REQUESTS_CA_BUNDLE', file: 'bundleFile', programs: 'Python with requests' },
  { variable: 'CURL_CA_BUNDLE', file: 'bundleFile', programs: 'curl' },
  { variable: 'GIT_SSL_CAINFO', file: 'bundleFile', programs: 'git' },
  { variable: 'DENO_CERT', file: 'authorityFile', programs: 'Deno' },
];

/** The lines to type, or to put into a profile, for programs with a list of their own; the most common programs first. */
export function buildClientLines(files: ClientFiles, shell: Shell): readonly ClientLine[] {
  return variables.map(({ variable, file, programs }) => {
    const value = files[file];
    const line =
      shell === 'posix'
        ? `export ${variable}=${quoteForShell(value)}`
        : `$env:${variable} = ${quoteForPowerShell(value)}`;
    return { programs, variable, value, line };
  });
}

/** The variable that an MCP client passes to a server or bridge which it starts on Node. */
export function buildClientEnvironment(files: ClientFiles): Readonly<Record<string, string>> {
  return { NODE_EXTRA_CA_CERTS: files.authorityFile };
}

/** The same as a member of an entry in `mcpServers`, in one line of JSON. */
export function formatClientEnvironment(files: ClientFiles): string {
  const members = Object.entries(buildClientEnvironment(files)).map(
    ([name, value]) => `${quoteForJson(name)}: ${quoteForJson(value)}`,
  );
  return `"env": { ${members.join(', ')} }`;
}
