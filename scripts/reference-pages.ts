import { buildJsonSchema } from '../src/config/schema/document.ts';
import { errorCodes } from '../src/lib/error-codes.ts';
import { buildChecksPage } from './checks-page.ts';
import { buildCommandsPage } from './commands-page.ts';
import { buildFindingsPage } from './findings-page.ts';

/** The pages of `docs/` that are made from the code; a test compares them, `node scripts/docs.ts` writes them. */
export function buildReferencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/errors.md', buildErrorPage()],
    ['docs/commands.md', buildCommandsPage()],
    ['docs/configuration.md', buildConfigurationPage()],
    ['docs/findings.md', buildFindingsPage()],
    ['docs/doctor.md', buildChecksPage()],
  ]);
}

function buildErrorPage(): string {
  const sections = Object.entries(errorCodes).map(([code, entry]) => {
    const facts = [
      entry.status === undefined ? [] : [`HTTP ${entry.status}`],
      entry.rpcCode === undefined ? [] : [`JSON-RPC ${entry.rpcCode}`],
      entry.exit === undefined ? [] : [`exit code ${entry.exit}`],
    ].flat();
    const line = facts.length === 0 ? '' : `\n${facts.join(' · ')}\n`;
    return `## ${code}\n\n**${entry.title}**\n${line}\n${entry.explanation}\n\nFix: ${entry.fix}.\n`;
  });
  return `# Error codes\n\nThe same text as \`breakwater explain CODE\`. Made from \`src/lib/error-codes.ts\`.\n\n${sections.join('\n')}`;
}

/** The part of JSON Schema that our configuration uses. */
interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

function buildConfigurationPage(): string {
  // The generator of the schema types its result as any JSON object.
  const rows = listRows(buildJsonSchema() as SchemaNode, '');
  return [
    '# Configuration',
    '',
    'Every key of `breakwater.yaml`. All are optional but one route, which the command line can give too. Durations',
    'are written `500ms`, `15s`, `5m`, `24h`, `30d`; sizes `512B`, `16KiB`, `8MiB`, `1GiB`. Environment variables set the top-level keys that are no list or mapping,',
    '`BREAKWATER_LISTEN` for `listen`, `BREAKWATER_STATE_REDIS`, and the same of `tls`: `BREAKWATER_TLS_CERT`, `_KEY`, `_POLICY`, `_ACME_DIRECTORY`,',
    '`_ACME_EMAIL`, `_ACME_ACCEPT_TERMS`, `_ACME_STAGING`;',
    'flags win over the environment, the environment over the file. Made from the schema; `breakwater schema` prints it.',
    '',
    '| key | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function listRows(node: SchemaNode, prefix: string): string[] {
  const settings = [node, ...(node.anyOf ?? [])].flatMap((form) => Object.entries(form.properties ?? {}));
  return settings.flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const { description = '' } = child;
    const isGroup = child.properties !== undefined;
    const isRepeat = path === 'routes[].auth';
    const meaning = isRepeat
      ? 'Who may call this route, written as `auth`. Default: `auth`.'
      : `${description}${describeChoice(child, description)}`;
    const row = `| \`${path}\` | ${isGroup ? '' : describeDefault(child)} | ${meaning.replaceAll('|', '\\|')} |`;
    if (isRepeat) return [row];
    const lists = [child, ...(child.anyOf ?? [])].flatMap(({ items }) =>
      items === undefined ? [] : [items],
    );
    return [row, ...listRows(child, `${path}.`), ...lists.flatMap((items) => listRows(items, `${path}[].`))];
  });
}

/** The words that a setting takes, where its description does not name them all. */
function describeChoice(node: SchemaNode, description: string): string {
  const words = [node, ...(node.anyOf ?? []), ...(node.items === undefined ? [] : [node.items])]
    .flatMap((form) => form.enum ?? (form.const === undefined ? [] : [form.const]))
    .filter((word) => typeof word === 'string');
  const isNamed = words.every((word) => description.includes(`\`${word}\``));
  return isNamed ? '' : ` One of ${words.map((word) => `\`${word}\``).join(', ')}.`;
}

function describeDefault({ default: value }: SchemaNode): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
