import { readChunks } from './chunks.ts';
import { readRequestHead, type ReferenceLimits, type ReferenceRequest } from './head.ts';

export interface ReferenceMessage extends ReferenceRequest {
  /** Latin1. */
  readonly body: string;
}

/** What a server has to take out of all bytes of one connection, and how it ends. */
export interface ReferenceConversation {
  readonly requests: readonly ReferenceMessage[];
  readonly end: 'waiting' | 'refused' | 'closed';
}

export interface ConversationLimits extends ReferenceLimits {
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/** Reads the requests of a connection the slow way, from the latin1 text of everything that was sent. */
export function readRequests(text: string, limits: ConversationLimits): ReferenceConversation {
  const requests: ReferenceMessage[] = [];
  let rest = text;
  for (;;) {
    if (rest === '\r') return { requests, end: 'waiting' };
    if (rest.startsWith('\r\n')) rest = rest.slice(2);
    if (rest === '') return { requests, end: 'waiting' };
    const end = rest.indexOf('\r\n\r\n');
    const length = end < 0 ? rest.length : end + 4;
    if (length > limits.headBytes) return { requests, end: 'refused' };
    if (end < 0) return { requests, end: /(?:^|[^\r])\n/.test(rest) ? 'refused' : 'waiting' };
    const head = readRequestHead(rest.slice(0, length), limits);
    if (head === undefined) return { requests, end: 'refused' };
    rest = rest.slice(length);
    const body = readBody(rest, head, limits);
    if (typeof body === 'string') return { requests, end: body };
    rest = rest.slice(body.used);
    requests.push({ ...head, body: body.text });
    if (!head.keepAlive) return { requests, end: 'closed' };
  }
}

function readBody(
  text: string,
  { framing }: ReferenceRequest,
  { bodyBytes }: ConversationLimits,
): { readonly text: string; readonly used: number } | 'waiting' | 'refused' {
  switch (framing.kind) {
    case 'none':
      return { text: '', used: 0 };
    case 'length':
      if (framing.length > bodyBytes) return 'refused';
      if (text.length < framing.length) return 'waiting';
      return { text: text.slice(0, framing.length), used: framing.length };
    case 'chunked': {
      const chunks = readChunks(text, false);
      if (chunks.kind === 'malformed' || chunks.body.length > bodyBytes) return 'refused';
      return chunks.kind === 'incomplete' ? 'waiting' : { text: chunks.body, used: chunks.used };
    }
  }
}
