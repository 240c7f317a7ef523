import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ManualClock } from '../../support/manual-clock.ts';
import {
  loadAutomation,
  type Automation,
  type AutomationOptions,
} from '../../../src/tls/automation/automation.ts';
import type { AutomationEvent } from '../../../src/tls/automation/automation-event.ts';
import type { ManagedCertificateFacts } from '../../../src/tls/automation/managed-certificate.ts';
import type { TlsMaterial } from '../../../src/tls/tls-material.ts';
import { FakeIssuer } from './fake-issuer.ts';

export const minute: number = 60_000;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;
export const start: number = Date.UTC(2027, 4, 17, 12);

export interface Rig {
  readonly clock: ManualClock;
  readonly stateDir: string;
  readonly issuer: FakeIssuer;
  /** Adds a process on the state directory. */
  open(options?: Partial<AutomationOptions>): Promise<RunningAutomation>;
  close(): Promise<void>;
}

export interface RunningAutomation {
  readonly automation: Automation;
  readonly events: AutomationEvent[];
  /** What came into service after loading. */
  readonly served: TlsMaterial[];
  /** The first certificate of the list. */
  facts(): ManagedCertificateFacts;
  of<K extends AutomationEvent['kind']>(kind: K): Extract<AutomationEvent, { kind: K }>[];
  /** Lets time pass in ticks, each with all its work done. */
  pass(milliseconds: number): Promise<void>;
}

export async function createRig(): Promise<Rig> {
  const clock = new ManualClock(start);
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-automation-'));
  const issuer = await FakeIssuer.create({ clock });
  const opened: Automation[] = [];
  return {
    clock,
    stateDir,
    issuer,
    async open(options = {}) {
      const events: AutomationEvent[] = [];
      const served: TlsMaterial[] = [];
      const automation = await loadAutomation({
        names: ['mcp.example.com'],
        issuers: [issuer],
        challengesFor: () => ['tls-alpn-01', 'http-01'],
        stateDir,
        clock,
        random: () => 0.5,
        report: (event) => void events.push(event),
        onCertificate: (_name, material) => void served.push(material),
        ...options,
      });
      opened.push(automation);
      return {
        automation,
        events,
        served,
        facts() {
          const [facts] = automation.certificates();
          if (facts === undefined) throw new Error('no certificate is looked after');
          return facts;
        },
        of: (kind) => events.filter((event) => event.kind === kind) as never,
        async pass(milliseconds) {
          const tick = options.tick ?? minute;
          for (let left = milliseconds; left > 0; left -= tick) {
            clock.advance(Math.min(left, tick));
            await nextTurn();
            await automation.settled();
          }
        },
      };
    },
    async close() {
      await Promise.all(opened.map((automation) => automation.close()));
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
