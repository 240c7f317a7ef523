import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcmeHttp } from '../../../src/tls/acme/acme-http.ts';
import { createAcmeIssuer } from '../../../src/tls/acme/acme-issuer.ts';
import { createHttpSolver } from '../../../src/tls/acme/http-solver.ts';
import type { IssuerSettings } from '../../../src/tls/acme/issuer-settings.ts';
import type {
  CertificateIssuer,
  IssuedCertificate,
  IssueRequest,
  IssueStep,
} from '../../../src/tls/automation/issuer.ts';
import { createAcmeStub, type AcmeStub } from '../../support/acme-stub/acme-stub.ts';
import type { AcmeStubOptions } from '../../support/acme-stub/settings.ts';
import { createStubHttp } from '../../support/acme-stub/stub-http.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createMemoryBoard } from '../../support/memory-board.ts';

/** The client and an authority in memory, on a clock that runs only while something waits for it. */
export interface StubRig {
  readonly stub: AcmeStub;
  readonly clock: ManualClock;
  readonly stateDir: string;
  readonly steps: IssueStep[];
  createIssuer(settings?: Partial<IssuerSettings>): CertificateIssuer;
  issue(options?: {
    readonly names?: IssueRequest['names'];
    readonly issuer?: CertificateIssuer;
    readonly replaces?: IssuedCertificate;
  }): Promise<IssuedCertificate>;
  /** Lets the clock run until a promise settles. */
  run<T>(promise: Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** Milliseconds that pass in a turn of the event loop while the client pauses. */
const pace = 50;
/** How long an answer may take in real milliseconds before it counts as none, and what passes then. */
const silence = 300;
const patience = 30_000;
const usualNames: IssueRequest['names'] = ['mcp.example.com'];

export async function createStubRig(options: Omit<AcmeStubOptions, 'clock'> = {}): Promise<StubRig> {
  const clock = new ManualClock(Date.UTC(2026, 8, 21));
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-acme-'));
  const solver = createHttpSolver(createMemoryBoard());
  const stub = await createAcmeStub({ clock, lookup: ({ token }) => solver.answerFor(token), ...options });
  const { http, activity } = watch(createStubHttp(stub, clock));
  const steps: IssueStep[] = [];

  const createIssuer: StubRig['createIssuer'] = (settings = {}) =>
    createAcmeIssuer({
      settings: {
        directory: stub.directoryUrl,
        title: 'Stub',
        email: undefined,
        termsAccepted: true,
        profile: undefined,
        preferredChain: undefined,
        ca: undefined,
        eab: undefined,
        ...settings,
      },
      stateDir,
      solvers: [solver],
      clock,
      version: '0.0.0-test',
      http,
    });
  const usual = createIssuer();

  async function run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    while (!settled) {
      await new Promise((resolve) => setImmediate(resolve));
      // Every request has a timer of its own; one more is a pause.
      if (clock.pending > activity.running) clock.advance(pace);
      else if (performance.now() - activity.last > silence) clock.advance(patience);
    }
    return promise;
  }

  return {
    stub,
    clock,
    stateDir,
    steps,
    createIssuer,
    run,
    issue: ({ names = usualNames, issuer = usual, replaces } = {}) =>
      run(
        issuer.issue({
          names,
          challenges: ['http-01'],
          replaces,
          onStep: (step) => void steps.push(step),
          signal: new AbortController().signal,
        }),
      ),
    stop: () => rm(stateDir, { recursive: true, force: true }),
  };
}

/** Knows how many requests are on their way, and since when nothing has changed. */
function watch(inner: AcmeHttp): {
  readonly http: AcmeHttp;
  readonly activity: { running: number; last: number };
} {
  const activity = { running: 0, last: performance.now() };
  const http: AcmeHttp = {
    async send(request) {
      activity.running += 1;
      activity.last = performance.now();
      try {
        return await inner.send(request);
      } finally {
        activity.running -= 1;
        activity.last = performance.now();
      }
    },
    close: () => inner.close(),
  };
  return { http, activity };
}
