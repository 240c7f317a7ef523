import type { Clock } from '../lib/clock.ts';
import type { Balancer } from './balance/balancer.ts';
import { LeastRequests } from './balance/least-requests.ts';
import { RoundRobin } from './balance/round-robin.ts';
import type { ServerLimits } from './limits/connection-limit.ts';
import type { Standing } from './standing.ts';

/** What a group has to know of a server. */
export interface Member {
  /** The same in each process, each replica, and after each reload. */
  readonly key: string;
  /** Its share of new work; 0 for none. */
  readonly weight: number;
  readonly limits: ServerLimits | undefined;
  readonly standing: Standing;
  /** What active checks say; absent where nobody checks. */
  readonly health?: CheckedHealth | undefined;
  /** Until when it gets no new work while there are others, in milliseconds of the monotonic clock; absent for one that was always there. */
  readonly newUntil?: number | undefined;
}

export interface CheckedHealth {
  readonly isUp: boolean;
  /** The part of its weight that it has, up to 1. */
  share(now: number): number;
}

export type Balance = 'round_robin' | 'least_requests';

/** What became of a request, as far as it says something of its server. */
export type ServerSign =
  | 'well'
  /** No connection could be made, or it broke: nothing there can answer. */
  | 'unreachable'
  /** It answered with 502, 503 or 504. */
  | 'failing'
  /** It answered with 503 and Retry-After. */
  | 'busy';

export interface GroupOptions {
  readonly balance: Balance;
  readonly clock: Clock;
  /** Whether there may be several servers later. Where there are several now, that is known. */
  readonly mayGrow?: boolean;
}

/** The servers of a moment, by their places. */
interface Row<Server> {
  readonly servers: readonly Server[];
  readonly first: Server;
  readonly sole: Server | undefined;
  readonly byKey: ReadonlyMap<string, Server>;
  readonly balancer: Balancer;
  /** For the choice under way, so that it allocates nothing. */
  readonly weights: number[];
  readonly loads: number[];
}

function createRow<Server extends Member>(servers: readonly Server[], balance: Balance): Row<Server> {
  const [first] = servers;
  if (first === undefined) throw new TypeError('a group has at least one server');
  const { length } = servers;
  return {
    servers,
    first,
    sole: length === 1 ? first : undefined,
    byKey: new Map(servers.map((server) => [server.key, server])),
    balancer: balance === 'round_robin' ? new RoundRobin(length) : new LeastRequests(length),
    weights: servers.map(() => 0),
    loads: servers.map(() => 0),
  };
}

/**
 * Some copies of one MCP server. New work goes to one that is well, by weight; when none is, to any (a server that might answer is
 * better than none that is asked). Bound work asks `find`, and is nobody else's.
 */
export class UpstreamGroup<Server extends Member> {
  readonly #options: GroupOptions;
  readonly #clock: Clock;
  #row: Row<Server>;

  constructor(servers: readonly Server[], options: GroupOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#row = createRow(servers, options.balance);
  }

  /** In the order of the configuration; never empty. */
  get servers(): readonly Server[] {
    return this.#row.servers;
  }

  get first(): Server {
    return this.#row.first;
  }

  /** Has other servers from now on. What runs goes on with those that it has; the turns of the balancer begin anew. */
  change(servers: readonly Server[]): void {
    this.#row = createRow(servers, this.#options.balance);
  }

  /** Whether there are several, or may be later, whatever their state: what was begun with one then has to go on there. */
  get isShared(): boolean {
    return this.#options.mayGrow === true || this.#row.sole === undefined;
  }

  /** The server with this key. */
  find(key: string): Server | undefined {
    const { sole, byKey } = this.#row;
    if (sole !== undefined) return sole.key === key ? sole : undefined;
    return byKey.get(key);
  }

  /** A server for new work, not one of those that were tried for it; `undefined` when all were. */
  pick(tried?: ReadonlySet<Server>): Server | undefined {
    const { sole } = this.#row;
    if (sole !== undefined) return tried?.has(sole) === true ? undefined : sole;
    const now = this.#clock.monotonic();
    const place =
      this.#choose(now, tried, isWellWithRoom) ??
      this.#choose(now, tried, isWell) ??
      this.#choose(now, tried, isAny);
    return place === undefined ? undefined : this.servers[place];
  }

  /** Learns from what became of a request. */
  note(server: Server, sign: ServerSign): void {
    // Whoever is alone is asked in any case.
    if (this.#row.sole !== undefined) return;
    const { outlier } = server.standing;
    if (sign === 'well') {
      outlier.onSuccess();
      return;
    }
    const now = this.#clock.monotonic();
    if (sign === 'unreachable') outlier.onFailure(now, true);
    else if (sign === 'failing') outlier.onFailure(now, this.#mayEjectAnother(now));
    else outlier.onBusy(now, this.#mayEjectAnother(now));
  }

  /** Of servers that do answer, at most half are taken out: what fails everywhere is no fault of theirs, and the rest would be overrun. */
  #mayEjectAnother(now: number): boolean {
    let ejected = 0;
    for (const { standing } of this.servers) if (standing.outlier.isEjected(now)) ejected++;
    return (ejected + 1) * 2 <= this.servers.length;
  }

  #choose(
    now: number,
    tried: ReadonlySet<Server> | undefined,
    mayTake: (server: Member, now: number) => boolean,
  ): number | undefined {
    const { servers, weights, loads, balancer } = this.#row;
    for (let place = 0; place < servers.length; place++) {
      const server = servers[place];
      if (server === undefined) continue;
      const { standing, weight, health } = server;
      const isOut = tried?.has(server) === true || !mayTake(server, now);
      const share = Math.min(standing.outlier.share(now), health?.share(now) ?? 1);
      weights[place] = isOut ? 0 : weight * share;
      loads[place] = standing.work.open + standing.work.waiting;
    }
    const place = balancer.pick(weights, loads);
    return place < 0 ? undefined : place;
  }
}

function isWell({ standing, health, newUntil }: Member, now: number): boolean {
  if (newUntil !== undefined && now < newUntil) return false;
  return health?.isUp !== false && !standing.outlier.isEjected(now);
}

function isWellWithRoom(server: Member, now: number): boolean {
  return isWell(server, now) && server.standing.work.hasRoom(server.limits);
}

function isAny(): boolean {
  return true;
}
