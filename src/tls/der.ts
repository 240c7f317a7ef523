/** Writes the small part of DER (ITU-T X.690) that X.509 certificates need. Nothing here reads DER. */

function tagLengthValue(tag: number, contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

export function derSequence(...contents: readonly Uint8Array[]): Buffer {
  return tagLengthValue(0x30, contents);
}

export function derSet(...contents: readonly Uint8Array[]): Buffer {
  return tagLengthValue(0x31, contents);
}

/** A context-specific tag around other values: `[number] EXPLICIT`, or an implicitly tagged SEQUENCE. */
export function derConstructed(number: number, ...contents: readonly Uint8Array[]): Buffer {
  return tagLengthValue(0xa0 | number, contents);
}

/** A context-specific tag in place of a primitive one: `[number] IMPLICIT`. */
export function derPrimitive(number: number, content: Uint8Array): Buffer {
  return tagLengthValue(0x80 | number, [content]);
}

export function derBoolean(value: boolean): Buffer {
  return Buffer.from([0x01, 0x01, value ? 0xff : 0x00]);
}

/** A non-negative INTEGER from big-endian bytes, in the fewest bytes. */
export function derInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const first = digits[0] ?? 0;
  return tagLengthValue(0x02, first >= 0x80 || digits.length === 0 ? [Buffer.alloc(1), digits] : [digits]);
}

export function derBitString(content: Uint8Array, unusedBits = 0): Buffer {
  return tagLengthValue(0x03, [Buffer.from([unusedBits]), content]);
}

export function derOctetString(content: Uint8Array): Buffer {
  return tagLengthValue(0x04, [content]);
}

export function derNull(): Buffer {
  return Buffer.from([0x05, 0x00]);
}

export function derUtf8String(text: string): Buffer {
  return tagLengthValue(0x0c, [Buffer.from(text, 'utf8')]);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function derObjectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      septets.unshift((left % 128) | 0x80);
    }
    bytes.push(...septets);
  }
  return tagLengthValue(0x06, [Buffer.from(bytes)]);
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5), whole seconds. */
export function derTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? tagLengthValue(0x17, [Buffer.from(digits.slice(2), 'ascii')])
    : tagLengthValue(0x18, [Buffer.from(digits, 'ascii')]);
}
