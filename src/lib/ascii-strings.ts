const SLOTS = 256;
const MAX_LENGTH = 64;

/**
 * Short strings that come again and again, such as names, made once: to find one by its bytes costs less than to make it, and the
 * engine knows its hash and compares it by address. Whatever else is asked for pushes an earlier one out, so that strangers
 * cannot fill it.
 */
export class AsciiStrings {
  readonly #toForm: (text: string) => string;
  /** What stood in the bytes, and the form it was given. */
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => '');
  readonly #forms: string[] = Array.from({ length: SLOTS }, () => '');

  /** `toForm` makes the string that is wanted out of what stands in the bytes; it depends on nothing else. */
  constructor(toForm: (text: string) => string = (text) => text) {
    this.#toForm = toForm;
  }

  /** The form of the string in `bytes[start, end)`, which are ASCII. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > MAX_LENGTH) return this.#toForm(bytes.toString('latin1', start, end));
    const middle = bytes[start + (length >> 1)] ?? 0;
    const slot = (length + 7 * (bytes[start] ?? 0) + 31 * middle + 61 * (bytes[end - 1] ?? 0)) % SLOTS;
    const known = this.#texts[slot] ?? '';
    if (known.length === length && stands(known, bytes, start)) return this.#forms[slot] ?? '';
    const text = bytes.toString('latin1', start, end);
    const form = toKey(this.#toForm(text));
    this.#texts[slot] = text;
    this.#forms[slot] = form;
    return form;
  }
}

/** The same string as a key of an object, of which the engine keeps one copy: equal keys are the same address. */
function toKey(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}

function stands(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
