import { SLOTS, slot } from './envelope-keys.ts';
import { decodeString, tokenKind, type Token } from './json-tokens.ts';

/** What is to be completed: an argument of a prompt, or of the template of a resource (its `uri`). */
export interface CompletionRef {
  readonly kind: 'prompt' | 'resource';
  readonly name: string;
}

/** What a request or notification says of itself. A value of another type than string leaves its field undefined. */
interface CallFacts {
  readonly method: string;
  /** `params.name` of tools/call and prompts/get, `params.uri` of resources/read, subscribe and unsubscribe, `params.taskId` of tasks/*. */
  readonly name: string | undefined;
  /** True when that member is there, also when it is not a string: then no header can equal it. */
  readonly hasName: boolean;
  /** `params._meta["io.modelcontextprotocol/protocolVersion"]`, the mark of the modern era. */
  readonly protocolVersion: string | undefined;
  /** True when that member is there, also when it is not a string. */
  readonly hasProtocolVersion: boolean;
  /** `params.protocolVersion` of an `initialize`: the legacy revision the client offers. */
  readonly initializeVersion: string | undefined;
  /** `params.ref` of a `completion/complete`; `undefined` when it does not name one thing and what that is. */
  readonly ref: CompletionRef | undefined;
}

export interface RequestEnvelope extends CallFacts {
  readonly kind: 'request';
  /** The id as it stood in the text, quotes and escapes included, to be echoed unchanged. */
  readonly id: string;
}

export interface NotificationEnvelope extends CallFacts {
  readonly kind: 'notification';
}

export interface ResponseEnvelope {
  readonly kind: 'response';
  /** As in a request, or `null`. */
  readonly id: string;
}

export type MessageEnvelope = RequestEnvelope | NotificationEnvelope | ResponseEnvelope;

/** Collects the members of one JSON-RPC message while its text is scanned. */
export class MessageReader {
  #text: Buffer;
  readonly #kinds: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  readonly #starts: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  readonly #ends: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** What is noted from now on stands in `text`. */
  take(text: Buffer): void {
    this.#text = text;
  }

  /** Begins another message. */
  reset(): void {
    for (let index = 0; index < SLOTS; index++) this.#kinds[index] = tokenKind.absent;
  }

  /** Notes the value of a member (a slot); of containers only the kind matters. */
  note(member: number, value: Token): void {
    this.#kinds[member] = value.kind;
    this.#starts[member] = value.start;
    this.#ends[member] = value.end;
  }

  /** The raw id when it is a string or number, else `undefined`. */
  rawId(): string | undefined {
    const kind = this.#kind(slot.id);
    if (kind !== tokenKind.number && kind < tokenKind.string) return undefined;
    return this.#text.toString('utf8', this.#starts[slot.id], this.#ends[slot.id]);
  }

  /** The message, or `undefined` when it is not one of JSON-RPC 2.0 (sections 4 and 5) or reads as two kinds at once. */
  toEnvelope(): MessageEnvelope | undefined {
    if (this.#string(slot.jsonrpc) !== '2.0') return undefined;
    const hasResult = this.#kind(slot.result) !== tokenKind.absent;
    const hasError = this.#kind(slot.error) !== tokenKind.absent;
    if (this.#kind(slot.method) === tokenKind.absent) {
      return hasResult === hasError ? undefined : this.#toResponse(hasError);
    }
    return hasResult || hasError ? undefined : this.#toCall();
  }

  #toResponse(hasError: boolean): ResponseEnvelope | undefined {
    const idKind = this.#kind(slot.id);
    // An error about a message that could not be read has no id (MCP schema, JSONRPCErrorResponse).
    const isAnonymous = idKind === tokenKind.null || (hasError && idKind === tokenKind.absent);
    const id = isAnonymous ? 'null' : this.rawId();
    return id === undefined ? undefined : { kind: 'response', id };
  }

  #toCall(): RequestEnvelope | NotificationEnvelope | undefined {
    const method = this.#string(slot.method);
    const params = this.#kind(slot.params);
    const hasParams = params !== tokenKind.absent;
    if (method === undefined || (hasParams && params !== tokenKind.object && params !== tokenKind.array)) {
      return undefined;
    }
    const nameSlot = toNameSlot(method);
    const name = this.#string(nameSlot);
    const hasName = this.#kind(nameSlot) !== tokenKind.absent;
    const protocolVersion = this.#string(slot.protocolVersion);
    const hasProtocolVersion = this.#kind(slot.protocolVersion) !== tokenKind.absent;
    const initializeVersion = method === 'initialize' ? this.#string(slot.offeredVersion) : undefined;
    const ref = method === 'completion/complete' ? this.#toRef() : undefined;
    if (this.#kind(slot.id) === tokenKind.absent) {
      const kind = 'notification';
      return { kind, method, name, hasName, protocolVersion, hasProtocolVersion, initializeVersion, ref };
    }
    const id = this.rawId();
    if (id === undefined) return undefined;
    // Written out twice, because spreading one object into another costs more than the rest of this.
    const kind = 'request';
    return { kind, id, method, name, hasName, protocolVersion, hasProtocolVersion, initializeVersion, ref };
  }

  /** ref-confusion: a server that goes by the members and not by `type` must not find another thing than was decided on. */
  #toRef(): CompletionRef | undefined {
    const type = this.#string(slot.refType);
    const kind = type === 'ref/prompt' ? 'prompt' : type === 'ref/resource' ? 'resource' : undefined;
    const own = kind === 'prompt' ? slot.refName : slot.refUri;
    const other = kind === 'prompt' ? slot.refUri : slot.refName;
    const name = this.#string(own);
    if (kind === undefined || name === undefined || this.#kind(other) !== tokenKind.absent) return undefined;
    return { kind, name };
  }

  #kind(member: number): number {
    return this.#kinds[member] ?? tokenKind.absent;
  }

  #string(member: number): string | undefined {
    const kind = this.#kind(member);
    if (kind < tokenKind.string) return undefined;
    const start = this.#starts[member] ?? 0;
    return decodeString({ text: this.#text, kind, start, end: this.#ends[member] ?? 0 });
  }
}

function toNameSlot(method: string): number {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return slot.name;
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return slot.uri;
    default:
      return method.startsWith('tasks/') ? slot.taskId : slot.none;
  }
}
