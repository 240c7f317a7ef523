import { fieldValue } from '../http/exchange.ts';
import { isAcceptedByName, readMediaType } from '../http/media-type.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { AnswerEvent, buildAnswerEvent, withoutByteOrderMark } from '../mcp/answer-event.ts';
import { requestId, type Exchange } from './exchange.ts';
import { buildCommonFields, eventStreamFields, type ResponsePolicy } from './response-fields.ts';

/** Longest answer that is held until it is whole and looked at. Longer ones pass as they come, unless their status is an error's. */
const MAX_HELD_BYTES = 256 * 1024;
const FIRST_STATUS_WITHOUT_RESULT = 300;
const EVENT_STREAM = 'text/event-stream';

/**
 * Whether the answer may begin before the upstream's does. Only an event can carry what comes later, so there has to be one request,
 * and a client that reads events; and what is told in a head would be lost, so `initialize`, whose answer names the session, has to wait.
 */
export function isDeferrable({ request, envelope, destination, outcome, sink }: Exchange): boolean {
  return (
    outcome.status === 0 &&
    !sink.closed &&
    envelope?.kind === 'request' &&
    envelope.method !== 'initialize' &&
    destination.kind === 'mcp' &&
    destination.transport === 'streamable-http' &&
    isAcceptedByName(request.fields, EVENT_STREAM)
  );
}

/** Begins the answer as an event stream. */
export function openDeferredAnswer(exchange: Exchange, policy: ResponsePolicy): void {
  const { outcome, sink } = exchange;
  outcome.status = 200;
  outcome.stream = true;
  outcome.deferred = true;
  const fields = buildCommonFields(exchange, policy);
  fields.push('date', new Date().toUTCString(), 'content-type', EVENT_STREAM, ...eventStreamFields);
  sink.open(outcome.status, fields, undefined);
}

/** Turns the answer that comes late into what goes on in the stream that has begun. `undefined` always means: it cannot be told there. */
export class DeferredAnswer {
  readonly #id: string;
  #form: 'events' | 'held' | 'flowing' = 'events';
  #mayFlow = false;
  #pieces: Buffer[] = [];
  #length = 0;
  readonly #event = new AnswerEvent();

  constructor(exchange: Exchange) {
    this.#id = requestId(exchange);
  }

  /** Takes the upstream's head; false when no message can follow it. */
  begin({ status, fields, framing, isEventStream }: ResponseHead): boolean {
    if (isEventStream) return true;
    this.#form = 'held';
    this.#mayFlow = status < FIRST_STATUS_WITHOUT_RESULT;
    // Servers leave the type of their errors out.
    const type = readMediaType(fields) ?? 'application/json';
    const coding = fieldValue(fields, 'content-encoding') ?? 'identity';
    return framing.kind !== 'none' && type === 'application/json' && coding === 'identity';
  }

  /** What the next bytes become; they may share memory. */
  feed(bytes: Buffer): Buffer | undefined {
    if (this.#form === 'events') return bytes;
    if (this.#form === 'flowing') return this.#event.feed(bytes);
    this.#length += bytes.length;
    this.#pieces.push(Buffer.from(bytes));
    if (this.#length <= MAX_HELD_BYTES) return Buffer.alloc(0);
    if (!this.#mayFlow) return undefined;
    this.#form = 'flowing';
    return this.#event.feed(withoutByteOrderMark(this.#takeHeld()));
  }

  /** What the end of the upstream's answer becomes. */
  finish(): Buffer | undefined {
    switch (this.#form) {
      case 'events':
        return Buffer.alloc(0);
      case 'flowing':
        return this.#event.finish();
      case 'held':
        return buildAnswerEvent(this.#takeHeld(), this.#id);
    }
  }

  #takeHeld(): Buffer {
    const held = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return held;
  }
}
