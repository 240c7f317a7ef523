import type { Envelope } from './envelope.ts';
import { isSameValue } from './headers.ts';
import type { NotificationEnvelope, RequestEnvelope } from './message-envelope.ts';
import { parseRevision, toEra, type Era, type Revision } from './revision.ts';

/** The MCP headers of one request, without outer white space. */
export interface RoutingHeaders {
  readonly protocolVersion: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
  /** True when any of the five occurred more than once: one reader would take the first copy, another the last. */
  readonly isRepeated: boolean;
}

export interface ClassifyInput {
  readonly transport: 'streamable-http' | 'http-sse';
  readonly headers: RoutingHeaders;
  /** `undefined` for GET and DELETE, which have no message. */
  readonly envelope: Envelope | undefined;
}

export interface Classification {
  readonly kind: 'accepted';
  readonly era: Era;
  /** The revision the request names or implies; `unknown` ones are left to the upstream to refuse. */
  readonly revision: Revision | 'unknown';
  /** Always `undefined` in the modern era, which has no sessions and ignores this header and the next. */
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
}

export interface HeaderMismatch {
  readonly kind: 'mismatch';
  /** What disagrees, for the client; repeats none of its values. */
  readonly detail: string;
}

/**
 * Decides the era and revision of a request, and refuses it when header and body would lead two readers to
 * different ones: Python servers go by the header alone, TypeScript servers by the body. A mismatch is to be
 * answered with 400 and -32020 (2026-07-28 Streamable HTTP, Request Metadata).
 */
export function classify(input: ClassifyInput): Classification | HeaderMismatch {
  const { headers, envelope } = input;
  // header-smuggling-duplicate: one reader takes the first copy, another the last or both joined.
  if (headers.isRepeated) return mismatch('an MCP header occurs more than once');
  const detail = envelope === undefined ? undefined : findDisagreement(input, envelope);
  if (detail !== undefined) return mismatch(detail);
  const era = toRequestEra(headers, envelope);
  return {
    kind: 'accepted',
    era,
    revision: toRevision(input, era),
    sessionId: era === 'modern' ? undefined : headers.sessionId,
    lastEventId: era === 'modern' ? undefined : headers.lastEventId,
  };
}

function mismatch(detail: string): HeaderMismatch {
  return { kind: 'mismatch', detail };
}

function findDisagreement({ headers, transport }: ClassifyInput, envelope: Envelope): string | undefined {
  switch (envelope.kind) {
    case 'batch':
      // batch-hiding: one header cannot speak for several messages, and the modern era has no batches.
      if (headers.mcpMethod !== undefined || headers.mcpName !== undefined) {
        return 'Mcp-Method and Mcp-Name cannot describe a batch';
      }
      return toRequestEra(headers, envelope) === 'modern'
        ? 'a batch cannot belong to a revision without batches'
        : undefined;
    case 'response':
      return headers.mcpMethod === undefined && headers.mcpName === undefined
        ? undefined
        : 'Mcp-Method and Mcp-Name cannot describe a response';
    case 'request':
    case 'notification':
      return (
        findVersionDisagreement(headers, envelope) ??
        findNameDisagreement(headers, envelope) ??
        (transport === 'http-sse' ? undefined : findOmission(headers, envelope))
      );
  }
}

type CallEnvelope = RequestEnvelope | NotificationEnvelope;

/** era-confusion: a body with modern metadata and a header of another version would be read as two different eras. */
function findVersionDisagreement(headers: RoutingHeaders, envelope: CallEnvelope): string | undefined {
  if (!envelope.hasProtocolVersion) return undefined;
  const { protocolVersion } = headers;
  if (protocolVersion === undefined) return undefined;
  if (protocolVersion !== envelope.protocolVersion) {
    return 'MCP-Protocol-Version differs from the version in the body';
  }
  const isLegacy = parseRevision(protocolVersion) !== 'unknown' && toEra(protocolVersion) === 'legacy';
  return isLegacy ? 'MCP-Protocol-Version names a revision without metadata in the body' : undefined;
}

function findNameDisagreement(headers: RoutingHeaders, envelope: CallEnvelope): string | undefined {
  const { mcpMethod, mcpName } = headers;
  if (mcpMethod !== undefined && mcpMethod !== envelope.method) return 'Mcp-Method differs from the body';
  if (mcpName !== undefined && !isSameValue(mcpName, envelope.name)) {
    return 'Mcp-Name differs from the body or is malformed';
  }
  return undefined;
}

/** Only Streamable HTTP mirrors the body into headers: clients of HTTP+SSE send modern requests without them. */
function findOmission(headers: RoutingHeaders, envelope: CallEnvelope): string | undefined {
  if (envelope.hasProtocolVersion && headers.protocolVersion === undefined) {
    return 'MCP-Protocol-Version is missing, but the body names a version';
  }
  // `initialize` has no modern form: clients that fall back send it without these headers, and the upstream answers.
  if (envelope.kind !== 'request' || envelope.method === 'initialize') return undefined;
  if (toRequestEra(headers, envelope) === 'legacy') return undefined;
  if (headers.mcpMethod === undefined) return 'Mcp-Method is missing';
  // A body without a name has nothing to mirror; the upstream answers that it is incomplete.
  return headers.mcpName === undefined && envelope.hasName && isNameRequired(envelope.method)
    ? 'Mcp-Name is missing'
    : undefined;
}

function isNameRequired(method: string): boolean {
  return method === 'tools/call' || method === 'prompts/get' || method === 'resources/read';
}

function toRequestEra(headers: RoutingHeaders, envelope: Envelope | undefined): Era {
  if (envelope !== undefined && envelope.kind !== 'response' && envelope.hasProtocolVersion) return 'modern';
  return headers.protocolVersion === undefined ? 'legacy' : toEra(headers.protocolVersion);
}

function toRevision(input: ClassifyInput, era: Era): Revision | 'unknown' {
  const { headers, envelope } = input;
  if (era === 'legacy' && envelope?.kind === 'request' && envelope.initializeVersion !== undefined) {
    const offered = parseRevision(envelope.initializeVersion);
    return offered !== 'unknown' && toEra(offered) === 'legacy' ? offered : 'unknown';
  }
  if (headers.protocolVersion !== undefined) return parseRevision(headers.protocolVersion);
  // 2025-06-18, Protocol Version Header: without the header a server assumes 2025-03-26, which did not have it.
  return input.transport === 'http-sse' ? '2024-11-05' : '2025-03-26';
}
