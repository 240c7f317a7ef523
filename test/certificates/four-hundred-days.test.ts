import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  canMount,
  createSimulation,
  day,
  hour,
  minute,
  servedName,
  tick,
  type Simulation,
  type SimulationOptions,
} from '../support/certificate-simulation.ts';
import {
  faultsAround,
  faultsOfAuthority,
  fullDisk,
  runDisturbed,
  type Disturbance,
  type DisturbedSpan,
} from '../support/disturbances.ts';

const full = process.env['BREAKWATER_FULL'] === '1';
const seeds = full ? [1, 2, 3, 4, 5] : [1];
const lifetimes = [
  ['90 days', 90 * day],
  ['64 days', 64 * day],
  ['45 days', 45 * day],
  ['160 hours', 160 * hour],
] as const;
const cases = lifetimes.flatMap(([life, lifetime]) => seeds.map((seed) => ({ life, lifetime, seed })));

/** The time that an attempt takes, by the virtual clock. */
const slack = 5 * minute;

/**
 * When an authority of the simulation wants a certificate renewed, by its own rule (RFC 9773 leaves it to the
 * authority).
 */
function toIdeal({ notAfter }: { readonly notAfter: number }, lifetime: number): number {
  return notAfter - lifetime / (lifetime < 10 * day ? 2 : 3);
}

/** What must hold whatever happened. */
async function expectSound(
  simulation: Simulation,
  options: { readonly lifetime: number; readonly spans?: readonly DisturbedSpan[]; readonly spread?: number },
): Promise<void> {
  const { lifetime, spans = [], spread = lifetime / 50 } = options;
  expect(simulation.outages).toEqual([]);
  for (const { ledger } of simulation.authorities) {
    expect(ledger.violations).toEqual([]);
    expect(ledger.duplicates()).toEqual([]);
    const keys = ledger.certificates.filter(({ wrong }) => !wrong).map(({ publicKey }) => publicKey);
    expect(new Set(keys).size).toBe(keys.length);
  }
  for (const { at, previous } of simulation.renewals) {
    if (previous === undefined) continue;
    // Never in the last twentieth, however long something was wrong.
    expect(at).toBeLessThan(previous.notAfter - lifetime / 20);
    const ideal = toIdeal(previous, lifetime);
    const disturbed = spans.some(
      ({ from, to }) => from <= ideal + spread + tick && to >= Math.min(at, ideal - spread),
    );
    if (disturbed) continue;
    expect(at).toBeGreaterThanOrEqual(ideal - spread);
    expect(at).toBeLessThanOrEqual(ideal + spread + tick + slack);
  }
  const served = simulation.processes.map((process) => process.served()?.facts.serialNumber);
  expect(new Set(served).size).toBe(1);
  const folder = join(simulation.stateDir, 'certificates', servedName);
  expect(await readdir(folder)).toEqual(['certificate.pem', 'renewal.json']);
  expect((await stat(join(folder, 'certificate.pem'))).mode & 0o777).toBe(0o600);
}

async function start(options: SimulationOptions): Promise<Simulation> {
  const simulation = await createSimulation(options);
  await simulation.start();
  return simulation;
}

/** How many renewals a lifetime needs at the least. */
function toLeast(lifetime: number, milliseconds: number): number {
  return Math.floor(milliseconds / (lifetime * (lifetime < 10 * day ? 0.52 : 0.69)));
}

/** The short form spares what comes again and again anyway. */
function toSpan(lifetime: number): number {
  return full || lifetime > 10 * day ? 400 * day : 100 * day;
}

describe('400 days without trouble', () => {
  it.each(cases)('of certificates of $life (seed $seed)', async ({ lifetime, seed }) => {
    await using simulation = await start({ lifetime, seed });
    await simulation.run(400 * day);
    await expectSound(simulation, { lifetime });
    expect(simulation.renewals.length).toBeGreaterThanOrEqual(toLeast(lifetime, 400 * day));
    expect(simulation.authorities[0]?.ledger.refusals).toEqual([]);
    expect(
      simulation.processes[0]?.events.filter(({ kind }) => kind === 'failed' || kind === 'warning'),
    ).toEqual([]);
  });

  it.each(cases)(
    'of certificates of $life whose authority does not say when to renew (seed $seed)',
    async ({ lifetime, seed }) => {
      await using simulation = await start({ lifetime, seed, renewalInfo: false });
      const milliseconds = toSpan(lifetime);
      await simulation.run(milliseconds);
      await expectSound(simulation, { lifetime, spread: 0 });
      expect(simulation.renewals.length).toBeGreaterThanOrEqual(toLeast(lifetime, milliseconds));
    },
  );

  it.each(lifetimes)(
    'control: without renewal certificates of %s end in service',
    async (_life, lifetime) => {
      await using simulation = await start({ lifetime });
      await simulation.processes[0]?.automation.close();
      await simulation.run(lifetime + day);
      expect(simulation.outages.length).toBeGreaterThan(0);
    },
  );
});

/** The short form ends when the last disturbance is over and one more renewal has come in its time. */
function toTroubled(lifetime: number, count: number): number {
  const life = lifetime * (lifetime < 10 * day ? 0.55 : 0.7);
  return full ? 400 * day : Math.min(400 * day, (count + 1.5) * life);
}

describe('up to 400 days of trouble', () => {
  const around = canMount ? [...faultsAround, fullDisk] : faultsAround;
  const halves: readonly [string, readonly Disturbance[]][] = [
    ['at the authority', faultsOfAuthority],
    // Where no small disk can be mounted, a full one is left out: only root may mount.
    ['around it, first part', around.slice(0, 4)],
    ['around it, second part', around.slice(4)],
  ];
  const runs = cases.flatMap((one) =>
    halves.map(([where, disturbances]) => ({ ...one, where, disturbances })),
  );

  it.each(runs)(
    '$where, with certificates of $life (seed $seed)',
    async ({ lifetime, seed, disturbances }) => {
      const smallDisk = disturbances.includes(fullDisk);
      await using simulation = await start({ lifetime, seed, smallDisk });
      const { spans, left } = await runDisturbed({
        simulation,
        lifetime,
        disturbances,
        milliseconds: toTroubled(lifetime, disturbances.length),
      });
      expect(left).toEqual([]);
      await expectSound(simulation, { lifetime, spans });
      const recall = spans.find(({ what }) => what.includes('recalls'));
      if (recall === undefined) return;
      const next = simulation.renewals.find(({ at }) => at > recall.from);
      // Twice a day at least the authority is asked.
      expect(next?.at).toBeLessThanOrEqual(recall.from + 12 * hour + 2 * tick + slack);
    },
  );

  it('control: an authority that is down for longer than the margin ends the service', async () => {
    await using simulation = await start({ lifetime: 45 * day });
    simulation.authorities[0]?.faults.add({ kind: 'down', how: 'refused' });
    await simulation.run(50 * day);
    expect(simulation.outages.length).toBeGreaterThan(0);
  });

  it('with a second authority nothing ends, and the first one is used again when it is back', async () => {
    await using simulation = await start({ lifetime: 45 * day, authorities: 2 });
    const [first, second] = simulation.authorities;
    const until = simulation.now() + 100 * day;
    first?.faults.add({ kind: 'down', how: 'refused' }, { until });
    await simulation.run(400 * day);
    await expectSound(simulation, { lifetime: 45 * day });
    expect(second?.ledger.certificates.length).toBeGreaterThanOrEqual(3);
    expect(second?.ledger.certificates.every(({ at }) => at < until)).toBe(true);
    expect(first?.ledger.certificates.some(({ at }) => at > until)).toBe(true);
    expect(second?.ledger.orders.map(({ replaces }) => replaces)[0]).toBeUndefined();
  });

  it.each([
    ['ten years ahead', 3650 * day],
    ['ten years behind', -3650 * day],
  ])('a clock that is %s for two days costs nothing but some orders', async (_what, skew) => {
    await using simulation = await start({ lifetime: 45 * day });
    await simulation.run(20 * day);
    simulation.skew = skew;
    await simulation.run(2 * day);
    simulation.skew = 0;
    await simulation.run(40 * day);
    expect(simulation.outages).toEqual([]);
    const [stub] = simulation.authorities;
    expect(stub?.ledger.violations).toEqual([]);
    // The first one and two renewals in their time; what was issued beside them was of no use to a clock that is wrong.
    expect(stub?.ledger.certificates.length).toBeLessThanOrEqual(3 + 5);
    expect(simulation.renewals.length).toBeGreaterThanOrEqual(2);
  });
});

describe('two gateways on one state directory', () => {
  const together = { processes: 2, pace: 100 };

  it.each(cases)('order once for certificates of $life (seed $seed)', async ({ lifetime, seed }) => {
    await using simulation = await start({ lifetime, seed, ...together });
    const milliseconds = full ? 400 * day : Math.min(400 * day, lifetime * 6);
    await simulation.run(milliseconds);
    // The other one takes a certificate up five ticks later, and a look at a busy disk takes some more.
    await simulation.run(15 * tick);
    await expectSound(simulation, { lifetime });
    const [stub] = simulation.authorities;
    expect(stub?.ledger.certificates).toHaveLength(simulation.renewals.length);
    const adopted = simulation.processes.flatMap(({ events }) =>
      events.filter(({ kind }) => kind === 'adopted'),
    );
    expect(adopted).toHaveLength(simulation.renewals.length);
  });

  it('control: with a directory each they order twice', async () => {
    await using simulation = await start({ lifetime: 45 * day, ...together, separateState: true });
    expect(simulation.authorities[0]?.ledger.duplicates()).toHaveLength(1);
  });
});

describe('the limits of the authority', () => {
  const lavish = { failuresPerHour: 999, certificatesPerWeek: 999, ordersPerThreeHours: 999 };

  /** Somebody who asks for a renewal every tick, while no name can be verified and after. */
  async function press(simulation: Simulation): Promise<number> {
    const [stub] = simulation.authorities;
    const problem = { type: 'connection', status: 400, detail: 'no answer' };
    const heal = stub?.faults.add({ kind: 'validationFails', problem });
    let due: Promise<void> | undefined;
    const ask = (): void => {
      due = simulation.processes[0]?.automation.renewNow(servedName);
    };
    for (let round = 0; round < 30; round++) {
      ask();
      await simulation.run(minute);
      await due;
    }
    heal?.();
    for (let round = 0; round < 30; round++) {
      ask();
      await simulation.run(tick);
      await due;
    }
    return stub?.ledger.violations.length ?? 0;
  }

  it('are kept, whoever presses', async () => {
    await using simulation = await start({ lifetime: 90 * day, renewalInfo: false });
    expect(await press(simulation)).toBe(0);
    expect(simulation.outages).toEqual([]);
  });

  it('control: without limits of our own they are not', async () => {
    await using simulation = await start({ lifetime: 90 * day, renewalInfo: false, limits: lavish });
    expect(await press(simulation)).toBeGreaterThan(0);
  });
});

it('a fresh start without any authority waits for one, and has a certificate within two ticks', async () => {
  await using simulation = await createSimulation({ lifetime: 90 * day });
  const back = simulation.authorities[0]?.faults.add({ kind: 'down', how: 'refused' });
  await simulation.start();
  await simulation.run(3 * day);
  expect(simulation.processes[0]?.served()).toBeUndefined();
  back?.();
  await simulation.run(2 * tick);
  expect(simulation.processes[0]?.served()).toBeDefined();
  expect(simulation.authorities[0]?.ledger.violations).toEqual([]);
});
