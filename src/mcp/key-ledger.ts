import { decodeString, tokenKind, type Token } from './json-tokens.ts';

const MAX_COMPARED_KEYS = 16;
const MAX_COMPARED_BYTES = 64;

/**
 * The keys of the objects that are open at one point of a JSON text, to refuse a key that occurs twice in one
 * object. Few short plain keys are compared byte by byte where they stand; more, longer or escaped ones go to
 * a set of their decoded names, so that the cost stays linear in the text.
 */
export class KeyLedger {
  #text: Buffer;
  /** Start and end (quotes included) of the compared keys of all open objects, innermost last. */
  readonly #spans: number[] = [];
  #top = 0;
  /** Per open object: where its spans begin, and its set once it has one. */
  readonly #bases: number[] = [];
  readonly #sets: (Set<string> | undefined)[] = [];
  #depth = -1;

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** Begins another text; nothing of the last one is held. */
  take(text: Buffer): void {
    while (this.#depth >= 0) this.close();
    this.#text = text;
  }

  open(): void {
    this.#depth++;
    this.#bases[this.#depth] = this.#top;
  }

  close(): void {
    this.#top = this.#bases[this.#depth] ?? 0;
    this.#sets[this.#depth] = undefined;
    this.#depth--;
  }

  /** Takes a key into the innermost object; false when that object has it already. */
  add(key: Token): boolean {
    const set = this.#sets[this.#depth];
    if (set !== undefined) return addToSet(set, key);
    const base = this.#bases[this.#depth] ?? 0;
    const isComparable =
      key.kind === tokenKind.string &&
      key.end - key.start <= MAX_COMPARED_BYTES &&
      this.#top - base < 2 * MAX_COMPARED_KEYS;
    if (!isComparable) return addToSet(this.#moveToSet(base), key);
    for (let at = base; at < this.#top; at += 2) if (this.#isSame(at, key)) return false;
    this.#spans[this.#top] = key.start;
    this.#spans[this.#top + 1] = key.end;
    this.#top += 2;
    return true;
  }

  #isSame(at: number, key: Token): boolean {
    const start = this.#spans[at] ?? 0;
    const length = key.end - key.start;
    if ((this.#spans[at + 1] ?? 0) - start !== length) return false;
    // From the end: keys of one object more often share a beginning.
    for (let offset = length - 1; offset > 0; offset--) {
      if (this.#text[start + offset] !== this.#text[key.start + offset]) return false;
    }
    return true;
  }

  #moveToSet(base: number): Set<string> {
    const set = new Set<string>();
    for (let at = base; at < this.#top; at += 2) {
      const start = this.#spans[at] ?? 0;
      addToSet(set, { text: this.#text, kind: tokenKind.string, start, end: this.#spans[at + 1] ?? 0 });
    }
    this.#top = base;
    this.#sets[this.#depth] = set;
    return set;
  }
}

/** hash-flooding: names keep their opening quote, because V8 hashes strings that look like integers without its secret seed. */
function addToSet(set: Set<string>, key: Token): boolean {
  const { text, kind, start, end } = key;
  const size = set.size;
  set.add(kind === tokenKind.string ? text.toString('latin1', start, end - 1) : `"${decodeString(key)}`);
  return set.size > size;
}
