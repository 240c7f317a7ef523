import { setPriority } from 'node:os';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startFleetProcess } from '../soak/fleet-process.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { findFakeTimeLibrary, type FakeTime } from '../support/fake-time.ts';
import { startFaultRig } from './fault-rig.ts';

const SECOND = 1000;
const STREAMS = 20;
const HEARTBEAT = 15;

const library = findFakeTimeLibrary();
/** Where the tests are mandatory they fail without the library. */
const isSkipped = library === undefined && process.env['CI'] !== 'true';
if (isSkipped) console.warn('NOT RUN, libfaketime is not installed: idle cutters in virtual time');

/** Work is not faster in virtual time. */
const roomForWork = { handshake: '1h', head: '1h', body: '1h', connect: '1h', stall: '1h' };

/** Seconds of silence and how much faster than real time: a scheduler's pause must not look like silence. */
const cutters = [
  [30, 20],
  [60, 40],
  [100, 60],
  [300, 60],
] as const;

/** The soak of a day has the controls for the others. */
const controlled = isFullRun ? cutters : cutters.filter(([silence]) => silence === 30 || silence === 100);

interface Held {
  readonly cuts: number;
  readonly dropped: number;
  readonly complaints: string;
}

/** Holds the streams for twice the cutter's silence and more. */
async function hold(silence: number, factor: number, heartbeat: string): Promise<Held> {
  if (library === undefined) throw new Error('the Debian package `faketime` is not installed');
  const fakeTime: FakeTime = { library, factor };
  const fleet = await startFleetProcess(fakeTime);
  try {
    const timeouts = { ...roomForWork, heartbeat };
    await using rig = await startFaultRig({ upstreamPort: fleet.upstreamPort, timeouts, fakeTime });
    const { gateway } = rig;
    for (const pid of [gateway.pid, fleet.pid]) setPriority(pid, -10);
    await fleet.open({
      gatewayPort: gateway.port,
      ca: gateway.ca,
      streams: STREAMS,
      duration: (2 * silence + 30) * SECOND,
      cutAfter: silence * SECOND,
    });
    const { cuts, streams } = await fleet.done();
    const dropped = streams.filter((stream) => stream.dropped !== undefined).length;
    await gateway.stop();
    return { cuts, dropped, complaints: gateway.complaints };
  } finally {
    fleet.kill();
  }
}

describe.skipIf(isSkipped)('idle-cutters (T30)', () => {
  const figures: Record<string, string | number> = {};
  const controls: string[] = [];
  let cases = 0;
  let failures = 0;

  it.each(cutters)('of %i s never find a stream silent', async (silence, factor) => {
    const held = await hold(silence, factor, `${HEARTBEAT}s`);
    figures[`cutter of ${silence} s`] = `${held.cuts} cuts`;
    cases += STREAMS;
    expect(held).toEqual({ cuts: 0, dropped: 0, complaints: '' });
  });

  it.each(controlled)('control: of %i s cut every stream without a heartbeat', async (silence, factor) => {
    const { dropped } = await hold(silence, factor, '24d');
    controls.push(`${silence} s: ${dropped} of ${STREAMS} streams cut`);
    expect(dropped).toBe(STREAMS);
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    const control = `heartbeat off: ${controls.join('; ')}`;
    recordEvidence({ id: 'T30', title: 'idle cutters', cases, failures, figures, control });
  });
});
