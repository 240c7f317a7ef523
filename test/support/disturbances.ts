import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servedName, day, hour, tick, type Simulation } from './certificate-simulation.ts';
import type { Fault, FaultSpan } from './acme-stub/faults.ts';

/** Something that goes wrong around one renewal. */
export interface Disturbance {
  readonly what: string;
  /** When a certificate is about to be due, has lived for a third of its time to renewal, or is new. */
  readonly begins: 'due' | 'young' | 'new';
  /** Milliseconds. */
  readonly lasts: (lifetime: number) => number;
  /** Returns what puts things right again. */
  readonly begin: (simulation: Simulation) => (() => void | Promise<void>) | Promise<() => Promise<void>>;
}

/** When something was wrong. Times of the true clock. */
export interface DisturbedSpan {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

const brief = (): number => day / 2;

function withFault(fault: Fault, span?: FaultSpan): Disturbance['begin'] {
  return ({ authorities }) => {
    const [first] = authorities;
    return first?.faults.add(fault, span) ?? (() => undefined);
  };
}

function withSkew(skew: number): Disturbance['begin'] {
  return (simulation) => {
    simulation.skew = skew;
    return () => {
      simulation.skew = 0;
    };
  };
}

/** The authority's part of what goes wrong. */
export const faultsOfAuthority: readonly Disturbance[] = [
  {
    what: 'the authority is down for a week, or for a third of a short life',
    begins: 'due',
    lasts: (lifetime) => Math.min(7 * day, lifetime / 3),
    begin: withFault({ kind: 'down', how: 'refused' }),
  },
  {
    what: 'the authority is too busy',
    begins: 'due',
    lasts: brief,
    begin: withFault({ kind: 'rateLimited', retryAfter: { seconds: 6 * 3600 } }),
  },
  {
    what: 'orders do not come to an end',
    begins: 'due',
    lasts: brief,
    begin: withFault({ kind: 'orderStuck', at: 'processing' }),
  },
  {
    what: 'the chain is truncated',
    begins: 'due',
    lasts: brief,
    begin: withFault({ kind: 'wrongChain', how: 'truncated' }),
  },
  {
    what: 'the certificate is for another key',
    begins: 'due',
    lasts: brief,
    begin: withFault({ kind: 'wrongCertificate', how: 'foreignKey' }),
  },
];

/** The world's part. */
export const faultsAround: readonly Disturbance[] = [
  {
    what: 'the authority recalls a young certificate',
    begins: 'young',
    lasts: brief,
    begin({ authorities, processes }) {
      const serial = processes[0]?.served()?.facts.serialNumber;
      for (const stub of authorities) {
        const record = stub.ledger.certificates.find(({ serialNumber }) => serialNumber === serial);
        if (record !== undefined) stub.recall(record.certId);
      }
      return () => undefined;
    },
  },
  ...(['endBeforeStart', 'farFuture'] as const).map((how): Disturbance => ({
    what: `the authority talks nonsense about renewal (${how})`,
    begins: 'new',
    lasts: (lifetime) => lifetime * 0.7,
    begin: withFault({ kind: 'renewalInfo', how }),
  })),
  { what: 'names cannot be verified', begins: 'due', lasts: brief, begin: withFault(toFailedValidation()) },
  { what: 'the clock is an hour ahead', begins: 'due', lasts: brief, begin: withSkew(hour) },
  { what: 'the clock is an hour behind', begins: 'due', lasts: brief, begin: withSkew(-hour) },
];

function toFailedValidation(): Fault {
  const detail = `${servedName} does not answer`;
  return { kind: 'validationFails', problem: { type: 'connection', status: 400, detail } };
}

export const fullDisk: Disturbance = {
  what: 'the disk is full',
  begins: 'due',
  lasts: brief,
  async begin({ stateDir }) {
    const path = join(stateDir, 'fill');
    await writeFile(path, Buffer.alloc(1_000_000)).catch(() => undefined);
    return () => rm(path, { force: true });
  },
};

/**
 * Runs for `milliseconds` and disturbs one renewal after the other. Returns when what was wrong; `left` did not get
 * their turn.
 */
export async function runDisturbed(options: {
  readonly simulation: Simulation;
  readonly lifetime: number;
  readonly disturbances: readonly Disturbance[];
  readonly milliseconds: number;
}): Promise<{ readonly spans: readonly DisturbedSpan[]; readonly left: readonly string[] }> {
  const { simulation, lifetime, milliseconds } = options;
  const queue = [...options.disturbances];
  const spans: DisturbedSpan[] = [];
  let active: { readonly to: number; readonly undo: () => void | Promise<void> } | undefined;
  let disturbed: string | undefined;

  await simulation.run(milliseconds, async () => {
    const now = simulation.now();
    if (active !== undefined && now >= active.to) {
      await active.undo();
      active = undefined;
    }
    const [facts] = simulation.processes[0]?.automation.certificates() ?? [];
    const next = queue[0];
    const material = facts?.material;
    if (active !== undefined || next === undefined || material === undefined) return;
    const { serialNumber, notBefore } = material.facts;
    const due = facts?.renewsAt ?? 0;
    const begins = { due: due - 2 * tick, young: notBefore + (due - notBefore) / 3, new: 0 }[next.begins];
    // Each certificate is disturbed once at most.
    if (serialNumber === disturbed || now < begins) return;
    disturbed = serialNumber;
    queue.shift();
    const to = now + next.lasts(lifetime);
    active = { to, undo: await next.begin(simulation) };
    spans.push({ what: next.what, from: now, to });
  });
  await active?.undo();
  return { spans, left: queue.map(({ what }) => what) };
}
