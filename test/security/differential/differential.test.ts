import { afterAll, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { programsAreMandatory } from '../../support/programs.ts';
import { findRecordingOrigins, type OriginProgram } from '../../support/recording-origins.ts';
import { buildGood, type Build } from '../smuggling/base-request.ts';
import { buildCorpus, toMarks } from '../smuggling/corpus.ts';
import { Exchanger } from '../smuggling/exchange.ts';
import { toExpected } from '../smuggling/verdict.ts';
import { compare, type Comparison } from './compare.ts';
import { askDirectly } from './direct.ts';
import { isKnownRefusal } from './known-refusals.ts';
import { buildOddRequests } from './odd-requests.ts';
import { startWireTap } from './wire-tap.ts';

const LANES = 8;
/** Which share of the corpus goes to the origins directly. */
const CONTROL_STEP = isFullRun ? 10 : 40;

const corpus = buildCorpus();
const builds: readonly Build[] = [...buildOddRequests(), ...corpus].map(({ build }) => build);
/** Most of the corpus is refused by the gateway; at least this many requests get through. */
const LEAST_FORWARDED = 1000;

async function inLanes<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = [...items.entries()].toReversed();
  const run = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: LANES }, run));
}

/** Sends all requests through a gateway into an origin, and compares what was written with what was read. */
async function playThrough(originPort: number): Promise<Comparison> {
  await using tap = await startWireTap(originPort);
  const gateway = await startGatewayProcess({ upstreamPort: tap.port });
  try {
    const exchanger = new Exchanger(gateway);
    await inLanes(builds, async (build, index) => {
      const marks = toMarks(index, 1);
      const bytes = build(marks) + buildGood(marks.good);
      const { answers, closes } = toExpected(bytes);
      await exchanger.run({ bytes, until: closes ? 'closed' : answers, patience: 15_000 });
    });
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
    return compare(tap.connections);
  } finally {
    await gateway.clean();
  }
}

describe('T14: parser-differential behind the gateway', () => {
  const origins = findRecordingOrigins();
  const results = new Map<string, Comparison>();
  let control = 'not run';

  afterAll(() => {
    const all = [...results.values()];
    recordEvidence({
      id: 'T14',
      title: 'origins read exactly the requests the gateway wrote',
      cases: builds.length * results.size,
      failures: all.reduce((sum, { disagreements }) => sum + disagreements.length, 0),
      figures: Object.fromEntries(origins.map((origin) => [describeOrigin(origin), describeResult(origin)])),
      control,
    });
  });
  const describeResult = (origin: OriginProgram): string => {
    const result = results.get(origin.name);
    if (origin.kind === 'missing' || result === undefined) return 'did not run';
    return `${result.agreed} of ${result.requests} requests read as written, ${result.refused.length} refused by known limits of its own`;
  };

  for (const origin of origins) {
    it.skipIf(origin.kind === 'missing' && !programsAreMandatory)(
      `${describeOrigin(origin)} reads the same requests`,
      async () => {
        if (origin.kind === 'missing') throw new Error(origin.reason);
        const server = await origin.start();
        try {
          const result = await playThrough(server.port);
          results.set(origin.name, result);
          expect(result.requests).toBeGreaterThan(LEAST_FORWARDED);
          expect(result.disagreements.slice(0, 10)).toEqual([]);
          const unknown = result.refused.filter(
            (refusal) => !isKnownRefusal({ origin: origin.name, ...refusal }),
          );
          expect(unknown).toEqual([]);
        } finally {
          await server.stop();
        }
      },
      600_000,
    );
  }

  it('control: sent to them directly, the same corpus is read in different ways', async () => {
    const servers = await Promise.all(
      origins.flatMap((origin) => (origin.kind === 'found' ? [origin.start()] : [])),
    );
    const cases = corpus.filter(({ index }) => index % CONTROL_STEP === 0);
    let different = 0;
    await inLanes(cases, async ({ build, index }) => {
      const marks = toMarks(index, 1);
      const bytes = build(marks) + buildGood(marks.good);
      const readings = await Promise.all(servers.map(({ port }) => askDirectly(port, bytes)));
      if (new Set(readings).size > 1) different++;
    });
    await Promise.all(servers.map((server) => server.stop()));
    control = `sent directly, ${different} of ${cases.length} requests are read in more than one way by ${servers.length} origins`;
    expect(different).toBeGreaterThan(cases.length / 10);
  }, 600_000);
});

function describeOrigin(origin: OriginProgram): string {
  return origin.kind === 'found' ? `${origin.name} ${origin.version}` : origin.name;
}
