/** A program: the clients of `stream-fleet.ts`. It does what its parent says, one command after the other. */
import type { FleetAnswer, FleetCommand, FleetReport } from './stream-fleet-protocol.ts';
import { openFleetStream, type FleetStream } from './fleet-stream.ts';

const ADDRESSES = 19;

const streams = new Set<FleetStream>();
let opened = 0;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void obey(message as FleetCommand).then((answer) => process.send?.(answer));
});

async function obey(command: FleetCommand): Promise<FleetAnswer> {
  switch (command.kind) {
    case 'open':
      return open(command);
    case 'report':
      return { kind: 'report', report: report() };
    case 'leave':
      for (const stream of streams) stream.leave(command.by);
      return { kind: 'done' };
    case 'forget':
      for (const stream of streams) if (stream.ended !== undefined) streams.delete(stream);
      return { kind: 'done' };
  }
}

async function open(command: Extract<FleetCommand, { kind: 'open' }>): Promise<FleetAnswer> {
  const { port, ca, era, stalled } = command;
  const failures: string[] = [];
  let left = command.streams;
  let succeeded = 0;
  const openOneByOne = async (): Promise<void> => {
    while (left > 0) {
      left--;
      const number = opened++;
      const localAddress = `127.0.0.${2 + (number % ADDRESSES)}`;
      try {
        streams.add(
          await openFleetStream({ port, ca, era, stalled, localAddress, label: `stream-${number}` }),
        );
        succeeded++;
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: command.atOnce }, openOneByOne));
  return { kind: 'opened', opened: succeeded, failures: failures.slice(0, 20) };
}

function report(): FleetReport {
  const now = performance.now();
  const dropped: Record<string, number> = {};
  const sums = { running: 0, events: 0, comments: 0, disorder: 0, torn: 0, longestSilence: 0 };
  for (const { ended, ...figures } of [...streams].map((stream) => stream.figures(now))) {
    if (ended === undefined) sums.running++;
    else if (ended !== 'left') dropped[ended] = (dropped[ended] ?? 0) + 1;
    sums.events += figures.events;
    sums.comments += figures.comments;
    sums.disorder += figures.disorder;
    if (ended !== undefined && ended !== 'left') sums.torn += figures.torn;
    if (ended === undefined) sums.longestSilence = Math.max(sums.longestSilence, figures.longestSilence);
  }
  return { ...sums, dropped };
}
