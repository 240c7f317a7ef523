import { allChecks } from '../src/doctor/all-checks.ts';
import { layers } from '../src/doctor/check.ts';

const introduction = `# What \`breakwater doctor\` checks

\`breakwater doctor URL\` asks a live endpoint of MCP from outside, whatever stands before it, and says what breaks clients and how to mend it:
for the front that it recognises (nginx, Caddy, Apache, HAProxy, Cloudflare, ALB) with the lines that \`breakwater render\` writes.
\`breakwater explain ID\` says the same as this page about one check. Made from \`src/doctor/checks/\`.

- **What it does to the endpoint**: some seventy small requests and a few connections, at most six at a time, from \`breakwater-doctor/VERSION\`;
  sessions that it begins it ends again. It only reads: a tool is called with \`--call TOOL\` alone, clients are registered with \`--register\` alone.
- **Your credential**: \`--token-env NAME\`, \`--token-file FILE\` or \`--login\`. It goes to the endpoint over verified TLS, or to this machine, and
  nowhere else; reports and facts hold no tokens, cookies or session ids.
- **Time**: a healthy endpoint is done in a few seconds, a dead or hostile one within half a minute. \`--idle 90s\` watches a quiet stream on top.
- **Layers**: dns, tcp, tls, http, proxy, mcp, oauth, limits. Where one lets nothing through, the rest is "not tested because of" it. What could not be
  told is never a pass.
- **Grade**: A+ nothing wrong, A remarks or what could not be told, B a warning, C an error, D more than one, F only by a cap: the column "cap" names faults with which no better grade is given.
- **Output**: text, \`--json\`, \`--format html|sarif|junit\`. \`--facts FILE\` writes down what was seen, \`--from FILE\` judges it again offline,
  \`--bundle FILE\` packs both for a bug report.
- **In CI**: \`--baseline FILE\` lists known findings (\`findings:\` with ids, or \`{ id, until, reason }\`); an entry whose finding is gone, or whose day
  has come, fails as well. Exit codes: 0 nothing at or above \`--fail-on\`, 2 usage, 3 the credential was refused, 4 unreachable, 5 found.
`;

/** The page that lists all checks. */
export function buildChecksPage(): string {
  const sections = layers.map((layer) => {
    const rows = allChecks
      .filter((check) => check.layer === layer)
      .map(({ id, severity, title, why, cap = '' }) => {
        const cells = [`\`${id}\``, severity, cap, title, why];
        return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
      });
    return `## ${layer}\n\n| check | severity | cap | what is right | what breaks otherwise |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${introduction}\n${sections.join('\n')}`;
}
