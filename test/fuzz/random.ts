/** A generator of random numbers that gives the same ones for the same seed (sfc32, by Chris Doty-Humphrey). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.imul(seed, 0x9e3779b9) >>> 0;
    this.#c = ~seed >>> 0;
    for (let round = 0; round < 12; round++) this.next();
  }

  /** An unsigned number of 32 bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** A whole number from 0 up to, not including, `limit`; 0 when the limit is. */
  below(limit: number): number {
    return limit > 0 ? this.next() % limit : 0;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One member of a list that has some. */
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    // The index lies within the list.
    return list[this.below(list.length)] as T;
  }

  /** Between `least` and `most` results of `make`, joined. */
  repeat(least: number, most: number, make: () => string): string {
    let text = '';
    for (let count = least + this.below(most - least + 1); count > 0; count--) text += make();
    return text;
  }
}

/** A number for a text or some bytes (FNV-1a), to derive further seeds from. */
export function toSeed(input: string | Buffer): number {
  let hash = 0x811c9dc5;
  const length = input.length;
  for (let index = 0; index < length; index++) {
    const unit = typeof input === 'string' ? input.charCodeAt(index) : (input[index] ?? 0);
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return hash >>> 0;
}
