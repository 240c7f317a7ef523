import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCorpus } from './corpus.ts';
import { fuzz } from './engine.ts';
import { startLenientProxy, startGatewaySubject } from './socket-subjects.ts';
import { createSocketTarget, type SocketTarget } from './targets/sockets.ts';

const SEED = 1;

describe('hostile bytes over real sockets', { timeout: 60_000 }, () => {
  let bench: SocketTarget;
  beforeAll(async () => {
    bench = await createSocketTarget(startGatewaySubject);
  }, 60_000);
  afterAll(() => bench[Symbol.asyncDispose]());

  it('each recorded request is one that was meant, and each answer belongs to its request', async () => {
    const corpus = loadCorpus('sockets').map(({ input }) => input);
    const { finds, outcomes } = await fuzz({
      target: bench.target,
      seed: SEED,
      corpus,
      goOn: (executions) => executions < 600,
    });
    expect(finds).toEqual([]);
    expect(outcomes.size).toBeGreaterThan(20);
  });

  it('control: a lenient proxy is found out, and not by a sound request', async () => {
    await using lenient = await createSocketTarget(startLenientProxy);
    const { finds, outcomes } = await fuzz({
      target: lenient.target,
      seed: SEED,
      goOn: (executions, found) => found === 0 && executions < 100,
      minimises: false,
    });
    expect(finds).not.toEqual([]);
    expect(outcomes.has('l 1 closed')).toBe(true);
  });
});
