import { decodeString, tokenKind, type Token } from './json-tokens.ts';

/** The members of an MCP message that a gateway reads. A negative slot is a case-twin of the positive one. */
export const slot = {
  none: 0,
  jsonrpc: 1,
  id: 2,
  method: 3,
  params: 4,
  result: 5,
  error: 6,
  name: 7,
  uri: 8,
  taskId: 9,
  meta: 10,
  /** `params.protocolVersion` of `initialize`. */
  offeredVersion: 11,
  /** `params._meta["io.modelcontextprotocol/protocolVersion"]`. */
  protocolVersion: 12,
  /** Known by name only: its spelling is guarded, its value is not read. */
  unread: 13,
  /** `params.ref` of `completion/complete`, and its members. */
  ref: 14,
  refType: 15,
  refName: 16,
  refUri: 17,
} as const;

export const SLOTS = 18;

interface KnownKey {
  readonly name: string;
  readonly bytes: Buffer;
  readonly slot: number;
}

/** The guarded keys of one kind of object. */
export interface KeyTable {
  readonly keys: readonly KnownKey[];
  /** A reserved name space: its spelling is guarded whatever follows it. */
  readonly prefix: Buffer | undefined;
}

const META_PREFIX = 'io.modelcontextprotocol/';

export const messageKeys: KeyTable = buildTable({
  jsonrpc: slot.jsonrpc,
  method: slot.method,
  params: slot.params,
  id: slot.id,
  result: slot.result,
  error: slot.error,
});

export const paramsKeys: KeyTable = buildTable({
  name: slot.name,
  arguments: slot.unread,
  _meta: slot.meta,
  uri: slot.uri,
  taskId: slot.taskId,
  protocolVersion: slot.offeredVersion,
  ref: slot.ref,
});

export const refKeys: KeyTable = buildTable({
  type: slot.refType,
  name: slot.refName,
  uri: slot.refUri,
});

export const metaKeys: KeyTable = buildTable(
  {
    [`${META_PREFIX}protocolVersion`]: slot.protocolVersion,
    [`${META_PREFIX}clientCapabilities`]: slot.unread,
    [`${META_PREFIX}clientInfo`]: slot.unread,
    [`${META_PREFIX}logLevel`]: slot.unread,
    [`${META_PREFIX}subscriptionId`]: slot.unread,
    [`${META_PREFIX}serverInfo`]: slot.unread,
    [`${META_PREFIX}related-task`]: slot.unread,
  },
  META_PREFIX,
);

/** Builds a table from names and their slots, which begin at 1. */
export function buildTable(slots: Readonly<Record<string, number>>, prefix?: string): KeyTable {
  return {
    keys: Object.entries(slots).map(([name, known]) => ({ name, bytes: Buffer.from(name), slot: known })),
    prefix: prefix === undefined ? undefined : Buffer.from(prefix),
  };
}

/**
 * Which guarded key of `table` a key token is: its slot, the negative slot when only the letter case differs,
 * or `slot.none`. An escaped spelling counts as the name it decodes to.
 */
export function findSlot(table: KeyTable, token: Token): number {
  if (token.kind !== tokenKind.string) return findDecoded(table, decodeString(token));
  const length = token.end - token.start - 2;
  for (const key of table.keys) {
    if (key.bytes.length !== length) continue;
    const sameness = compareBytes(token, key.bytes);
    if (sameness !== DIFFERENT) return sameness === EQUAL ? key.slot : -key.slot;
  }
  const { prefix } = table;
  if (prefix === undefined || length < prefix.length) return slot.none;
  return compareBytes(token, prefix) === TWIN ? -slot.unread : slot.none;
}

const DIFFERENT = 0;
const EQUAL = 1;
const TWIN = 2;

/** Compares as many bytes of the token as `known` has, ASCII letters without regard to case. */
function compareBytes(token: Token, known: Buffer): number {
  const { text } = token;
  const start = token.start + 1;
  let sameness = EQUAL;
  for (let index = 0; index < known.length; index++) {
    const byte = text[start + index] ?? 0;
    const expected = known[index] ?? 0;
    if (byte === expected) continue;
    const letter = expected | 0x20;
    if ((byte | 0x20) !== letter || letter < 0x61 || letter > 0x7a) return DIFFERENT;
    sameness = TWIN;
  }
  return sameness;
}

function findDecoded(table: KeyTable, name: string): number {
  // truncation-smuggling: to parsers that keep text as C strings a key ends at its first NUL.
  const folded = foldCase(name.replace(/\0[^]*/, ''));
  for (const key of table.keys) {
    if (key.name === name) return key.slot;
    if (foldCase(key.name) === folded) return -key.slot;
  }
  const prefix = table.prefix?.toString('latin1');
  if (prefix === undefined || name.startsWith(prefix)) return slot.none;
  return folded.startsWith(foldCase(prefix)) ? -slot.unread : slot.none;
}

/**
 * Folds as the most generous parser does: case-insensitive decoders take U+017F for s and U+212A for k (Go,
 * simple folding), U+0131 and U+0130 for i (Java).
 */
export function foldCase(name: string): string {
  return name.replaceAll('\u0130', 'i').toUpperCase().toLowerCase();
}
