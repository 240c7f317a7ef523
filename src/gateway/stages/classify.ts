import type { Fields, IncomingRequest } from '../../http/exchange.ts';
import { findForeignForm, type ForeignForm } from '../../mcp/body-form.ts';
import { classify, type RoutingHeaders } from '../../mcp/classify.ts';
import {
  LAST_EVENT_ID_HEADER,
  METHOD_HEADER,
  NAME_HEADER,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
} from '../../mcp/headers.ts';
import { scanEnvelope, type RefusalReason } from '../../mcp/envelope.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** Reads the message and its era, and refuses what two readers could take for two different things. */
export function classifyStage(exchange: Exchange): Reply | undefined {
  const { destination, request } = exchange;
  if (destination.kind !== 'mcp') return undefined;
  const { foreign, headers } = readFields(request);
  if (request.method === 'POST') {
    if (foreign !== undefined) return { kind: 'error', code: foreignForms[foreign] };
    const envelope = scanEnvelope(request.body);
    if (envelope.kind === 'refused') {
      exchange.refusedId = envelope.id;
      return { kind: 'error', code: toErrorCode(envelope.reason), detail: details[envelope.reason] };
    }
    exchange.envelope = envelope;
  }
  const { transport } = destination;
  const verdict = classify({ transport, headers, envelope: exchange.envelope });
  if (verdict.kind === 'mismatch') {
    return { kind: 'error', code: 'E_MCP_HEADER_MISMATCH', detail: verdict.detail };
  }
  exchange.classification = verdict;
  return undefined;
}

/** What the fields of a request say of its message. */
interface FieldFacts {
  readonly foreign: ForeignForm | undefined;
  readonly headers: RoutingHeaders;
}

/** Of fields that come again. */
const known = new WeakMap<Fields, FieldFacts>();

function readFields({ fields, isRepeat }: IncomingRequest): FieldFacts {
  const before = isRepeat ? known.get(fields) : undefined;
  if (before !== undefined) return before;
  const facts = { foreign: findForeign(fields), headers: readHeaders(fields) };
  if (isRepeat) known.set(fields, facts);
  return facts;
}

const foreignForms: { readonly [form in ForeignForm]: ErrorCode } = {
  coding: 'E_HTTP_CONTENT_ENCODING',
  type: 'E_HTTP_CONTENT_TYPE',
};

/** Every copy of a field counts: servers take the first, the last, or all together. */
function findForeign(fields: Fields): ForeignForm | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const foreign = findForeignForm(fields[index] ?? '', fields[index + 1] ?? '');
    if (foreign !== undefined) return foreign;
  }
  return undefined;
}

const details: { readonly [reason in RefusalReason]: string } = {
  'not-json': 'not JSON',
  'not-utf8': 'not UTF-8',
  'too-deep': 'nested more than 64 levels',
  'duplicate-key': 'a key occurs twice in one object',
  'case-twin': 'an envelope key is spelled in another letter case',
  'not-json-rpc': 'not JSON-RPC 2.0',
};

function toErrorCode(reason: RefusalReason): ErrorCode {
  switch (reason) {
    case 'not-json':
    case 'not-utf8':
    case 'too-deep':
      return 'E_MCP_PARSE';
    case 'duplicate-key':
    case 'case-twin':
    case 'not-json-rpc':
      return 'E_MCP_INVALID';
  }
}

/** One pass over the fields instead of one search a header: this runs for every request. */
function readHeaders(fields: Fields): RoutingHeaders {
  let protocolVersion: string | undefined;
  let mcpMethod: string | undefined;
  let mcpName: string | undefined;
  let sessionId: string | undefined;
  let lastEventId: string | undefined;
  let isRepeated = false;
  for (let index = 0; index < fields.length; index += 2) {
    const value = fields[index + 1];
    switch (fields[index] ?? '') {
      case PROTOCOL_VERSION_HEADER:
        isRepeated ||= protocolVersion !== undefined;
        protocolVersion = value;
        break;
      case METHOD_HEADER:
        isRepeated ||= mcpMethod !== undefined;
        mcpMethod = value;
        break;
      case NAME_HEADER:
        isRepeated ||= mcpName !== undefined;
        mcpName = value;
        break;
      case SESSION_ID_HEADER:
        isRepeated ||= sessionId !== undefined;
        sessionId = value;
        break;
      case LAST_EVENT_ID_HEADER:
        isRepeated ||= lastEventId !== undefined;
        lastEventId = value;
    }
  }
  return { protocolVersion, mcpMethod, mcpName, sessionId, lastEventId, isRepeated };
}
