/**
 * What `scanEnvelope` has to say, worked out the slow way from JSON.parse. It shares no code with the scanner.
 */
export interface Expected {
  readonly kind: string;
  /** The reasons that fit; when absent, any that concerns the meaning and not the text. */
  readonly reason?: readonly string[];
  readonly method?: string;
  readonly name?: string | undefined;
  readonly hasName?: boolean;
  readonly protocolVersion?: string | undefined;
  readonly hasProtocolVersion?: boolean;
  readonly initializeVersion?: string | undefined;
  readonly ref?: { readonly kind: string; readonly name: string } | undefined;
  readonly entries?: number;
  readonly hasRequest?: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const versionKey = 'io.modelcontextprotocol/protocolVersion';
const guarded = {
  message: ['jsonrpc', 'id', 'method', 'params', 'result', 'error'],
  params: ['name', 'uri', 'taskId', '_meta', 'arguments', 'protocolVersion', 'ref'],
  ref: ['type', 'name', 'uri'],
  meta: [
    versionKey,
    'io.modelcontextprotocol/clientCapabilities',
    'io.modelcontextprotocol/clientInfo',
    'io.modelcontextprotocol/logLevel',
    'io.modelcontextprotocol/subscriptionId',
    'io.modelcontextprotocol/serverInfo',
    'io.modelcontextprotocol/related-task',
  ],
};
const refused = { kind: 'refused' };

export function expectEnvelope(body: Buffer): Expected {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return { kind: 'refused', reason: ['not-utf8'] };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'refused', reason: measureDepth(text) > 64 ? ['not-json', 'too-deep'] : ['not-json'] };
  }
  if (measureDepth(text) > 64) return { kind: 'refused', reason: ['too-deep'] };
  // Equal keys collapse in the parsed value.
  if (countKeysInText(text) !== countKeys(value)) return refused;
  return Array.isArray(value) ? expectBatch(value) : expectMessage(value);
}

function expectBatch(values: readonly unknown[]): Expected {
  const entries = values.map((value) => expectMessage(value));
  if (entries.length === 0 || entries.some((entry) => entry.kind === 'refused')) return refused;
  return {
    kind: 'batch',
    entries: entries.length,
    hasRequest: entries.some((entry) => entry.kind === 'request'),
    hasProtocolVersion: entries.some((entry) => entry.hasProtocolVersion === true),
  };
}

function expectMessage(message: unknown): Expected {
  if (!isObject(message) || hasTwin(message, guarded.message)) return refused;
  const params = isObject(message['params']) ? message['params'] : {};
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const ref = isObject(params['ref']) ? params['ref'] : {};
  if (hasTwin(params, guarded.params) || hasTwin(meta, guarded.meta) || hasTwin(ref, guarded.ref)) {
    return refused;
  }
  if (
    Object.keys(meta).some(
      (key) => /^io\.modelcontextprotocol\//i.test(key) && !key.startsWith('io.modelcontextprotocol/'),
    )
  ) {
    return refused;
  }
  if (message['jsonrpc'] !== '2.0') return refused;
  const hasId = Object.hasOwn(message, 'id');
  const isValidId = typeof message['id'] === 'string' || typeof message['id'] === 'number';
  const hasResult = Object.hasOwn(message, 'result');
  const hasError = Object.hasOwn(message, 'error');
  if (!Object.hasOwn(message, 'method')) {
    if (hasResult === hasError) return refused;
    return isValidId || message['id'] === null || (hasError && !hasId) ? { kind: 'response' } : refused;
  }
  const { method } = message;
  if (typeof method !== 'string' || hasResult || hasError || (hasId && !isValidId)) return refused;
  if (
    Object.hasOwn(message, 'params') &&
    (typeof message['params'] !== 'object' || message['params'] === null)
  ) {
    return refused;
  }
  const nameKey = toNameKey(method);
  const hasName = nameKey !== undefined && Object.hasOwn(params, nameKey);
  return {
    kind: hasId ? 'request' : 'notification',
    method,
    name: hasName ? asString(params[nameKey]) : undefined,
    hasName,
    protocolVersion: asString(meta[versionKey]),
    hasProtocolVersion: Object.hasOwn(meta, versionKey),
    initializeVersion: method === 'initialize' ? asString(params['protocolVersion']) : undefined,
    ref: method === 'completion/complete' ? expectRef(ref) : undefined,
  };
}

function expectRef(ref: Json): Expected['ref'] {
  const { type, name, uri } = ref;
  if (type === 'ref/prompt' && typeof name === 'string' && !Object.hasOwn(ref, 'uri')) {
    return { kind: 'prompt', name };
  }
  if (type === 'ref/resource' && typeof uri === 'string' && !Object.hasOwn(ref, 'name')) {
    return { kind: 'resource', name: uri };
  }
  return undefined;
}

function toNameKey(method: string): string | undefined {
  if (method === 'tools/call' || method === 'prompts/get') return 'name';
  if (/^resources\/(read|subscribe|unsubscribe)$/.test(method)) return 'uri';
  return method.startsWith('tasks/') ? 'taskId' : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function hasTwin(object: Json, names: readonly string[]): boolean {
  const fold = (name: string): string =>
    name
      .replaceAll('\u017f', 's')
      .replaceAll('\u212a', 'k')
      .replaceAll(/[\u0130\u0131]/g, 'i')
      .toLowerCase()
      .split('\0')[0] ?? '';
  return Object.keys(object).some((key) => names.some((name) => name !== key && fold(name) === fold(key)));
}

function countKeysInText(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)) if (match[1] !== undefined) count++;
  return count;
}

function countKeys(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKeys(item), 0);
  if (!isObject(value)) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countKeys(item), 0);
}

function measureDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth--;
  }
  return deepest;
}
