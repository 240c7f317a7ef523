import { Random } from '../../fuzz/random.ts';
import type { BaseRequest, Build, Fate } from './base-request.ts';
import { buildChunkClasses } from './classes/chunks.ts';
import { buildDesyncClasses } from './classes/desync.ts';
import { buildFieldClasses } from './classes/fields.ts';
import { buildFramingClasses } from './classes/framing.ts';
import { buildRequestLineClasses } from './classes/request-line.ts';
import { buildMutation } from './mutations.ts';

/** One request of the corpus. */
export interface SmugglingCase {
  readonly index: number;
  readonly family: string;
  readonly name: string;
  /** What its author says about it; `undefined` after a mutation, which may have changed anything. */
  readonly fate: Fate | undefined;
  readonly build: Build;
}

/** Cases in the corpus, base requests included. */
export const CORPUS_SIZE = 5000;
const SEED = 0x5eed;

/** All requests as their classes make them. */
export function buildBaseRequests(): readonly BaseRequest[] {
  return [
    ...buildFramingClasses(),
    ...buildChunkClasses(),
    ...buildFieldClasses(),
    ...buildRequestLineClasses(),
    ...buildDesyncClasses(),
  ];
}

/** The base requests, then mutants of them in turn until there are `CORPUS_SIZE`; the same ones each time, no two alike. */
export function buildCorpus(seed: number = SEED): readonly SmugglingCase[] {
  const bases = buildBaseRequests();
  const random = new Random(seed);
  const marks = { own: 'k00000a0', hidden: 'k00000h0' };
  const seen = new Set<string>();
  const corpus: SmugglingCase[] = [];
  const add = (entry: Omit<SmugglingCase, 'index'>): void => {
    const text = entry.build(marks);
    if (seen.has(text)) return;
    seen.add(text);
    corpus.push({ ...entry, index: corpus.length });
  };
  for (const base of bases) add(base);
  for (let turn = 0; corpus.length < CORPUS_SIZE; turn++) {
    const base = bases[turn % bases.length];
    if (base === undefined) break;
    const { name, apply } = buildMutation(random);
    const build: Build = (own) => apply(base.build(own));
    add({ family: base.family, name: `${base.name}; ${name}`, fate: undefined, build });
  }
  return corpus;
}

/** Marks of a case on one of its connections. */
export function toMarks(index: number, connection: number): { own: string; hidden: string; good: string } {
  const toMark = (letter: string): string => `k${String(index).padStart(5, '0')}${letter}${connection}`;
  return { own: toMark('a'), hidden: toMark('h'), good: toMark('g') };
}

const markPattern = /k(\d{5})[ahg](\d)/i;

/** The case and connection a text belongs to. */
export function readMark(text: string): { index: number; connection: number } | undefined {
  const [, index, connection] = markPattern.exec(text) ?? [];
  return index === undefined ? undefined : { index: Number(index), connection: Number(connection) };
}
