import { minimise } from './minimise.ts';
import { mutate } from './mutate.ts';
import { Random, toSeed } from './random.ts';
import { toRule, type FuzzTarget } from './target.ts';

/** An input that broke a rule. */
export interface Find {
  readonly rule: string;
  readonly message: string;
  /** As short as it could be made. */
  readonly input: Buffer;
}

export interface FuzzReport {
  readonly target: string;
  readonly executions: number;
  /** Inputs that were kept because their outcome was new. */
  readonly kept: number;
  /** How often each outcome came. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** One for each rule that was broken. */
  readonly finds: readonly Find[];
}

export interface FuzzOptions {
  readonly target: FuzzTarget;
  readonly seed: number;
  /** Inputs beside the seeds of the target. */
  readonly corpus?: readonly Buffer[];
  /** Asked between executions; the run ends once it says no. */
  readonly goOn: (executions: number, finds: number) => boolean;
  /** False to leave what was found as it is; true when absent. */
  readonly minimises?: boolean;
}

const MAX_KEPT = 2000;
const MAX_FINDS = 10;
type Fate =
  | { readonly kind: 'kept'; readonly outcome: string }
  | { readonly kind: 'broken'; readonly rule: string; readonly message: string };

/** Executions between two turns of the event loop, in which late errors of the reader come up. */
const EXECUTIONS_PER_TURN = 64;

/**
 * Runs a target over generated and mutated inputs. Those that lead to an outcome not seen before join the corpus
 * which mutations start from. The sequence of inputs depends on the seed alone; time decides only where it ends.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { target, goOn } = options;
  const random = new Random(toSeed(`${target.name} ${options.seed}`));
  const corpus: Buffer[] = [];
  const outcomes = new Map<string, number>();
  const finds = new Map<string, Find>();
  let executions = 0;
  let kept = 0;

  const settle = async (input: Buffer, fate: Fate): Promise<void> => {
    executions++;
    if (fate.kind === 'broken') {
      const { rule, message } = fate;
      if (finds.has(rule)) return;
      const shortest = options.minimises === false ? input : await minimise(target, input, rule);
      finds.set(rule, { rule, message, input: shortest });
      return;
    }
    const count = outcomes.get(fate.outcome) ?? 0;
    outcomes.set(fate.outcome, count + 1);
    if (count > 0 || kept >= MAX_KEPT) return;
    corpus.push(input);
    kept++;
  };
  /** Checks some inputs at once and takes their fates in order, so that a run can be repeated. */
  const execute = async (inputs: readonly Buffer[]): Promise<void> => {
    const fates = inputs.map((input) => check(target, input));
    for (const [index, input] of inputs.entries()) {
      const fate = fates[index];
      if (fate === undefined) continue;
      // Only a target that waits for something is waited for: a promise a check would be half of its cost.
      await settle(input, fate instanceof Promise ? await fate : fate);
    }
  };
  const create = (): Buffer => {
    if (random.oneIn(8)) return Buffer.from(target.generate(random), 'latin1');
    const base = random.oneIn(4) ? Buffer.from(target.generate(random), 'latin1') : random.pick(corpus);
    return mutate(random, base, { tokens: target.tokens, others: corpus, maxBytes: target.maxBytes });
  };

  const given = [...target.seeds.map((text) => Buffer.from(text, 'latin1')), ...(options.corpus ?? [])];
  corpus.push(...given);
  await execute(given);
  const width = target.width ?? EXECUTIONS_PER_TURN;
  while (finds.size < MAX_FINDS && goOn(executions, finds.size)) {
    await execute(Array.from({ length: width }, create));
    await new Promise(setImmediate);
  }
  return { target: target.name, executions, kept, outcomes, finds: [...finds.values()] };
}

function check(target: FuzzTarget, input: Buffer): Fate | Promise<Fate> {
  try {
    const checked = target.check(input);
    if (typeof checked === 'string') return { kind: 'kept', outcome: checked };
    return checked.then((outcome): Fate => ({ kind: 'kept', outcome }), toBroken);
  } catch (cause) {
    return toBroken(cause);
  }
}

function toBroken(cause: unknown): Fate {
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return { kind: 'broken', rule: toRule(cause), message };
}
