import type { ReceivedRequest, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { buildGood } from './base-request.ts';
import { readMark, toMarks, type SmugglingCase } from './corpus.ts';
import { Exchanger, type Outcome, type Party } from './exchange.ts';
import { findFaults, toExpected, type Expected } from './verdict.ts';

/** A case with which something went wrong. */
export interface Failure {
  readonly name: string;
  readonly faults: readonly string[];
}

export interface CorpusResult {
  readonly failures: readonly Failure[];
  /** Connections that a malformed request ended, and how many of them with an error and a close in time. */
  readonly malformed: number;
  readonly refusedInTime: number;
  /** Milliseconds from sending to the end of the refusal, slowest last. */
  readonly refusalTimes: readonly number[];
  /** Clients that came next on a connection of their own and got their own answer. */
  readonly nextClientsServed: number;
  /** Requests that had to reach the upstream by the answers clients got, and those that did. */
  readonly accepted: number;
  readonly reached: number;
  /** Bytes at the upstream that are part of no request. */
  readonly strayBytes: number;
}

/** Cases under way at once. */
const LANES = 8;
/** The connection on which the case comes first, the one on which it comes second, and that of the next client. */
const BEFORE = 1;
const AFTER = 2;
const NEXT = 3;

interface Trial {
  readonly name: string;
  readonly index: number;
  readonly connection: number;
  readonly expected: Expected;
  readonly outcome: Outcome;
}

/**
 * Sends each case twice over TLS, before and after a good request on one connection, and a good request of another
 * client next. What the upstream got is judged at the end, when nothing can be on its way any more.
 */
export async function runCorpus(options: {
  readonly cases: readonly SmugglingCase[];
  readonly party: Party;
  readonly upstream: ScriptedUpstream;
  /** Milliseconds a connection may take. */
  readonly patience: number;
}): Promise<CorpusResult> {
  const { cases, party, upstream, patience } = options;
  const exchanger = new Exchanger(party);
  const trials: Trial[] = [];
  const queue = cases.toReversed();
  const send = async (entry: SmugglingCase, connection: number, bytes: string): Promise<void> => {
    const expected = toExpected(bytes);
    const until = expected.closes ? 'closed' : expected.answers;
    const outcome = await exchanger.run({ bytes, until, patience });
    const place = ['', 'before', 'after', 'next client of'][connection];
    trials.push({
      name: `#${entry.index} ${entry.family}: ${entry.name} (${place})`,
      index: entry.index,
      connection,
      expected,
      outcome,
    });
  };
  const work = async (): Promise<void> => {
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      const before = toMarks(entry.index, BEFORE);
      const after = toMarks(entry.index, AFTER);
      await send(entry, BEFORE, entry.build(before) + buildGood(before.good));
      await send(entry, AFTER, buildGood(after.good) + entry.build(after));
      await send(entry, NEXT, buildGood(toMarks(entry.index, NEXT).good));
    }
  };
  await Promise.all(Array.from({ length: LANES }, work));
  return judge(trials, upstream);
}

function judge(trials: readonly Trial[], upstream: ScriptedUpstream): CorpusResult {
  const { byTrial, strangers } = sortRequests(upstream.requests);
  const failures: Failure[] = strangers.map((head) => ({
    name: 'at the upstream',
    faults: [`nobody sent ${head}`],
  }));
  const refusalTimes: number[] = [];
  let malformed = 0;
  let refusedInTime = 0;
  let nextClientsServed = 0;
  let accepted = 0;
  for (const { name, index, connection, expected, outcome } of trials) {
    const reached = byTrial.get(`${index}/${connection}`) ?? [];
    const faults = findFaults(expected, outcome, reached);
    if (faults.length > 0) failures.push({ name, faults });
    accepted += outcome.received.match(/(?:^|\}|\n)HTTP\/1\.1 200 /g)?.length ?? 0;
    if (connection === NEXT && faults.length === 0) nextClientsServed++;
    if (expected.conversation.end !== 'refused') continue;
    malformed++;
    refusalTimes.push(outcome.duration);
    const inTime = outcome.end === 'closed by the other side' && outcome.duration <= 1000;
    if (inTime && faults.length === 0) refusedInTime++;
  }
  const bytes = upstream.requests.reduce((sum, { head, body }) => sum + head.length + 4 + body.length, 0);
  return {
    failures,
    malformed,
    refusedInTime,
    refusalTimes: refusalTimes.sort((a, b) => a - b),
    nextClientsServed,
    accepted,
    reached: upstream.requests.length,
    strayBytes: upstream.bytes.length - bytes,
  };
}

/** Requests by the connection they were sent on, in the order of their arrival, and the heads of those nobody sent. */
function sortRequests(requests: readonly ReceivedRequest[]): {
  readonly byTrial: ReadonlyMap<string, readonly ReceivedRequest[]>;
  readonly strangers: readonly string[];
} {
  const byTrial = new Map<string, ReceivedRequest[]>();
  const strangers: string[] = [];
  for (const request of requests) {
    const mark = readMark(request.head) ?? readMark(request.body);
    if (mark === undefined) {
      strangers.push(request.head.slice(0, 80));
      continue;
    }
    const key = `${mark.index}/${mark.connection}`;
    const list = byTrial.get(key);
    if (list === undefined) byTrial.set(key, [request]);
    else list.push(request);
  }
  return { byTrial, strangers };
}
