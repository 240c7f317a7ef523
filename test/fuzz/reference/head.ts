/**
 * What the head parsers have to say, worked out the slow way: the text cut at its line ends and matched against
 * patterns. It shares no code with the parsers. All texts are latin1.
 */

export interface ReferenceLimits {
  readonly fields: number;
  readonly urlBytes: number;
}

export interface ReferenceRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly fields: readonly string[];
  readonly framing:
    | { readonly kind: 'none' | 'chunked' }
    | { readonly kind: 'length'; readonly length: number };
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
}

export interface ReferenceResponse {
  readonly status: number;
  readonly fields: readonly string[];
  readonly framing:
    | { readonly kind: 'none' | 'chunked' | 'close' }
    | { readonly kind: 'length'; readonly length: number };
  readonly keepAlive: boolean;
  readonly isEventStream: boolean;
}

const requestLine =
  /^(?<method>GET|POST|DELETE|OPTIONS|HEAD|PUT|PATCH) (?<target>\/[\w.~!$&'()*+,;=:@/?%-]*) HTTP\/1\.1$/;
const statusLine = /^HTTP\/1\.(?<minor>[01]) (?<status>[1-5]\d\d)(?: [\t -~\x80-\xff]*)?$/;
const fieldLine = /^(?<name>[!#$%&'*+.^`|~\w-]+):[ \t]*(?<value>[\t -~\x80-\xff]*)$/;
const authorityPattern = /^(?:\[[\da-fA-F:.]{2,}\]|[\w.-]+)(?::\d{1,5})?$/;
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Reads a request head, the empty line at its end included; `undefined` means that it has to be refused. */
export function readRequestHead(text: string, limits: ReferenceLimits): ReferenceRequest | undefined {
  const [line = '', ...rest] = splitHead(text);
  const { method = '', target = '' } = requestLine.exec(line)?.groups ?? {};
  // What a server could take for another field does not reach it.
  const lines = readFieldLines(rest, limits.fields)?.filter(([name]) =>
    /^(?:[a-z0-9-]+$|mcp-param-)/.test(name),
  );
  if (method === '' || target.length > limits.urlBytes || lines === undefined) return undefined;
  const hosts = valuesOf(lines, 'host');
  const lengths = valuesOf(lines, 'content-length');
  const codings = valuesOf(lines, 'transfer-encoding');
  const expectations = valuesOf(lines, 'expect');
  if (hosts.length !== 1 || !authorityPattern.test(hosts[0] ?? '')) return undefined;
  if (lengths.length + codings.length > 1) return undefined;
  if (expectations.join(', ').toLowerCase() !== (expectations.length === 0 ? '' : '100-continue'))
    return undefined;
  const mayHaveBody = ['POST', 'PUT', 'PATCH'].includes(method);
  let framing: ReferenceRequest['framing'] = { kind: 'none' };
  if (codings.length === 1) {
    if (!mayHaveBody || !/^chunked$/i.test(codings[0] ?? '')) return undefined;
    framing = { kind: 'chunked' };
  }
  if (lengths.length === 1) {
    if (!/^\d{1,15}$/.test(lengths[0] ?? '')) return undefined;
    const length = Number(lengths[0]);
    if (length > 0 && !mayHaveBody) return undefined;
    if (length > 0) framing = { kind: 'length', length };
  }
  const options = readOptions(lines);
  const queryStart = `${target}?`.indexOf('?');
  return {
    method,
    path: target.slice(0, queryStart),
    query: target.slice(queryStart),
    authority: (hosts[0] ?? '').toLowerCase(),
    fields: keepEndToEnd(lines, [...options, 'host', 'content-length', 'expect']).flat(),
    framing,
    keepAlive: !options.includes('close'),
    expectsContinue: expectations.length === 1,
  };
}

const eventStreamType = /^\s*text\/event-stream\s*(?:;|$)/i;

/** Reads a response head to a request of the given method; `undefined` means that it has to be refused. */
export function readResponseHead(text: string, requestMethod: string): ReferenceResponse | undefined {
  const [line = '', ...rest] = splitHead(text);
  const groups = statusLine.exec(line)?.groups;
  const lines = readFieldLines(rest, 200);
  if (groups === undefined || lines === undefined) return undefined;
  const status = Number(groups['status']);
  const lengths = valuesOf(lines, 'content-length');
  const codings = valuesOf(lines, 'transfer-encoding');
  if (lengths.length + codings.length > 1) return undefined;
  if (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0] ?? '')) return undefined;
  if (codings.length === 1 && !/^chunked$/i.test(codings[0] ?? '')) return undefined;
  const isBodiless = requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304;
  let framing: ReferenceResponse['framing'] = { kind: 'close' };
  if (isBodiless) framing = { kind: 'none' };
  else if (codings.length === 1) framing = { kind: 'chunked' };
  else if (lengths.length === 1) framing = { kind: 'length', length: Number(lengths[0]) };
  const options = readOptions(lines);
  const kept = keepEndToEnd(lines, [...options, 'content-length']);
  const [type = ''] = valuesOf(kept, 'content-type');
  const persists = groups['minor'] === '1' && !options.includes('close');
  return {
    status,
    fields: kept.flat(),
    framing,
    keepAlive: persists && framing.kind !== 'close',
    isEventStream: eventStreamType.test(type) && valuesOf(kept, 'content-encoding').length === 0,
  };
}

type Line = readonly [name: string, value: string];

function splitHead(text: string): string[] {
  return text.slice(0, -4).split('\r\n');
}

function readFieldLines(lines: readonly string[], limit: number): Line[] | undefined {
  const read = lines.map((line): Line | undefined => {
    const { name, value } = fieldLine.exec(line)?.groups ?? {};
    return name === undefined || value === undefined
      ? undefined
      : [name.toLowerCase(), value.replace(/[ \t]+$/, '')];
  });
  if (read.length > limit || read.includes(undefined)) return undefined;
  return read.filter((line) => line !== undefined);
}

function valuesOf(lines: readonly Line[], wanted: string): string[] {
  return lines.filter(([name]) => name === wanted).map(([, value]) => value);
}

/** The options of all Connection fields. */
function readOptions(lines: readonly Line[]): string[] {
  return valuesOf(lines, 'connection').flatMap((value) =>
    value.split(',').map((option) => option.replaceAll(/^[ \t]+|[ \t]+$/g, '').toLowerCase()),
  );
}

function keepEndToEnd(lines: readonly Line[], dropped: readonly string[]): Line[] {
  return lines.filter(([name]) => !connectionFields.has(name) && !dropped.includes(name));
}
