import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { toProblem } from '../../lib/gateway-error.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { Log } from '../../observe/log.ts';
import { AnnouncedPaths } from '../announced-paths.ts';
import type {
  LaunchedGateway,
  LaunchedWorker,
  LaunchFacts,
  LaunchOptions,
  ReloadFacts,
  RunningDescription,
} from '../launch.ts';
import type { BoundDoors } from '../listening/bound-doors.ts';
import type { WantedConfig } from '../wanted-config.ts';
import { DoorKeeper } from './door-keeper.ts';
import { mergeDescriptions } from './merge-descriptions.ts';
import { protocol, type FromWorker, type StartFailure } from './messages.ts';
import { forkWorker, type WorkerHandle } from './worker-handle.ts';
import { toWorkerHere } from './worker-here.ts';

export interface SuperviseOptions extends Omit<LaunchOptions, 'share' | 'doors'> {
  /** The listening sockets, which all workers serve. */
  readonly doors: BoundDoors;
  /** What happens to workers. */
  readonly log: Log;
  /** What has served alone in this process: the workers take its place. */
  readonly alone?: LaunchedWorker | undefined;
}

/** A worker that dies sooner after its start than this, in milliseconds, is started again with a pause. */
const SOON_MILLISECONDS = 5000;
const LONGEST_PAUSE = 30_000;
const FIRST_PAUSE = 500;
const HOLD_MILLISECONDS = 60_000;

type Started =
  | { readonly kind: 'ready'; readonly facts: LaunchFacts }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | { readonly kind: 'died'; readonly how: number | string };

/**
 * Serves by as many processes as the configuration wants. The supervisor has the listening sockets, takes connections and hands them out
 * in turn; certificates, keys and grants the workers share through the state directory, and counts by telling each other. One that dies
 * is replaced. What served `alone` goes on when no worker can start.
 */
export async function superviseGateway(
  options: SuperviseOptions,
): Promise<Result<LaunchedGateway, readonly Diagnostic[]>> {
  const supervisor = new Supervisor(options);
  // Alone at first: it makes what is made once, and what it cannot do the others need not try.
  const first = await supervisor.start();
  if (first.kind !== 'ready') {
    await supervisor.giveUp();
    return fail(toDiagnostics(first));
  }
  await supervisor.fill();
  supervisor.dismissAlone();
  return ok({
    facts: first.facts,
    reload: (next) => supervisor.reload(next),
    describe: () => supervisor.describe(),
    upgrade: () => supervisor.upgrade(),
    stop: () => supervisor.stop(),
    hasten: () => supervisor.hasten(),
  });
}

class Supervisor {
  readonly #options: SuperviseOptions;
  /** Reloads and upgrades. */
  readonly #changes = new SerialQueue();
  readonly #workers = new Map<number, WorkerHandle>();
  /** They take nothing new any more. */
  readonly #leaving = new Set<WorkerHandle>();
  /** Those that serve. */
  readonly #ready = new Set<WorkerHandle>();
  /** What the workers are called together, among other replicas. */
  readonly #replica = randomBytes(8).toString('hex');
  #wanted: WantedConfig;
  #isStopping = false;
  #hasStarted = false;
  /** Before that a worker that ends is no accident but the answer. */
  #isUp = false;
  /** Its timers hold no process, and while every worker is dead there is nothing else that does. */
  readonly #hold = setInterval(() => undefined, HOLD_MILLISECONDS);
  #pause = 0;
  #onEmpty: (() => void) | undefined;
  readonly #keeper: DoorKeeper;
  /** What a worker that is started learns at once. */
  readonly #announced = new AnnouncedPaths();
  readonly #alone: WorkerHandle | undefined;

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.#wanted = options;
    this.#keeper = new DoorKeeper(options.doors);
    const { alone } = options;
    if (alone !== undefined) {
      const here = toWorkerHere(alone, { onExit: (how) => this.#onExit(here, { how, livedFor: 0 }) });
      this.#alone = here;
      this.#ready.add(here);
      this.#leaving.add(here);
      this.#hasStarted = true;
      for (const announcement of alone.gateway.announced) this.#announced.hear(announcement);
    }
    cluster.setupPrimary({ serialization: 'advanced' });
  }

  get #count(): number {
    return this.#wanted.config.workers;
  }

  /** Starts one more worker. */
  start(): Promise<Started> {
    const { promise, resolve } = Promise.withResolvers<Started>();
    const startedAt = performance.now();
    const worker = forkWorker({
      onMessage: (message) => {
        if (message.kind === 'ready') this.#ready.add(worker);
        if (message.kind === 'ready' || message.kind === 'failed') resolve(message);
        else this.#hear(worker, message);
      },
      onExit: (how) => {
        resolve({ kind: 'died', how });
        this.#onExit(worker, { how, livedFor: performance.now() - startedAt });
      },
    });
    this.#workers.set(worker.id, worker);
    worker.tell({
      kind: 'start',
      config: this.#wanted.config,
      authRequested: this.#wanted.authRequested,
      terminal: this.#options.terminal,
      handed: this.#options.handed ?? [],
      protocol,
      replica: this.#replica,
      createsKey: !this.#hasStarted,
      announced: this.#announced.list(),
    });
    this.#hasStarted = true;
    return promise;
  }

  /** Starts the workers that are missing, and lets those go that are too many. */
  async fill(): Promise<void> {
    this.#isUp = true;
    const missing = this.#count - this.#workers.size;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.start()));
    const [...all] = this.#workers.values();
    for (const worker of all.slice(this.#count)) this.#dismiss(worker);
  }

  /** No worker can start: whoever served before goes on. */
  async giveUp(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#hold);
    for (const worker of this.#workers.values()) this.#keeper.leave(worker);
    await this.#options.doors.prune();
  }

  /** The workers serve by now. */
  dismissAlone(): void {
    this.#alone?.tell({ kind: 'stop', lingers: true });
  }

  /** One worker after the other; what the first refuses none of them does. */
  reload(next: WantedConfig): Promise<Result<ReloadFacts, readonly Diagnostic[]>> {
    return this.#changes.run(() => this.#reload(next));
  }

  /**
   * Starts the program on disk for each worker; the ones before take nothing new then and end when they have drained. All at once, so that
   * a stream that comes back finds nobody who leaves next; when one of the new does not start, all of them go again.
   */
  upgrade(): Promise<Result<undefined, readonly Diagnostic[]>> {
    return this.#changes.run(async () => {
      const before = new Set(this.#workers.values());
      for (let count = 0; count < before.size; count++) {
        const started = await this.start();
        if (started.kind === 'ready') continue;
        for (const worker of this.#workers.values()) if (!before.has(worker)) this.#dismiss(worker);
        return fail(toDiagnostics(started));
      }
      for (const old of before) this.#dismiss(old);
      return ok(undefined);
    });
  }

  async describe(): Promise<RunningDescription> {
    const described = await Promise.all(
      [...this.#ready].map(async (worker) => ({
        pid: worker.pid,
        answer: await worker.ask((ask) => ({ kind: 'describe', ask }), 'described'),
      })),
    );
    const found = described.flatMap(({ pid, answer }) =>
      answer === undefined ? [] : [{ pid, ...answer.description }],
    );
    return { ...mergeDescriptions(found), state: this.#isStopping ? 'draining' : 'running' };
  }

  async stop(): Promise<void> {
    await this.#changes.settle();
    this.#isStopping = true;
    this.#options.doors.close();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#onEmpty = () => resolve(undefined);
    for (const worker of this.#all()) worker.tell({ kind: 'stop', lingers: false });
    if (this.#all().length === 0) resolve(undefined);
    await promise;
    clearInterval(this.#hold);
  }

  hasten(): void {
    for (const worker of this.#all()) worker.tell({ kind: 'hasten' });
  }

  #all(): readonly WorkerHandle[] {
    return [...this.#workers.values(), ...this.#leaving];
  }

  #dismiss(worker: WorkerHandle): void {
    this.#workers.delete(worker.id);
    this.#leaving.add(worker);
    // What it was given so far it hears of before.
    this.#keeper.leave(worker);
    worker.tell({ kind: 'stop', lingers: true });
  }

  async #reload(next: WantedConfig): Promise<Result<ReloadFacts, readonly Diagnostic[]>> {
    let facts: ReloadFacts | undefined;
    for (const worker of this.#workers.values()) {
      const answer = await worker.ask((ask) => ({ kind: 'reload', ask, wanted: next }), 'reloaded');
      if (answer?.result.ok === true) facts ??= answer.result.value;
      else if (facts === undefined) {
        if (answer !== undefined && !answer.result.ok) return answer.result;
      } else worker.kill(); // What one of them can do is done: this one is replaced by another that does it, too.
      this.#wanted = facts === undefined ? this.#wanted : next;
    }
    if (facts === undefined) return fail([nobody]);
    await this.fill();
    await this.#options.doors.prune();
    return ok(facts);
  }

  #hear(
    from: WorkerHandle,
    message: Exclude<FromWorker, { kind: 'ready' | 'failed' | 'reloaded' | 'described' }>,
  ): void {
    switch (message.kind) {
      case 'news':
        if (message.news.kind === 'announced') this.#announced.hear(message.news);
        for (const worker of this.#all())
          if (worker !== from) worker.tell({ kind: 'news', from: from.id, news: message.news });
        return;
      case 'certificate': {
        // All of them see each change; it is told once.
        const [first] = this.#workers.values();
        if (first === from) this.#options.onCertificate?.(message.event);
        return;
      }
      case 'owner-code':
        this.#options.onOwnerCode?.(message.code);
        return;
      case 'open':
        void this.#keeper.open(from, message);
        return;
      case 'close':
        this.#keeper.close(from, message.number);
        return;
      case 'taken':
        this.#keeper.confirm(from, message.connection);
    }
  }

  #onExit(worker: WorkerHandle, { how, livedFor }: { how: number | string; livedFor: number }): void {
    const isExpected = this.#leaving.delete(worker);
    this.#workers.delete(worker.id);
    this.#ready.delete(worker);
    this.#keeper.forget(worker);
    for (const other of this.#all()) other.tell({ kind: 'gone', worker: worker.id });
    if (this.#all().length === 0) this.#onEmpty?.();
    if (!this.#isUp || this.#isStopping || isExpected) return;
    this.#options.log.error({ pid: worker.pid, how }, 'a worker has died; another one takes its place');
    this.#pause = livedFor > SOON_MILLISECONDS ? 0 : Math.min(LONGEST_PAUSE, 2 * this.#pause || FIRST_PAUSE);
    this.#options.clock.setTimeout(() => {
      if (!this.#isStopping && this.#workers.size < this.#count) void this.start();
    }, this.#pause);
  }
}

const nobody: Diagnostic = {
  severity: 'error',
  code: 'E_INTERNAL',
  message: 'no worker answered; try again in a moment',
};

function toDiagnostics(started: Exclude<Started, { kind: 'ready' }>): readonly Diagnostic[] {
  if (started.kind === 'died')
    return [{ ...nobody, message: `a worker ended at its start (${started.how})` }];
  const { failure } = started;
  return failure.kind === 'problems' ? failure.diagnostics : [toProblem(failure)];
}
