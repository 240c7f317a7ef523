import { openFleetStream, type FleetStream } from '../support/fleet-stream.ts';

/** Streams whose clients come back when they end, after the time that the `retry` of the gateway asks for. */
export interface ReturningStreams extends AsyncDisposable {
  readonly running: number;
  /** Moments, in milliseconds of the test, at which a client came back. */
  readonly returns: readonly number[];
  /** Longest time from the end of a stream until its client had another one, in milliseconds. */
  readonly longestAbsence: number;
  readonly failures: readonly string[];
}

const LOOK_MILLISECONDS = 20;

export async function startReturningStreams(
  door: { readonly port: number; readonly ca: string },
  count: number,
): Promise<ReturningStreams> {
  const returns: number[] = [];
  const failures: string[] = [];
  let running = 0;
  let longestAbsence = 0;
  let isOver = false;
  const open = async (number: number): Promise<FleetStream> => {
    const stream = await openFleetStream({
      ...door,
      era: 'legacy',
      stalled: false,
      localAddress: `127.0.0.${2 + (number % 19)}`,
      label: `stream-${number}`,
    });
    running++;
    return stream;
  };
  const live = async (number: number, first: FleetStream): Promise<void> => {
    let stream = first;
    while (!isOver) {
      await pause(LOOK_MILLISECONDS);
      if (stream.ended === undefined) continue;
      running--;
      const endedAt = performance.now();
      await pause(stream.retry ?? 0);
      if (isOver) return;
      try {
        stream = await open(number);
        returns.push(performance.now());
        longestAbsence = Math.max(longestAbsence, performance.now() - endedAt);
      } catch (error) {
        failures.push(String(error));
        return;
      }
    }
    stream.leave('end');
  };
  const streams = await Promise.all(Array.from({ length: count }, (_, number) => open(number)));
  const lives = streams.map((stream, number) => live(number, stream));
  return {
    get running() {
      return running;
    },
    returns,
    get longestAbsence() {
      return longestAbsence;
    },
    failures,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(lives);
    },
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
