/** A program: the attacker of `floods.test.ts`, one flood a command, on a connection of its own. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { connectH2Frames } from '../../support/h2-frames-client.ts';
import { frameTypes } from '../../support/h2-frames.ts';
import type { FloodCommand, FloodReport } from './flood-protocol.ts';
import { floodScenarios } from './flood-scenarios.ts';

/** It reads nothing for so long, so that answers pile up. */
const DEAF_MILLISECONDS = 200;
/** Longest time from the first byte until the session has to be over. */
const PATIENCE_MILLISECONDS = 1000;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void flood(message as FloodCommand).then((report) => process.send?.(report));
});

async function flood({ port, ca, scenario, count }: FloodCommand): Promise<FloodReport> {
  const found = floodScenarios.find(({ name }) => name === scenario);
  if (found === undefined) throw new Error(`there is no scenario ${scenario}`);
  const writes = found.build(count);
  using client = await connectH2Frames({ port, ca });
  client.send(found.settings);
  const startedAt = performance.now();
  const cpuAt = process.cpuUsage();
  client.pause();
  const end = client
    .find((frames) => frames.find(({ type }) => type === frameTypes.goaway))
    .then(() => performance.now() - startedAt);
  for (const bytes of writes) {
    client.send(bytes);
    await setImmediate();
  }
  await setTimeout(DEAF_MILLISECONDS);
  client.resume();
  const endedAfter = await Promise.race([
    end,
    setTimeout(PATIENCE_MILLISECONDS - DEAF_MILLISECONDS, undefined),
  ]);
  const { user, system } = process.cpuUsage(cpuAt);
  return { endedAfter, cpuSeconds: (user + system) / 1e6 };
}
