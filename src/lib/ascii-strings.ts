const SLOTS = 256;
const MAX_LENGTH = 64;

/**
 * Short strings that come again and again, such as names, made once: to find one by its bytes costs less than to make it, and the
 * engine has its hash already. Whatever else is asked for pushes an earlier one out, so that strangers cannot fill it.
 */
export class AsciiStrings {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => '');

  /** The string in `bytes[start, end)`, which are ASCII. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > MAX_LENGTH) return bytes.toString('latin1', start, end);
    const middle = bytes[start + (length >> 1)] ?? 0;
    const slot = (length + 7 * (bytes[start] ?? 0) + 31 * middle + 61 * (bytes[end - 1] ?? 0)) % SLOTS;
    const known = this.#slots[slot] ?? '';
    if (known.length === length && stands(known, bytes, start)) return known;
    const made = bytes.toString('latin1', start, end);
    this.#slots[slot] = made;
    return made;
  }
}

function stands(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
