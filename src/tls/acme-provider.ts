import { createAcmeHttp, type AcmeHttp } from './acme/acme-http.ts';
import { createAcmeIssuer } from './acme/acme-issuer.ts';
import { createChallengeBoard } from './acme/challenge-board.ts';
import { createSharedChallengeBoard } from './acme/shared-challenge-board.ts';
import type { ChallengeSolver, ChallengeType } from './acme/challenge.ts';
import { createDnsSolver } from './acme/dns-solver.ts';
import { createHttpSolver } from './acme/http-solver.ts';
import type { IssuerSettings } from './acme/issuer-settings.ts';
import { createPermission } from './acme/permission.ts';
import { createTlsAlpnSolver } from './acme/tls-alpn-solver.ts';
import { loadAutomation } from './automation/automation.ts';
import type { AutomationEvent } from './automation/automation-event.ts';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';
import { createRedisTexts } from '../state/redis/redis-texts.ts';
import type { CertificateEvent, CertificateProvider } from './certificate-provider.ts';
import { toDiagnostic } from './certificate-source.ts';
import { canServeChallenges, type ChallengeCertificates } from './handshake/challenge-callback.ts';

/** Certificates from authorities reached over ACME, as the configuration wants them. */
export interface AcmeSettings {
  /** The authorities that are asked, in this order. */
  readonly issuers: readonly [IssuerSettings, ...IssuerSettings[]];
  /** The preferred one first. */
  readonly challenges: readonly ChallengeType[];
  /** The command that sets DNS records, and the milliseconds until they can be seen everywhere. */
  readonly dns: { readonly command: readonly [string, ...string[]]; readonly wait: number } | undefined;
  /** Certificates for further names, where the service at the URL `ask` says yes. */
  readonly onDemand: { readonly ask: string; readonly perHour: number } | undefined;
  /** Names the program to authorities. */
  readonly version: string;
  /** Whether anyone listens for plain HTTP, as `http-01` needs it. */
  readonly plainHttp: boolean;
}

export interface AcmeProvider extends CertificateProvider {
  /** Begins to look after the certificates; nothing is asked of an authority before. */
  start(): void;
  /** Names that have no certificate yet. */
  missing(): readonly string[];
  readonly challenges: ChallengeCertificates;
  answerChallenge(token: string): string | undefined;
  /** Obtains a certificate for a name that a client asks for; true when there is one. Absent unless `onDemand` is set. */
  readonly obtain: ((name: string) => Promise<boolean>) | undefined;
}

export interface AcmeProviderOptions extends AcmeSettings {
  /** Names to obtain certificates for, one each. */
  readonly names: readonly string[];
  readonly stateDir: string;
  /** Where replicas without a common directory share all this. */
  readonly redis?: RedisConnection | undefined;
  readonly clock: Clock;
  readonly report: (event: CertificateEvent) => void;
  /** Puts what `served` says into service. */
  readonly onChange: () => void;
}

const HOOK_MILLISECONDS = 120_000;
const ASK_MILLISECONDS = 5000;

/** Puts the ACME client, the answers to its challenges and renewal together. Loads what is stored and asks nobody anything yet. */
export async function loadAcmeProvider(options: AcmeProviderOptions): Promise<AcmeProvider> {
  const { clock, dns, issuers, names, onDemand, redis, report, stateDir, version } = options;
  const local = createChallengeBoard(stateDir);
  const sharedBoard = redis && createSharedChallengeBoard({ local, redis, clock });
  const shared = redis && createRedisTexts(redis);
  const board = sharedBoard ?? local;
  const http = createHttpSolver(board);
  const alpn = createTlsAlpnSolver(clock, board);
  const solvers: readonly ChallengeSolver[] = [
    http,
    alpn,
    ...(dns === undefined
      ? []
      : [
          createDnsSolver({
            command: dns.command,
            propagation: dns.wait,
            timeout: HOOK_MILLISECONDS,
            clock,
            onCleanupError: (error) =>
              report({ kind: 'warning', warning: { ...toDiagnostic(error), severity: 'warning' } }),
          }),
        ]),
  ];
  const asking = onDemand === undefined ? undefined : openAsking(options);
  const automation = await loadAutomation({
    names,
    issuers: issuers.map((settings) =>
      createAcmeIssuer({ settings, stateDir, shared, solvers, clock, version }),
    ),
    challengesFor: (name) => toUsableChallenges(options, name),
    stateDir,
    redis,
    clock,
    random: Math.random,
    report: (event) => forward(event, report),
    onCertificate: options.onChange,
    ...(onDemand === undefined || asking === undefined
      ? {}
      : { onDemand: { ask: createPermission(onDemand.ask, asking), perHour: onDemand.perHour } }),
  });
  return {
    start: () => automation.start(),
    missing: () =>
      automation.certificates().flatMap(({ name, material }) => (material === undefined ? [name] : [])),
    challenges: alpn,
    answerChallenge: (token) => http.answerFor(token),
    obtain:
      onDemand === undefined ? undefined : async (name) => (await automation.obtain(name)) !== undefined,
    // A client that connects to an address sends no name and is answered with the first certificate.
    served: () =>
      automation
        .certificates()
        .flatMap(({ name, material, renewsAt }) =>
          material === undefined ? [] : [{ material, renewsAt, isAddress: isIP(name) !== 0 }],
        )
        .sort((one, other) => Number(other.isAddress) - Number(one.isAddress)),
    refresh: () => automation.settled(),
    async close() {
      await automation.close();
      sharedBoard?.close();
      asking?.close();
    },
  };
}

/** Those that can work here for a name, in the order of the configuration. */
function toUsableChallenges(options: AcmeProviderOptions, name: string): readonly ChallengeType[] {
  return options.challenges.filter((type) => {
    switch (type) {
      case 'http-01':
        return options.plainHttp && !name.startsWith('*.');
      case 'tls-alpn-01':
        return canServeChallenges && !name.startsWith('*.');
      case 'dns-01':
        return options.dns !== undefined && isIP(name) === 0;
    }
  });
}

function openAsking({ version, clock }: AcmeProviderOptions): AcmeHttp {
  return createAcmeHttp({
    roots: undefined,
    version,
    allowPlainLoopback: true,
    clock,
    timeout: ASK_MILLISECONDS,
  });
}

function forward(event: AutomationEvent, report: (event: CertificateEvent) => void): void {
  switch (event.kind) {
    case 'step':
    case 'issued':
      report(event);
      return;
    case 'adopted':
      report({ kind: 'replaced', facts: event.facts });
      return;
    case 'failed': {
      const { name, nextAttemptAt } = event;
      report({ kind: 'failed', name, error: toDiagnostic(event.error), nextAttemptAt });
      return;
    }
    case 'warning':
      report(event);
  }
}
