import { toBracketedHost } from '../../lib/authority.ts';
import type { ExchangeName, Target } from '../facts.ts';
import type { Question } from './question.ts';
import {
  acceptBoth,
  buildInitialize,
  buildLegacy,
  buildMadeUpToken,
  buildModern,
  legacyRevision,
  type Message,
} from './messages.ts';

/** A question with its name. */
export interface NamedQuestion extends Omit<Question, 'deadline'> {
  readonly name: ExchangeName;
  /** Whether the user's credential goes along, if there is one. */
  readonly credential: boolean;
  /** Milliseconds to the head where it has to come sooner than others. */
  readonly deadline?: number;
}

export interface QuestionContext {
  readonly target: Target;
  /** `https://mcp.example.com`, with the port where it is not the usual one. */
  readonly origin: string;
  readonly version: string;
  /** Where plain HTTP of the same host is; `undefined` where that cannot be guessed. */
  readonly httpPort: number | undefined;
}

/** Origins and hosts of strangers; names of RFC 6761 that no one can own. */
const foreignOrigin = 'https://attacker.invalid';
const foreignHost = 'attacker.invalid';

type Changes = Partial<Omit<NamedQuestion, 'name' | 'fields'>> & {
  readonly fields?: Readonly<Record<string, string>>;
};

function ask(
  context: QuestionContext,
  name: ExchangeName,
  message: Message | undefined,
  changes: Changes = {},
): NamedQuestion {
  const { fields, ...rest } = changes;
  return {
    name,
    method: message === undefined ? 'GET' : 'POST',
    origin: context.origin,
    path: context.target.path,
    credential: true,
    ...(message === undefined ? {} : { body: message.body }),
    fields: { ...message?.fields, ...fields },
    ...rest,
  };
}

/** The question on which all others rest. */
export function askInitialize(context: QuestionContext): NamedQuestion {
  return ask(context, 'initialize', buildInitialize(context.version));
}

/** Variations of it: other callers, origins, hosts, protocols. */
export function askVariations(context: QuestionContext): readonly NamedQuestion[] {
  const { origin, target, version } = context;
  const initialize = buildInitialize(version);
  const vary = (name: ExchangeName, changes: Changes): NamedQuestion =>
    ask(context, name, initialize, changes);
  const bearer = (padding: number): Record<string, string> => ({
    Authorization: `Bearer ${buildMadeUpToken(target.url, padding)}`,
  });
  return [
    vary('initialize-anonymous', { credential: false }),
    vary('initialize-made-up', { credential: false, fields: bearer(0) }),
    ...(target.secure ? [vary('initialize-h2', { http: '2' })] : []),
    vary('initialize-slash', { path: toggleSlash(target.path) }),
    vary('initialize-origin', { fields: { Origin: origin } }),
    vary('initialize-foreign-origin', { fields: { Origin: foreignOrigin } }),
    vary('initialize-null-origin', { fields: { Origin: 'null' } }),
    vary('initialize-foreign-host', { fields: { Host: foreignHost } }),
    vary('initialize-compressed', { fields: { 'Accept-Encoding': 'gzip, br, zstd' } }),
    vary('bad-json', { body: '{"jsonrpc":"2.0","id":1,' }),
    vary('wrong-type', { fields: { 'Content-Type': 'text/plain' } }),
    vary('body-1m', { body: pad(initialize.body, 1.1 * 1024 * 1024) }),
    vary('body-5m', { body: pad(initialize.body, 5 * 1024 * 1024) }),
    vary('long-token', { credential: false, fields: bearer(5200) }),
  ];
}

/** 2026-07-28, and headers that say another thing than the body. */
export function askModern(context: QuestionContext): readonly NamedQuestion[] {
  const list = 'tools/list';
  const modern = (
    name: ExchangeName,
    method: string,
    options: Parameters<typeof buildModern>[1] = {},
  ): NamedQuestion => ask(context, name, buildModern(method, options));
  return [
    modern('discover', 'server/discover'),
    modern('modern-missing-method-header', list, { fields: { 'Mcp-Method': undefined } }),
    modern('modern-method-mismatch', list, { fields: { 'Mcp-Method': 'server/discover' } }),
    // A prompt of no one: whether its name is compared with the header is told before it is looked for.
    modern('modern-name-mismatch', 'prompts/get', {
      params: { name: 'breakwater-doctor' },
      fields: { 'Mcp-Name': 'something-else' },
    }),
    modern('modern-version-mismatch', list, { fields: { 'MCP-Protocol-Version': legacyRevision } }),
    modern('modern-unknown-version', list, { version: '2099-01-01' }),
  ];
}

/** Other paths and methods, pages and preflights: none of them starts a session. */
export function askAround(context: QuestionContext): readonly NamedQuestion[] {
  const { origin, target, version } = context;
  const initialize = buildInitialize(version);
  const plain = (name: ExchangeName, changes: Changes = {}): NamedQuestion =>
    ask(context, name, undefined, { credential: false, ...changes });
  const bare = trimSlash(target.path);
  const elsewhere = (name: ExchangeName, path: string): NamedQuestion =>
    ask(context, name, initialize, { credential: false, path });
  const preflight = (name: ExchangeName, from: string): NamedQuestion =>
    plain(name, {
      method: 'OPTIONS',
      fields: {
        Origin: from,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers':
          'authorization, content-type, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id',
      },
    });
  const unsecure = plainOrigin(context);
  return [
    ...(unsecure === undefined
      ? []
      : [
          plain('plain-get', { origin: unsecure, fields: { Accept: 'text/html' } }),
          ask(context, 'plain-post', initialize, {
            origin: unsecure,
            credential: false,
            fields: { Authorization: `Bearer ${buildMadeUpToken(target.url)}` },
          }),
        ]),
    ...(target.secure ? [plain('plain-on-tls', { origin: origin.replace('https:', 'http:') })] : []),
    plain('page', { fields: { Accept: 'text/html,application/xhtml+xml', 'Sec-Fetch-Mode': 'navigate' } }),
    plain('root', { path: '/' }),
    elsewhere('sibling', `${bare}-breakwater-doctor`),
    elsewhere('beneath', `${bare}/breakwater-doctor`),
    elsewhere('unknown-path', '/breakwater-doctor-asks'),
    elsewhere('upper-path', bare.toUpperCase()),
    elsewhere('dot-path', `/breakwater-doctor/..${bare}`),
    plain('put', { method: 'PUT', fields: { 'Content-Type': 'application/json' }, body: '{}' }),
    plain('trace', { method: 'TRACE' }),
    preflight('preflight', origin),
    preflight('preflight-foreign', foreignOrigin),
    plain('stream-anonymous', { fields: { Accept: 'text/event-stream' }, watch: 300 }),
  ];
}

/** What only a session can be asked, in this order but for what `delete` ends. */
export function askSession(context: QuestionContext, session: string | undefined): readonly NamedQuestion[] {
  const legacy = (
    name: ExchangeName,
    message: Message,
    fields: Readonly<Record<string, string>> = {},
  ): NamedQuestion => ask(context, name, message, { fields });
  const list = (given: string | undefined): Message => buildLegacy('tools/list', { id: 2, session: given });
  return [
    legacy('tools-list', list(session)),
    legacy('unknown-method', buildLegacy('breakwater/doctor', { id: 3, session })),
    legacy('bad-version', list(session), { 'MCP-Protocol-Version': '1999-01-01' }),
    legacy('unknown-session', list(madeUpSession)),
    ...(session === undefined ? [] : [legacy('missing-session', list(undefined))]),
  ];
}

/** Looks like the ids of most servers, and is no one's. */
const madeUpSession = '00000000000040008000b4ea1c0a7e12';

export function askInitialized(context: QuestionContext, session: string | undefined): NamedQuestion {
  return ask(context, 'initialized', buildLegacy('notifications/initialized', { session }));
}

export function askToolsList(
  context: QuestionContext,
  session: string | undefined,
  id: number,
): NamedQuestion {
  return ask(context, 'tools-list', buildLegacy('tools/list', { id, session }));
}

export function askCall(context: QuestionContext, session: string | undefined, tool: string): NamedQuestion {
  const params = { name: tool, arguments: {}, _meta: { progressToken: 'breakwater-doctor' } };
  return ask(context, 'call', buildLegacy('tools/call', { id: 9, session, params }), { whole: true });
}

/** The stream for messages of the server, watched for a while. */
export function askStream(
  context: QuestionContext,
  session: string | undefined,
  options: { readonly name: 'stream' | 'stream-h2'; readonly watch: number; readonly deadline?: number },
): NamedQuestion {
  return ask(context, options.name, undefined, {
    fields: { ...sessionFields(session), Accept: 'text/event-stream' },
    watch: options.watch,
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
    ...(options.name === 'stream-h2' ? { http: '2' } : {}),
  });
}

export function askDelete(context: QuestionContext, session: string): NamedQuestion {
  return ask(context, 'delete', undefined, {
    method: 'DELETE',
    fields: { ...sessionFields(session), Accept: acceptBoth },
  });
}

export function askAfterDelete(context: QuestionContext, session: string): NamedQuestion {
  return { ...askToolsList(context, session, 4), name: 'after-delete' };
}

function sessionFields(session: string | undefined): Record<string, string> {
  return {
    'MCP-Protocol-Version': legacyRevision,
    ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
  };
}

/** The same message with a member that no server reads. */
function pad(body: string, bytes: number): string {
  return body.replace(/\}$/, `,"padding":"${'x'.repeat(Math.round(bytes) - body.length - 13)}"}`);
}

function trimSlash(path: string): string {
  const [bare = ''] = path.split('?');
  return bare.length > 1 && bare.endsWith('/') ? bare.slice(0, -1) : bare === '/' ? '' : bare;
}

function toggleSlash(path: string): string {
  const [bare = '', ...query] = path.split('?');
  const other = bare.endsWith('/') ? bare.slice(0, -1) : `${bare}/`;
  return [other === '' ? '/' : other, ...query].join('?');
}

function plainOrigin({ target: { secure, host }, httpPort }: QuestionContext): string | undefined {
  if (!secure || httpPort === undefined) return undefined;
  return `http://${toBracketedHost(host)}${httpPort === 80 ? '' : `:${httpPort}`}`;
}
