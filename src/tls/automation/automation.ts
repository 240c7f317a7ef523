import type { ChallengeType } from '../acme/challenge.ts';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import { createWorkQueue } from '../../lib/work-queue.ts';
import { announcePresence, type Presence } from '../../state/presence.ts';
import type { RedisConnection } from '../../state/redis/redis-connection.ts';
import { createRedisTexts } from '../../state/redis/redis-texts.ts';
import { createAttemptLimits } from './attempt-limits.ts';
import type { AutomationEvent } from './automation-event.ts';
import { createCertificateVault } from './certificate-vault.ts';
import { issuanceLimits, type IssuanceLimits } from './issuance-ledger.ts';
import type { CertificateIssuer } from './issuer.ts';
import {
  ManagedCertificate,
  type Duty,
  type ManagedCertificateFacts,
  type ManagedCertificateOptions,
} from './managed-certificate.ts';
import { createOnDemand, type OnDemand, type OnDemandOptions } from './on-demand.ts';
import { createOrderLedger } from './order-ledger.ts';
import { createSharedVault } from './shared-vault.ts';
import { openRenewalRequests } from './renewal-requests.ts';
import type { TlsMaterial } from '../tls-material.ts';

export interface AutomationOptions {
  /** Each gets a certificate of its own: DNS names, wildcards, IP addresses. */
  readonly names: readonly string[];
  /** The first is asked first; the others when it fails. */
  readonly issuers: readonly CertificateIssuer[];
  /** Challenge types that can work for a name, the preferred one first. */
  readonly challengesFor: (name: string) => readonly ChallengeType[];
  /** Absolute path. */
  readonly stateDir: string;
  /** Where replicas without a common directory share certificates; what is in the state directory is a copy then. */
  readonly redis?: RedisConnection | undefined;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly report: (event: AutomationEvent) => void;
  /** Called for each certificate that comes into service after loading. */
  readonly onCertificate: (name: string, material: TlsMaterial) => void;
  readonly onDemand?: OnDemandOptions;
  /** Milliseconds between two looks at what is due; a minute when absent. */
  readonly tick?: number;
  /** Below those of Let's Encrypt when absent. */
  readonly limits?: IssuanceLimits;
}

/** Certificates that are obtained and renewed without people. */
export interface Automation {
  certificates(): readonly ManagedCertificateFacts[];
  /** Begins to look after the certificates. */
  start(): void;
  /** Renews now, due or not, within the limits. Resolves when the attempt is over, whatever came of it. */
  renewNow(name: string): Promise<void>;
  /**
   * The certificate of a name, obtained first if on-demand issuance is set up and allows it. Never rejects; waits 20
   * seconds at most.
   */
  obtain(name: string): Promise<TlsMaterial | undefined>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /**
   * Stops everything and lets go of the locks; what was ordered and not fetched is ordered again after the next start.
   */
  close(): Promise<void>;
}

const defaultTick = 60_000;
/** Attempts that run at a time. */
const concurrency = 4;
/** Ticks between two looks for certificates that somebody else has stored. */
const ticksPerLook = 5;
/** Between two such looks for a first certificate, which clients wait for: another process may be obtaining it. */
const missingLook = 2000;

/**
 * Loads what is stored. Never waits for an authority, and damaged or missing state is no obstacle: it is reported, and
 * obtained anew.
 */
export async function loadAutomation(options: AutomationOptions): Promise<Automation> {
  const { clock, limits = issuanceLimits, onDemand, redis, stateDir } = options;
  const local = createCertificateVault(stateDir);
  const vault =
    redis === undefined ? local : createSharedVault({ local, redis, clock, onProblem: options.report });
  const orders = createOrderLedger({
    stateDir,
    shared: redis && createRedisTexts(redis),
    clock,
    ordersPerThreeHours: limits.ordersPerThreeHours,
  });
  const ending = new AbortController();
  const { signal } = ending;
  const queue = createWorkQueue(concurrency);
  const managed = new Map<string, ManagedCertificate>();
  const busy = new Map<ManagedCertificate, Promise<void>>();

  const warn = (name: string, code: ErrorCode, message: string): void =>
    options.report({ kind: 'warning', name, warning: { severity: 'warning', code, message } });

  const load = (
    name: string,
    more?: Pick<ManagedCertificateOptions, 'permit'>,
  ): Promise<ManagedCertificate> =>
    ManagedCertificate.load({
      ...options,
      name,
      challenges: options.challengesFor(name),
      vault,
      limits: createAttemptLimits({ clock, orders, limits }),
      signal,
      ...more,
    });
  const loadOnDemand = (name: string): Promise<ManagedCertificate> =>
    load(name, { permit: async (limited) => (await demand?.isAllowed(name, limited)) ?? false });

  /** One task of a certificate at a time; a defect costs the task, not the process that serves. */
  const work = (certificate: ManagedCertificate, task: () => Promise<void>): Promise<void> => {
    const running = busy.get(certificate);
    if (running !== undefined) return running;
    const begun = queue
      .run(task)
      .catch((error: unknown) => {
        const reason = toErrorMessage(error);
        const code = isGatewayError(error) ? error.code : 'E_INTERNAL';
        warn(certificate.name, code, `looking after \`${certificate.name}\` failed: ${reason}`);
      })
      .finally(() => busy.delete(certificate));
    busy.set(certificate, begun);
    return begun;
  };

  const perform = (certificate: ManagedCertificate, duty: Duty): Promise<void> =>
    work(certificate, () => certificate.perform(duty));

  const doDuties = (): void => {
    for (const certificate of managed.values()) {
      if (certificate.isAbandoned) managed.delete(certificate.name);
      if (busy.has(certificate)) continue;
      const duty = certificate.toDuty();
      if (duty !== undefined) void perform(certificate, duty);
    }
  };

  const doNow = (): void => {
    if (!signal.aborted) doDuties();
  };

  const requests = openRenewalRequests(stateDir, () => void takeRequests());
  let isDeaf = false;
  const takeRequests = async (): Promise<void> => {
    try {
      const taken = await requests.take((name) => managed.has(name));
      isDeaf = false;
      for (const name of taken) managed.get(name)?.force();
      if (taken.length > 0) doNow();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (isDeaf || signal.aborted) return;
      isDeaf = true;
      warn(names[0] ?? '', error.code, `requests to renew are not seen: ${error.message}`);
    }
  };

  let ticks = 0;
  const onTick = (): void => {
    doDuties();
    void takeRequests();
    if (ticks++ % ticksPerLook === 0) lookAtAll();
  };
  const lookAtAll = (): void => {
    if (signal.aborted) return;
    for (const certificate of managed.values()) {
      if (!busy.has(certificate)) void work(certificate, () => certificate.look());
    }
  };

  let missingTimer: Timer | undefined;
  const lookForMissing = (): void => {
    missingTimer = undefined;
    const missing = [...managed.values()].filter(({ material }) => material === undefined);
    for (const certificate of missing)
      // A tick that came meanwhile has found it busy.
      if (!busy.has(certificate)) void work(certificate, () => certificate.look()).then(doNow);
    if (missing.length > 0 && !signal.aborted) missingTimer = clock.setTimeout(lookForMissing, missingLook);
  };

  const demand: OnDemand | undefined =
    onDemand &&
    createOnDemand({
      ...onDemand,
      clock,
      signal,
      onProblem: (name, problem) => warn(name, 'E_ACME_LIMIT', `\`${name}\`: ${problem}`),
      isManaged: (name) => managed.has(name),
      async admit(name): Promise<TlsMaterial | undefined> {
        const certificate = await loadOnDemand(name);
        managed.set(name, certificate);
        if (certificate.toDuty() === 'renew') await perform(certificate, 'renew');
        return certificate.material;
      },
    });

  const names = [...new Set(options.names.map(toCanonicalName))];
  /** A folder that cannot be read keeps nobody from serving; what is in it is obtained anew when it is asked for. */
  const listStored = async (): Promise<readonly string[]> => {
    try {
      return await vault.list();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      warn(names[0] ?? '', error.code, `certificates obtained on demand are not known: ${error.message}`);
      return [];
    }
  };
  for (const name of names) managed.set(name, await load(name));
  if (demand !== undefined) {
    for (const name of await listStored()) {
      if (managed.has(name)) continue;
      const certificate = await loadOnDemand(name);
      if (certificate.material !== undefined) managed.set(name, certificate);
    }
  }

  const stopWatching = vault.watch?.(lookAtAll);
  let timer: Timer | undefined;
  let presence: Promise<Presence | undefined> | undefined;
  return {
    certificates: () => Array.from(managed.values(), (certificate) => certificate.facts),
    start() {
      if (timer !== undefined || signal.aborted) return;
      timer = clock.setInterval(onTick, options.tick ?? defaultTick);
      presence = announcePresence({ stateDir, clock }).catch((error: unknown) => {
        const reason = toErrorMessage(error);
        warn(names[0] ?? '', 'E_STATE_UNWRITABLE', `commands will not find this process: ${reason}`);
        return undefined;
      });
      void requests.prepare();
      onTick();
      lookForMissing();
    },
    async renewNow(name) {
      const certificate = managed.get(toCanonicalName(name));
      if (certificate === undefined || signal.aborted) return;
      await busy.get(certificate);
      certificate.force();
      await perform(certificate, 'renew');
    },
    async obtain(name) {
      const canonical = toCanonicalName(name);
      const known = managed.get(canonical)?.material;
      return known ?? demand?.obtain(canonical);
    },
    settled: () => queue.settled(),
    async close() {
      timer?.cancel();
      missingTimer?.cancel();
      stopWatching?.();
      requests.close();
      ending.abort(new Error('the gateway closes'));
      await queue.settled();
      await (await presence)?.close();
    },
  };
}
