/** HTTP/2 frames written and read by hand (RFC 9113 section 4.1), so that a test can send what no library would. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** RFC 9113 section 6.5.2. */
export const settingNumbers = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** RFC 9113 section 7. */
export const errorNumbers = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;

export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const HEAD_BYTES = 9;
const empty = Buffer.alloc(0);

/** One frame; `type` is a name or any number, `length` what its head claims where that is not the truth. */
export function buildFrame(
  type: keyof typeof frameTypes | number,
  options: {
    readonly flags?: number;
    readonly stream?: number;
    readonly payload?: Buffer;
    readonly length?: number;
  } = {},
): Buffer {
  const { payload = empty } = options;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(options.length ?? payload.length, 0, 3);
  head[3] = typeof type === 'number' ? type : frameTypes[type];
  head[4] = options.flags ?? 0;
  head.writeUInt32BE(options.stream ?? 0, 5);
  return Buffer.concat([head, payload]);
}

/** Takes the whole frames off the front of `bytes`. */
export function readFrames(bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= HEAD_BYTES) {
    const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
    if (bytes.length < end) break;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + HEAD_BYTES, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

export type Field = readonly [name: string, value: string];

/** HPACK, literals without indexing (RFC 7541 section 6.2.2) and without Huffman coding: any bytes, and no table. */
export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), encodeText(name), encodeText(value)]),
  );
}

/** A literal that is also entered into the receiver's table (RFC 7541 section 6.2.1). */
export function encodeIndexedField(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), encodeText(name), encodeText(value)]);
}

/** An HPACK integer behind `prefix` bits, the others of its first byte set to `pattern` (RFC 7541 section 5.1). */
export function encodeInteger(value: number, prefix: number, pattern = 0): Buffer {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.from([pattern | value]);
  const bytes = [pattern | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  bytes.push(left);
  return Buffer.from(bytes);
}

function encodeText(text: string): Buffer {
  return Buffer.concat([encodeInteger(text.length, 7), Buffer.from(text, 'latin1')]);
}

/** HEADERS with a whole field block. */
export function buildHeaders(
  stream: number,
  fields: readonly Field[],
  options: { readonly endStream?: boolean } = {},
): Buffer {
  const end = options.endStream === false ? 0 : flags.endStream;
  return buildFrame('headers', { flags: flags.endHeaders | end, stream, payload: encodeFields(fields) });
}

export function buildSettings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [index, [name, value]] of pairs.entries()) {
    payload.writeUInt16BE(name, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return buildFrame('settings', { payload });
}

/** A payload of one number of four bytes: WINDOW_UPDATE, RST_STREAM. */
export function toNumberPayload(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
}

const indexedStatus: readonly number[] = [200, 204, 206, 304, 400, 404, 500];
/** Huffman codes of the digits (RFC 7541 appendix B): 0 to 2 in five bits, the others in six. */
const huffmanDigits: ReadonlyMap<string, string> = new Map([
  ['00000', '0'],
  ['00001', '1'],
  ['00010', '2'],
  ...Array.from(
    { length: 7 },
    (_, index) => [(0b011001 + index).toString(2).padStart(6, '0'), String(index + 3)] as const,
  ),
]);

/**
 * Status of an answer from the first field of its block. The sender's table must be switched off
 * (SETTINGS_HEADER_TABLE_SIZE 0), or a status may hide behind an index.
 */
export function readStatus(block: Buffer): number {
  let at = 0;
  // Table size updates come before the first field (RFC 7541 section 4.2).
  while (((block[at] ?? 0) & 0xe0) === 0x20) at++;
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return indexedStatus[(first & 0x7f) - 8] ?? Number.NaN;
  const length = block[at + 1] ?? 0;
  const text = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number((length & 0x80) === 0 ? text.toString('latin1') : decodeDigits(text));
}

function decodeDigits(coded: Buffer): string {
  const bits = [...coded].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  let code = '';
  for (const bit of bits) {
    code += bit;
    const digit = huffmanDigits.get(code);
    if (digit === undefined) continue;
    digits += digit;
    code = '';
  }
  return digits;
}
