import { buildTable, findSlot, type KeyTable } from './envelope-keys.ts';
import { CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import {
  decodeString,
  scanLiteral,
  scanNumber,
  scanString,
  skipSpace,
  tokenKind,
  type Token,
} from './json-tokens.ts';
import { ListEdits } from './list-edits.ts';
import type { FilteredList, ListedKind, ListFilter, UnreadableReason } from './list-filter.ts';

/** Containers that may be open at once: more than any schema needs, and few to hold. */
const MAX_DEPTH = 512;

/** What an open container is to the answer; objects are those from `object` on. */
const role = { array: 0, batch: 1, list: 2, object: 3, message: 4, result: 5, entry: 6 } as const;

const slot = {
  none: 0,
  result: 1,
  tools: 1,
  prompts: 2,
  resources: 3,
  resourceTemplates: 4,
  cacheScope: 5,
  name: 1,
} as const;

const messageKeys: KeyTable = buildTable({ result: slot.result });
const resultKeys: KeyTable = buildTable({
  tools: slot.tools,
  prompts: slot.prompts,
  resources: slot.resources,
  resourceTemplates: slot.resourceTemplates,
  cacheScope: slot.cacheScope,
});

/** The lists of a result by slot: what their entries are, and which member names one. */
const lists: readonly ({ readonly kind: ListedKind; readonly keys: KeyTable } | undefined)[] = [
  undefined,
  { kind: 'tool', keys: buildTable({ name: slot.name }) },
  { kind: 'prompt', keys: buildTable({ name: slot.name }) },
  { kind: 'resource', keys: buildTable({ uri: slot.name }) },
  { kind: 'resource', keys: buildTable({ uriTemplate: slot.name }) },
  undefined,
];

/** Reads one answer and notes what has to be taken out of it. The text is UTF-8. */
export class AnswerScanner {
  readonly #text: Buffer;
  readonly #filter: ListFilter;
  readonly #edits: ListEdits;
  readonly #token: Token;
  readonly #roles: number[] = [];
  /** The members that the innermost message, result and entry have had, one bit a slot, by role. */
  readonly #seen: number[] = [0, 0, 0, 0, 0, 0, 0];
  /** The member whose value comes next. */
  #slot: number = slot.none;
  #list: number = slot.none;
  #hasList = false;
  /** Where the value of `cacheScope` stands; an end of 0 means there is none. */
  #scopeStart = 0;
  #scopeEnd = 0;
  #elementStart = 0;
  #elementName: string | undefined;
  #flaw: UnreadableReason | undefined;

  constructor(text: Buffer, filter: ListFilter) {
    this.#text = text;
    this.#filter = filter;
    this.#edits = new ListEdits(text);
    this.#token = { text, kind: tokenKind.absent, start: 0, end: 0 };
  }

  scan(): FilteredList {
    const flaw = this.#read() ?? this.#flaw;
    return flaw === undefined ? this.#edits.apply() : { kind: 'unreadable', reason: flaw };
  }

  /** What is wrong with the text as JSON (RFC 8259); faults of meaning are kept apart. */
  #read(): UnreadableReason | undefined {
    const text = this.#text;
    let at = skipSpace(text, 0);
    for (;;) {
      // A value begins here.
      const byte = text[at] ?? 0;
      const isObject = byte === OPEN_OBJECT;
      if (isObject || byte === OPEN_ARRAY) {
        if (this.#roles.length === MAX_DEPTH) return 'too-deep';
        const own = this.#open(isObject);
        at = skipSpace(text, at + 1);
        if (text[at] !== (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          at = this.#readKey(at, own);
          if (at === -1) return 'not-json';
          continue;
        }
        this.#close(at);
        at++;
      } else {
        if (!this.#readScalar(at)) return 'not-json';
        this.#takeScalar(this.#token);
        at = this.#token.end;
      }
      // A value has ended here, and perhaps containers with it.
      for (;;) {
        at = skipSpace(text, at);
        const own = this.#roles.at(-1);
        if (own === undefined) return at === text.length ? undefined : 'not-json';
        if (text[at] === COMMA) {
          at = this.#readKey(skipSpace(text, at + 1), own);
          if (at === -1) return 'not-json';
          break;
        }
        if (text[at] !== (own >= role.object ? CLOSE_OBJECT : CLOSE_ARRAY)) return 'not-json';
        this.#close(at);
        at++;
      }
    }
  }

  /** Where the value of the next member or element begins, or -1 when an object has no key there. */
  #readKey(at: number, own: number): number {
    if (own === role.list) {
      this.#elementStart = at;
      this.#elementName = undefined;
    }
    if (own < role.object) return at;
    if (this.#text[at] !== QUOTE || !this.#readScalar(at)) return -1;
    this.#takeKey(this.#token, own);
    const colon = skipSpace(this.#text, this.#token.end);
    return this.#text[colon] === COLON ? skipSpace(this.#text, colon + 1) : -1;
  }

  #takeKey(key: Token, own: number): void {
    this.#slot = slot.none;
    const table = this.#keysOf(own);
    if (table === undefined) return;
    const found = findSlot(table, key);
    const bit = 1 << Math.abs(found);
    const seen = this.#seen[own] ?? 0;
    // answer-smuggling: of two spellings of a list only one would be filtered, and a client may read the other.
    if (found < 0 || (found > 0 && (seen & bit) !== 0)) this.#flaw ??= 'ambiguous';
    this.#seen[own] = seen | bit;
    this.#slot = Math.max(found, slot.none);
  }

  #keysOf(own: number): KeyTable | undefined {
    switch (own) {
      case role.message:
        return messageKeys;
      case role.result:
        return resultKeys;
      case role.entry:
        return lists[this.#list]?.keys;
      default:
        return undefined;
    }
  }

  #open(isObject: boolean): number {
    const own = this.#toRole(isObject);
    this.#slot = slot.none;
    this.#roles.push(own);
    this.#seen[own] = 0;
    if (own === role.result) {
      this.#hasList = false;
      this.#scopeEnd = 0;
    } else if (own === role.list) {
      this.#hasList = true;
      this.#edits.beginList();
    }
    return own;
  }

  #toRole(isObject: boolean): number {
    const other = isObject ? role.object : role.array;
    switch (this.#roles.at(-1)) {
      case undefined:
        return isObject ? role.message : role.batch;
      case role.batch:
        return isObject ? role.message : role.array;
      case role.list:
        return isObject ? role.entry : role.array;
      case role.message:
        return isObject && this.#slot === slot.result ? role.result : other;
      case role.result:
        if (this.#slot === slot.none) return other;
        if (isObject || this.#slot === slot.cacheScope) {
          this.#flaw ??= 'not-a-list';
          return other;
        }
        this.#list = this.#slot;
        return role.list;
      default:
        return other;
    }
  }

  #close(at: number): void {
    const own = this.#roles.pop();
    if (own === role.list) this.#edits.endList();
    else if (own === role.result && this.#hasList && this.#filter.makePrivate) {
      this.#edits.makePrivate({ start: this.#scopeStart, end: this.#scopeEnd, closedAt: at });
    }
    this.#endValue(at + 1);
  }

  #takeScalar(value: Token): void {
    const own = this.#roles.at(-1);
    if (own === role.result && this.#slot === slot.cacheScope) {
      this.#scopeStart = value.start;
      this.#scopeEnd = value.end;
    } else if (own === role.result && this.#slot !== slot.none && value.kind !== tokenKind.null) {
      this.#flaw ??= 'not-a-list';
    } else if (own === role.entry && this.#slot === slot.name && value.kind >= tokenKind.string) {
      this.#elementName = decodeString(value);
    }
    this.#endValue(value.end);
  }

  #endValue(end: number): void {
    if (this.#roles.at(-1) !== role.list) return;
    const name = this.#elementName;
    const kind = lists[this.#list]?.kind;
    const isShown = name !== undefined && kind !== undefined && this.#filter.isShown(kind, name);
    this.#edits.takeElement({ start: this.#elementStart, end, isShown });
  }

  #readScalar(at: number): boolean {
    const token = this.#token;
    const byte = this.#text[at] ?? 0;
    token.start = at;
    if (byte === QUOTE) {
      const packed = scanString(this.#text, at);
      token.end = packed >>> 2;
      token.kind = tokenKind.string + (packed & 3);
      return packed > 0;
    }
    const isWord = byte >= 0x61;
    token.end = isWord ? scanLiteral(this.#text, at) : scanNumber(this.#text, at);
    token.kind = isWord ? (byte === 0x6e ? tokenKind.null : tokenKind.boolean) : tokenKind.number;
    return token.end > 0;
  }
}
