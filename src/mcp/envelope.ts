import { isUtf8 } from 'node:buffer';
import {
  findSlot,
  messageKeys,
  metaKeys,
  paramsKeys,
  refKeys,
  slot,
  type KeyTable,
} from './envelope-keys.ts';
import { CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import { scanLiteral, scanNumber, scanString, skipSpace, tokenKind, type Token } from './json-tokens.ts';
import { KeyLedger } from './key-ledger.ts';
import { MessageReader, type MessageEnvelope } from './message-envelope.ts';

/** An array of messages, which only revision 2025-03-26 has. */
export interface BatchEnvelope {
  readonly kind: 'batch';
  readonly entries: number;
  readonly hasRequest: boolean;
  /** True when any entry carries the modern `_meta` protocol version. */
  readonly hasProtocolVersion: boolean;
}

export type RefusalReason =
  | 'not-json'
  | 'not-utf8'
  | 'too-deep'
  | 'duplicate-key'
  | 'case-twin'
  | 'not-json-rpc';

export interface RefusedEnvelope {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** The raw id of a single message when it can be read in only one way, else `null`. */
  readonly id: string;
  /** Byte at which the offending token or message starts; 0 when the encoding is wrong. */
  readonly offset: number;
}

export type Envelope = MessageEnvelope | BatchEnvelope;
export type EnvelopeResult = Envelope | RefusedEnvelope;

/** Containers that may be open at once, the message itself included. */
export const MAX_DEPTH = 64;

/**
 * Reads the envelope of one JSON-RPC message or batch in a single pass. Accepts only what every parser reads
 * alike: strict RFC 8259 in UTF-8, no key twice in any object, no envelope key in another letter case, at
 * most 64 levels deep. Linear in the length of `body`, which must stay below 1 GiB.
 */
export function scanEnvelope(body: Buffer): EnvelopeResult {
  if (!isUtf8(body)) return { kind: 'refused', reason: 'not-utf8', id: 'null', offset: 0 };
  return scanner.scan(body);
}

/**
 * Shows each message of a batch that `scanEnvelope` has accepted, in order. Nothing is kept of them, because a body of 8 MiB holds
 * a quarter of a million. `visit` must not scan.
 */
export function visitBatch(body: Buffer, visit: (message: MessageEnvelope) => void): void {
  scanner.scan(body, visit);
}

/** What an open container is to the message. */
const role = { array: 0, batch: 1, object: 2, message: 3, params: 4, meta: 5, ref: 6 } as const;
const roleKeys: readonly (KeyTable | undefined)[] = [
  undefined,
  undefined,
  undefined,
  messageKeys,
  paramsKeys,
  metaKeys,
  refKeys,
];

type Expectation = 'value' | 'key' | 'comma';

const noText = Buffer.alloc(0);

class EnvelopeScanner {
  #text: Buffer = noText;
  readonly #token: Token = { text: noText, kind: tokenKind.absent, start: 0, end: 0 };
  readonly #ledger = new KeyLedger(noText);
  readonly #reader = new MessageReader(noText);
  readonly #roles: number[] = [];
  #depth = 0;
  /** The member whose value comes next, or `slot.none`. */
  #slot: number = slot.none;
  #messageStart = 0;
  #message: MessageEnvelope | undefined;
  #isBatch = false;
  #entries = 0;
  #hasRequest = false;
  #hasProtocolVersion = false;
  #reason: RefusalReason | undefined;
  #offset = 0;
  #isIdAmbiguous = false;
  #visit: ((message: MessageEnvelope) => void) | undefined;

  scan(text: Buffer, visit?: (message: MessageEnvelope) => void): EnvelopeResult {
    this.#begin(text);
    this.#visit = visit;
    const result = this.#read(text);
    // A large message must not be held until the next one comes.
    this.#take(noText);
    this.#message = undefined;
    this.#visit = undefined;
    return result;
  }

  #take(text: Buffer): void {
    this.#text = text;
    this.#token.text = text;
    this.#ledger.take(text);
    this.#reader.take(text);
  }

  #begin(text: Buffer): void {
    this.#take(text);
    this.#reader.reset();
    this.#depth = 0;
    this.#slot = slot.none;
    this.#message = undefined;
    this.#isBatch = false;
    this.#entries = 0;
    this.#hasRequest = false;
    this.#hasProtocolVersion = false;
    this.#reason = undefined;
    this.#isIdAmbiguous = false;
  }

  /** Text that is not JSON ends the scan; any other fault lets it go on, to learn whether the id is unambiguous. */
  #read(text: Buffer): EnvelopeResult {
    let at = skipSpace(text, 0);
    let next: Expectation = 'value';
    for (;;) {
      if (next === 'value') {
        const byte = text[at] ?? 0;
        if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
          if (this.#depth === MAX_DEPTH) return this.#fail('too-deep', at);
          this.#open(byte === OPEN_OBJECT, at);
          at = skipSpace(text, at + 1);
          if (text[at] === (byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) {
            this.#close();
            at++;
            next = 'comma';
          } else next = byte === OPEN_OBJECT ? 'key' : 'value';
        } else {
          if (!this.#readScalar(at)) return this.#fail('not-json', at);
          this.#takeScalar(this.#token);
          at = this.#token.end;
          next = 'comma';
        }
      } else if (next === 'key') {
        if (text[at] !== QUOTE) return this.#fail('not-json', at);
        if (!this.#readString(at)) return this.#fail('not-json', at);
        this.#takeKey(this.#token);
        at = skipSpace(text, this.#token.end);
        if (text[at] !== COLON) return this.#fail('not-json', at);
        at = skipSpace(text, at + 1);
        next = 'value';
      } else {
        at = skipSpace(text, at);
        if (this.#depth === 0) return at === text.length ? this.#finish() : this.#fail('not-json', at);
        const isObject = (this.#roles[this.#depth - 1] ?? role.array) >= role.object;
        if (text[at] === COMMA) {
          at = skipSpace(text, at + 1);
          next = isObject ? 'key' : 'value';
        } else if (text[at] === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          this.#close();
          at++;
        } else return this.#fail('not-json', at);
      }
    }
  }

  #open(isObject: boolean, at: number): void {
    const parent = this.#depth === 0 ? undefined : this.#roles[this.#depth - 1];
    let own: number = isObject ? role.object : role.array;
    if (parent === undefined || parent === role.batch) {
      if (isObject) {
        own = role.message;
        this.#messageStart = at;
        if (this.#isBatch) this.#reader.reset();
      } else if (parent === undefined) {
        own = role.batch;
        this.#isBatch = true;
      } else this.#refuse('not-json-rpc', at);
    } else if (this.#slot !== slot.none) {
      this.#token.kind = isObject ? tokenKind.object : tokenKind.array;
      this.#reader.note(this.#slot, this.#token);
      if (isObject && this.#slot === slot.params) own = role.params;
      else if (isObject && this.#slot === slot.meta) own = role.meta;
      else if (isObject && this.#slot === slot.ref) own = role.ref;
    }
    this.#slot = slot.none;
    this.#roles[this.#depth] = own;
    this.#depth++;
    if (isObject) this.#ledger.open();
  }

  #close(): void {
    this.#depth--;
    const own = this.#roles[this.#depth] ?? role.array;
    if (own >= role.object) this.#ledger.close();
    if (own === role.message) this.#takeMessage();
  }

  #readString(at: number): boolean {
    const packed = scanString(this.#text, at);
    const token = this.#token;
    token.start = at;
    token.end = packed >>> 2;
    token.kind = tokenKind.string + (packed & 3);
    return packed > 0;
  }

  #readScalar(at: number): boolean {
    const byte = this.#text[at] ?? 0;
    if (byte === QUOTE) return this.#readString(at);
    const token = this.#token;
    const isWord = byte >= 0x61;
    token.start = at;
    token.end = isWord ? scanLiteral(this.#text, at) : scanNumber(this.#text, at);
    token.kind = isWord ? (byte === 0x6e ? tokenKind.null : tokenKind.boolean) : tokenKind.number;
    return token.end > 0;
  }

  #takeScalar(value: Token): void {
    if (this.#slot !== slot.none) {
      this.#reader.note(this.#slot, value);
      this.#slot = slot.none;
    } else if (this.#depth === 0 || this.#roles[this.#depth - 1] === role.batch) {
      this.#refuse('not-json-rpc', value.start);
    }
  }

  #takeKey(key: Token): void {
    const own = this.#roles[this.#depth - 1] ?? role.object;
    const table = roleKeys[own];
    const found = table === undefined ? slot.none : findSlot(table, key);
    // case-twin: parsers that ignore case would read another method or tool than the one that was authorised.
    if (found < 0) this.#refuse('case-twin', key.start);
    // json-smuggling-duplicate-key: of two equal keys some parsers read the first and some the last.
    const isNew = this.#ledger.add(key);
    if (!isNew) this.#refuse('duplicate-key', key.start);
    const isId = own === role.message && (found === slot.id || found === -slot.id);
    if (isId && (found < 0 || !isNew)) this.#isIdAmbiguous = true;
    this.#slot = Math.max(found, slot.none);
  }

  #takeMessage(): void {
    const message = this.#reader.toEnvelope();
    if (message === undefined) this.#refuse('not-json-rpc', this.#messageStart);
    this.#message = message;
    if (!this.#isBatch || message === undefined) return;
    // batch-hiding: each entry is held to the rules of a message of its own.
    this.#entries++;
    this.#visit?.(message);
    if (message.kind === 'request') this.#hasRequest = true;
    if (message.kind !== 'response' && message.hasProtocolVersion) this.#hasProtocolVersion = true;
  }

  /** Keeps the first fault of meaning. */
  #refuse(reason: RefusalReason, offset: number): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#offset = offset;
  }

  #fail(reason: RefusalReason, offset: number): RefusedEnvelope {
    return { kind: 'refused', reason, id: 'null', offset };
  }

  #finish(): EnvelopeResult {
    if (this.#reason !== undefined) {
      const id = this.#isBatch || this.#isIdAmbiguous ? undefined : this.#reader.rawId();
      return { kind: 'refused', reason: this.#reason, id: id ?? 'null', offset: this.#offset };
    }
    if (this.#isBatch && this.#entries > 0) {
      return {
        kind: 'batch',
        entries: this.#entries,
        hasRequest: this.#hasRequest,
        hasProtocolVersion: this.#hasProtocolVersion,
      };
    }
    return this.#message ?? this.#fail('not-json-rpc', 0);
  }
}

/** One for all: a scan is never interrupted, and its parts are too many to make for each message. */
const scanner = new EnvelopeScanner();
