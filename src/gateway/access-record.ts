import type { Fields, Peer } from '../http/exchange.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { toPrintable } from '../lib/printable.ts';
import type { Destination, Exchange } from './exchange.ts';

/** The message of every access record. */
export const RECORD_MESSAGE = 'request';

/**
 * The one line a request gets, as members of a JSON object in ASCII. It names the method and the tool, never arguments, queries,
 * tokens, session ids or resource addresses, all of which can be secrets.
 */
export function formatRecord(exchange: Exchange, now: number): string {
  const { request, outcome, envelope, classification } = exchange;
  let text = `${describeRequest(exchange)},"status":${outcome.status}`;
  if (outcome.upstreamStatus !== undefined) text += `,"upstream_status":${outcome.upstreamStatus}`;
  if (outcome.upstream !== undefined) text += `,"upstream":${quote(outcome.upstream)}`;
  text +=
    `,"duration_ms":${Math.round(now - exchange.startedAt)},"bytes_in":${request.body.length},` +
    `"bytes_out":${outcome.bytes}`;
  if (outcome.stream) text += ',"stream":true';
  if (outcome.deferred) text += ',"deferred":true';
  if (classification !== undefined) text += `,"revision":"${classification.revision}"`;
  if (envelope?.kind === 'request' || envelope?.kind === 'notification')
    text += describeCall(envelope.method, envelope.name);
  if (exchange.principal !== undefined) text += `,"principal":${quote(exchange.principal.name)}`;
  if (outcome.code !== undefined) text += `,"error":"${outcome.code}"`;
  return text;
}

const MAX_KEPT_CHARACTERS = 200;

/** The last call that was described. Most often the next one is of the same tool. */
let lastCall = { method: '', name: undefined as string | undefined, text: '' };

function describeCall(method: string, name: string | undefined): string {
  if (method === lastCall.method && name === lastCall.name) return lastCall.text;
  let text = `,"rpc":${quote(clip(method))}`;
  const namesTool = method === 'tools/call' || method === 'prompts/get';
  if (namesTool && name !== undefined) text += `,"tool":${quote(clip(name))}`;
  // Names come from the client and may be megabytes long.
  if (text.length < MAX_KEPT_CHARACTERS) lastCall = { method, name, text };
  return text;
}

/** What was written about a request whose fields had come before, by the fields. */
const described = new WeakMap<Fields, { readonly destination: Destination; readonly text: string }>();

/** Who asked, and for what: the same for each request of a connection that has the same head. */
function describeRequest(exchange: Exchange): string {
  const { request, destination, client } = exchange;
  const known = request.isRepeat ? described.get(request.fields) : undefined;
  if (known?.destination === destination) return known.text;
  let text =
    `"client":"${client.address}","protocol":"${request.protocol}","method":"${request.method}",` +
    `"path":${quote(request.path)}`;
  if (destination.kind === 'mcp') text += `,"route":${quote(destination.route.id)}`;
  if (request.isRepeat) described.set(request.fields, { destination, text });
  return text;
}

/** The message of a connection's record that never became a request. */
export const REFUSAL_MESSAGE = 'refused';

/** What is known of it, as members of a JSON object. */
export function formatRefusal(refusal: { readonly peer: Peer; readonly code: ErrorCode }): string {
  return `"client":"${refusal.peer.address}","error":"${refusal.code}"`;
}

const MAX_NAME_CHARACTERS = 128;

/** Log flooding: names come from the client and may be megabytes long. */
function clip(name: string): string {
  return name.length <= MAX_NAME_CHARACTERS ? name : `${name.slice(0, MAX_NAME_CHARACTERS)}…`;
}

/** What JSON writes as it is: nearly every name and path that occurs. */
const plain = /^[\w/.-]+$/;

const MAX_QUOTED = 1000;
const MAX_QUOTED_LENGTH = 64;

/** Names that were written before: methods and tools are few, and looking one up is quicker than looking at its characters. */
const quoted = new Map<string, string>();

/** A JSON string in ASCII alone, which is what lets the log write a record without encoding it. */
function quote(text: string): string {
  if (text.length > MAX_QUOTED_LENGTH) return toJson(text);
  let result = quoted.get(text);
  if (result === undefined) {
    result = toJson(text);
    if (quoted.size === MAX_QUOTED) quoted.clear();
    quoted.set(text, result);
  }
  return result;
}

function toJson(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text).replaceAll(/[^\0-\x7f]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Fields of the record that its sentence on a terminal already tells, or that only programs want. */
export const recordFields: readonly string[] = [
  'client',
  'protocol',
  'method',
  'path',
  'route',
  'status',
  'upstream_status',
  'upstream',
  'duration_ms',
  'bytes_in',
  'bytes_out',
  'stream',
  'deferred',
  'revision',
  'rpc',
  'tool',
  'principal',
  'error',
];

/** The record as a sentence for a terminal: `POST /mcp tools/call echo: 200 in 6 ms, HTTP/2, 2025-11-25`. */
export function describeRecord(record: Readonly<Record<string, unknown>>): string {
  const pick = (...names: readonly string[]): string[] =>
    names.flatMap((name) => {
      const value = record[name];
      return typeof value === 'string' || typeof value === 'number' ? [`${value}`] : [];
    });
  const what = pick('method', 'path', 'rpc', 'tool').join(' ');
  const [status, duration] = pick('status', 'duration_ms');
  const notes = [
    record['protocol'] === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
    ...pick('revision'),
    ...(record['stream'] === true ? ['stream'] : []),
    ...(record['deferred'] === true ? ['deferred'] : []),
    ...pick('principal').map((name) => `for ${name}`),
    ...pick('error'),
  ];
  // Terminal escape injection: names come from the client; in JSON they are escaped anyway.
  return `${toPrintable(what)}: ${status} in ${duration} ms, ${notes.join(', ')}`;
}
