import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';
import { createAcmeIssuer } from '../../src/tls/acme/acme-issuer.ts';
import type { ChallengeSolver, ChallengeType } from '../../src/tls/acme/challenge.ts';
import { loadAutomation, type Automation } from '../../src/tls/automation/automation.ts';
import type { AutomationEvent } from '../../src/tls/automation/automation-event.ts';
import type { IssuanceLimits } from '../../src/tls/automation/issuance-ledger.ts';
import type { CertificateIssuer } from '../../src/tls/automation/issuer.ts';
import type { TlsMaterial } from '../../src/tls/tls-material.ts';
import { createAcmeStub, type AcmeStub } from './acme-stub/acme-stub.ts';
import { createStubHttp } from './acme-stub/stub-http.ts';
import { ManualClock } from './manual-clock.ts';

export const minute = 60_000;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;
export const tick: number = 60 * minute;
export const servedName = 'mcp.example.com';

export interface SimulationOptions {
  /** Milliseconds that certificates live. */
  readonly lifetime: number;
  /** False for authorities that do not say when to renew. */
  readonly renewalInfo?: boolean;
  /** Authorities, the fallbacks last; 1 when absent. */
  readonly authorities?: number;
  /** Gateways on the one state directory; 1 when absent. */
  readonly processes?: number;
  readonly seed?: number;
  readonly limits?: IssuanceLimits;
  /** Virtual milliseconds that pass in one real one while something is under way; 500 when absent. */
  readonly pace?: number;
  /** Gives each gateway a state directory of its own. */
  readonly separateState?: boolean;
  /** Puts the state directory on a small disk of its own, which can be filled. Needs root on Linux. */
  readonly smallDisk?: boolean;
}

/** One gateway's automation in the simulated world. */
export interface SimulatedProcess {
  readonly automation: Automation;
  readonly events: readonly (AutomationEvent & { readonly at: number })[];
  served(): TlsMaterial | undefined;
}

/** A certificate that came into service, and when it should have. */
export interface Renewal {
  /** Of the true clock, as all times here. */
  readonly at: number;
  /** Absent for the first one. */
  readonly previous: TlsMaterial['facts'] | undefined;
  readonly facts: TlsMaterial['facts'];
  /** When the process meant to replace the previous one, as of the last tick. */
  readonly due: number | undefined;
}

export interface Simulation extends AsyncDisposable {
  readonly stateDir: string;
  readonly authorities: readonly AcmeStub[];
  readonly processes: readonly SimulatedProcess[];
  /** In the order of the events, whichever process got them. */
  readonly renewals: readonly Renewal[];
  /** Ticks in which some process served a certificate that had ended, or none after the first day. */
  readonly outages: readonly number[];
  now(): number;
  /** Milliseconds by which the clocks of the gateways are wrong. */
  skew: number;
  /** False stops everything that happens by itself. */
  start(): Promise<void>;
  /** Lets time pass; `onTick` may disturb the world. */
  run(milliseconds: number, onTick?: () => Promise<void> | void): Promise<void>;
}

/** Thousands of small files are written: in memory where the system has a place for that. */
const fastDirectory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const begin = Date.UTC(2027, 0, 1);

export async function createSimulation(options: SimulationOptions): Promise<Simulation> {
  const { processes: count = 1, authorities: authorityCount = 1, pace = 500, seed = 1 } = options;
  const world = new ManualClock(begin);
  const base = await mkdtemp(join(fastDirectory, 'breakwater-simulation-'));
  const stateDir = join(base, 'state');
  await mkdir(stateDir);
  const disk = options.smallDisk === true ? mountDisk(stateDir) : undefined;
  const random = createRandom(seed);
  const answers = new Map<string, string>();

  const stubs: AcmeStub[] = [];
  for (let index = 0; index < authorityCount; index++) {
    stubs.push(await createStub(options, { clock: world, index, random, answers }));
  }
  const simulation = { skew: 0 };
  const clock: Clock = {
    now: () => world.now() + simulation.skew,
    monotonic: () => world.monotonic(),
    setTimeout: (callback, milliseconds) => world.setTimeout(callback, milliseconds),
    setInterval: (callback, milliseconds) => world.setInterval(callback, milliseconds),
  };

  const renewals: Renewal[] = [];
  const outages: number[] = [];
  const processes: SimulatedProcess[] = [];
  const dues: (number | undefined)[] = [];

  const open = async (index: number): Promise<SimulatedProcess> => {
    const own = options.separateState === true ? join(stateDir, String(index)) : stateDir;
    const events: (AutomationEvent & { at: number })[] = [];
    const issuers = await Promise.all(
      stubs.map((stub) => createIssuer(stub, { base, stateDir: own, clock, answers })),
    );
    let served: TlsMaterial | undefined;
    const automation = await loadAutomation({
      names: [servedName],
      issuers,
      challengesFor: () => ['tls-alpn-01', 'http-01'],
      stateDir: own,
      clock,
      random,
      tick,
      report: (event) => void events.push({ ...event, at: world.now() }),
      onCertificate(_name, material) {
        const fresh = !renewals.some(({ facts }) => facts.serialNumber === material.facts.serialNumber);
        if (fresh) {
          const due = dues[index];
          renewals.push({ at: world.now(), previous: served?.facts, facts: material.facts, due });
        }
        served = material;
      },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    served = automation.certificates()[0]?.material;
    return { automation, events, served: () => served };
  };

  const settle = async (): Promise<void> => {
    let idle = false;
    void Promise.all(processes.map(({ automation }) => automation.settled())).then(() => (idle = true));
    await nextTurn();
    let real = performance.now();
    while (!idle) {
      await nextTurn();
      if (performance.now() - real < 1) continue;
      real = performance.now();
      world.advance(pace);
    }
  };

  return Object.assign(simulation, {
    stateDir,
    authorities: stubs,
    processes,
    renewals,
    outages,
    now: () => world.now(),
    async start() {
      for (let index = 0; index < count; index++) processes.push(await open(index));
      for (const { automation } of processes) automation.start();
      await settle();
    },
    async run(milliseconds: number, onTick?: () => Promise<void> | void) {
      const end = world.now() + milliseconds;
      while (world.now() < end) {
        await onTick?.();
        processes.forEach(({ automation }, index) => {
          dues[index] = automation.certificates()[0]?.renewsAt;
        });
        // Exactly to the next tick: whatever begins there must not see time pass before it had a turn.
        world.advance(tick - ((world.now() - begin) % tick));
        await settle();
        if (processes.some((process) => isOut(process.served(), world.now()))) outages.push(world.now());
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map(({ automation }) => automation.close()));
      disk?.unmount();
      await rm(base, { recursive: true, force: true });
    },
  });
}

function isOut(served: TlsMaterial | undefined, now: number): boolean {
  return served === undefined
    ? now > begin + day
    : now >= served.facts.notAfter || now < served.facts.notBefore;
}

function createStub(
  options: SimulationOptions,
  parts: {
    readonly clock: Clock;
    readonly index: number;
    readonly random: () => number;
    readonly answers: ReadonlyMap<string, string>;
  },
): Promise<AcmeStub> {
  const { clock, index, random, answers } = parts;
  return createAcmeStub({
    clock,
    origin: `https://ca-${index + 1}.example.com`,
    profiles: {
      only: {
        description: 'the only one',
        lifetime: options.lifetime,
        mostNames: 1,
        allowsAddresses: false,
        hasCommonName: false,
      },
    },
    renewalInfo: options.renewalInfo ?? true,
    random,
    lookup: ({ type, token }) => answers.get(`${type} ${token}`),
  });
}

async function createIssuer(
  stub: AcmeStub,
  parts: {
    readonly base: string;
    readonly stateDir: string;
    readonly clock: Clock;
    readonly answers: Map<string, string>;
  },
): Promise<CertificateIssuer> {
  const { base, stateDir, clock, answers } = parts;
  const ca = join(base, `${new URL(stub.directoryUrl).host}.pem`);
  await writeFile(ca, stub.roots.join(''));
  return createAcmeIssuer({
    settings: {
      directory: stub.directoryUrl,
      email: undefined,
      termsAccepted: true,
      profile: undefined,
      preferredChain: undefined,
      ca,
      eab: undefined,
    },
    stateDir,
    solvers: (['http-01', 'tls-alpn-01'] as const).map((type) => createSolver(type, answers)),
    clock,
    version: 'test',
    http: createStubHttp(stub, clock),
  });
}

/** Puts answers where the authorities of the simulation look for them. */
function createSolver(type: ChallengeType, answers: Map<string, string>): ChallengeSolver {
  return {
    type,
    present({ token, keyAuthorization }) {
      answers.set(`${type} ${token}`, keyAuthorization);
      return Promise.resolve();
    },
    remove({ token }) {
      answers.delete(`${type} ${token}`);
      return Promise.resolve();
    },
  };
}

/** Whether `smallDisk` works here. */
export const canMount: boolean = process.platform === 'linux' && process.getuid?.() === 0;

function mountDisk(path: string): { unmount(): void } {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path]);
  return { unmount: () => void execFileSync('umount', ['-l', path]) };
}

/** The same row for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
