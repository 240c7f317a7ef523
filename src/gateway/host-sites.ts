import { toHostOnly } from '../http/grammar.ts';
import { isWildcardName, toParentName } from '../lib/wildcard-name.ts';
import type { Destination } from './exchange.ts';
import { toHostName } from './host-names.ts';

/** What is for one host, by the exact path. */
export interface HostSite {
  /** As the route has it: `a.example.com`, or `*.example.com`. */
  readonly host: string;
  readonly paths: Map<string, Destination>;
}

/** Hosts go with any port, so a stranger can think of many. */
const MAX_KNOWN = 64;
const none: readonly HostSite[] = [];

/** The paths of routes that are for one host. */
export class HostSites {
  readonly #exact = new Map<string, HostSite>();
  /** By what is behind the star: `.example.com`. */
  readonly #wildcards = new Map<string, HostSite>();
  /** What was found for authorities that have any: clients use one or two, and taking them apart each time costs. */
  readonly #known = new Map<string, readonly HostSite[]>();

  get isEmpty(): boolean {
    return this.#exact.size + this.#wildcards.size === 0;
  }

  /** The paths of a host, to be filled before anything is looked up. */
  open(host: string): Map<string, Destination> {
    const isWildcard = isWildcardName(host);
    const sites = isWildcard ? this.#wildcards : this.#exact;
    const key = isWildcard ? host.slice(1) : toHostName(host);
    let site = sites.get(key);
    if (site === undefined) {
      site = { host, paths: new Map() };
      sites.set(key, site);
    }
    return site.paths;
  }

  /** The sites of a Host or :authority in lower case, whatever its port: its own first, then the one of its wildcard. */
  find(authority: string): readonly HostSite[] {
    const known = this.#known.get(authority);
    if (known !== undefined) return known;
    const name = toHostOnly(authority);
    const found = [this.#exact.get(name), this.#wildcards.get(toParentName(name) ?? '')].filter(
      (site) => site !== undefined,
    );
    if (found.length === 0) return none;
    if (this.#known.size < MAX_KNOWN) this.#known.set(authority, found);
    return found;
  }
}
