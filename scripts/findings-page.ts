import { engineTitles } from '../src/render/engine.ts';
import { lintEngines } from '../src/render/lint/finding.ts';
import { engineLints } from '../src/render/lint/findings.ts';
import { requirements } from '../src/render/requirements.ts';

const introduction = `# What \`breakwater lint\` finds

\`breakwater lint FILE\` reads a configuration of nginx, Caddy, Apache httpd or HAProxy and says what in it breaks MCP clients. It changes
nothing: \`--fix\` writes a corrected copy of an nginx file (\`FILE.fixed\`, or \`-o\`), and only \`--fix --in-place\` corrects the file itself.
\`breakwater explain ID\` says the same as this page about one finding. Made from \`src/render/lint/\`.

- **Which engine**: by the name of the file (\`nginx*\`, \`Caddyfile*\`, \`haproxy*\`, \`httpd*\`, \`apache2*\`), then by its contents; \`--as\` decides.
- **What is read**: the file and what it includes, up to 200 files of 1 MiB. A file that is not there, or that is no text, is named by
  \`…-include-unread\`. A file whose syntax is broken is refused with exit code 2.
- **Which places are looked at**: with \`--path /mcp\`, those that serve this path. Without it, the proxied places whose path, server name or
  upstream has \`mcp\` or \`sse\` as a word of its own; where there are none, the only proxied place of the file; else \`…-no-endpoint\`. What is
  internal, named (\`@name\`) or below \`/.well-known/\` is no endpoint. Other sites of the file get no findings.
- **What counts**: the value that holds at the endpoint. A location of nginx inherits from its server and \`http\`; one \`proxy_set_header\` or
  \`add_header\` in it drops all outer ones. Defaults count: without \`client_max_body_size\` the limit is 1 MiB.
- **What depends on the version**: \`--engine-version 1.25.1\`. Without it such findings are \`info\`.
- **What is accepted**: \`# breakwater-lint: allow ID\` at the end of the line, or alone above it. In a file that \`breakwater render\` has written, what
  \`breakwater.yaml\` decides (who may call, names, paths, sizes, times), and with \`--mode front\` what Breakwater does behind it, is not asked again.
- **Exit codes**: 0 nothing at or above \`--fail-on\` (\`error\` by default), 5 something, 2 not readable.

An \`error\` means that clients fail or that anyone gets in, a \`warning\` that they do under load, after a while or with some clients; \`info\` is
worth knowing.
`;

/** The page that lists all findings. */
export function buildFindingsPage(): string {
  const sections = lintEngines.map((engine) => {
    const rows = engineLints[engine].rules.map(({ id, severity, title, requirement, breaks }) => {
      const cells = [`\`${id}\``, severity, title, breaks ?? requirements[requirement].breaks];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    });
    return `## ${engineTitles[engine]}\n\n| finding | severity | what | what it breaks |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${introduction}\n${sections.join('\n')}`;
}
