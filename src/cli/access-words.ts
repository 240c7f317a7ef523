import type { Principal } from '../auth/principal.ts';
import type { Question } from '../auth/rules/decide.ts';
import { GatewayError } from '../lib/gateway-error.ts';

/** The words behind `--explain-access`, read. `keyName` is set where they name an API key, whose scopes the configuration may know. */
export interface AccessWords {
  readonly user: string;
  readonly tool: string;
  readonly principal: Principal | undefined;
  readonly keyName: string | undefined;
  readonly operation: Pick<Question, 'method' | 'kind' | 'name'>;
}

const USER_FORMS =
  'write `key:NAME`, `certificate:NAME`, `sub:NAME@https://ISSUER`, `client:ID`, `group:NAME`, `scope:NAME`, `claim:NAME=VALUE` or `anonymous`; a comma joins several';

/** Reads USER and TOOL. Throws `E_USAGE` for words that mean nothing. */
export function parseAccessWords(words: readonly string[]): AccessWords {
  const [user, tool, ...more] = words;
  if (user === undefined || tool === undefined || more.length > 0) {
    throw new GatewayError('E_USAGE', '`--explain-access` takes a USER and a TOOL', {
      hint: 'write FILE before it: `breakwater check FILE --explain-access USER TOOL`',
    });
  }
  const facts = splitFacts(user);
  const keyName = facts.find(({ kind }) => kind === 'key')?.value;
  return { user, tool, principal: toPrincipal(user, facts), keyName, operation: toOperation(tool) };
}

interface Fact {
  readonly kind: string;
  readonly value: string;
}

/** At commas behind which another fact begins: names may hold commas of their own. */
function splitFacts(user: string): readonly Fact[] {
  return user
    .split(/,(?=(?:key|certificate|sub|client|group|scope|claim|anonymous)(?::|$))/)
    .map((text) => /^(?<kind>[a-z]+)(?::(?<value>.+))?$/su.exec(text)?.groups)
    .map((groups) => ({ kind: groups?.['kind'] ?? '', value: groups?.['value'] ?? '' }));
}

/** Facts that go together; a stranger has none. */
const factKinds: ReadonlySet<string> = new Set([
  'key',
  'certificate',
  'sub',
  'client',
  'group',
  'scope',
  'claim',
]);

function toPrincipal(user: string, facts: readonly Fact[]): Principal | undefined {
  const [only] = facts;
  if (facts.length === 1 && only?.kind === 'anonymous' && only.value === '') return undefined;
  const valuesOf = (wanted: string): string[] =>
    facts.filter(({ kind }) => kind === wanted).map(({ value }) => value);
  const identities = [...valuesOf('key'), ...valuesOf('certificate'), ...valuesOf('sub')];
  const isUnclear =
    facts.some(({ kind, value }) => !factKinds.has(kind) || value === '') ||
    identities.length > 1 ||
    valuesOf('client').length > 1;
  if (isUnclear) throw new GatewayError('E_USAGE', `\`${user}\` is not a USER`, { hint: USER_FORMS });
  const [key] = valuesOf('key');
  const [certificate] = valuesOf('certificate');
  const method = key !== undefined ? 'key' : certificate !== undefined ? 'certificate' : 'token';
  const name = key ?? certificate;
  const { subject, issuer } = splitSubject(valuesOf('sub')[0]);
  return {
    method,
    id: name === undefined ? user : `${method}:${name}`,
    name: name ?? subject ?? user,
    issuer,
    subject,
    client: valuesOf('client')[0],
    scopes: valuesOf('scope'),
    groups: valuesOf('group'),
    claims: toClaims(valuesOf('claim'), user),
    expiresAt: undefined,
  };
}

/** Subjects may look like e-mail addresses; issuers are URLs. */
function splitSubject(text: string | undefined): { subject: string | undefined; issuer: string | undefined } {
  const at = text?.search(/@https?:\/\//) ?? -1;
  if (text === undefined || at === -1) return { subject: text, issuer: undefined };
  return { subject: text.slice(0, at), issuer: text.slice(at + 1) };
}

/** A claim that is named twice is a list. */
function toClaims(texts: readonly string[], user: string): Readonly<Record<string, readonly string[]>> {
  const claims = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new GatewayError('E_USAGE', `\`${user}\` is not a USER`, { hint: USER_FORMS });
    const name = text.slice(0, at);
    claims.set(name, [...(claims.get(name) ?? []), text.slice(at + 1)]);
  }
  return Object.fromEntries(claims);
}

function toOperation(tool: string): AccessWords['operation'] {
  const named = /^(?<kind>tool|prompt|resource|method):(?<name>.+)$/su.exec(tool)?.groups;
  const name = named?.['name'];
  switch (named?.['kind']) {
    case 'prompt':
      return { method: 'prompts/get', kind: 'prompt', name };
    case 'resource':
      return { method: 'resources/read', kind: 'resource', name };
    case 'method':
      return { method: name ?? '', kind: 'none', name: undefined };
    case undefined:
    default:
      return { method: 'tools/call', kind: 'tool', name: name ?? tool };
  }
}
