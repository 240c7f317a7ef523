import { Resolver as NameServers } from 'node:dns/promises';
import type { Resolver } from './safe-fetch.ts';

/** Milliseconds until a name server is asked again, twice as long then; with several, each gets that often. */
const settings = { timeout: 1000, tries: 2 };

/**
 * Finds addresses, IPv4 and IPv6, by asking the name servers of the system itself, for names that strangers choose. `getaddrinfo` keeps
 * one of the few threads of the process waiting for as long as a name server is silent (libuv, "Thread pool work scheduling"): two such
 * names would hold up all other look-ups. This keeps none, and ends with the signal. It knows public names only, nothing of `/etc/hosts`.
 */
export function createNameServerResolver(
  options: {
    /** Addresses with ports; those of the system when absent. */
    readonly servers?: readonly string[];
  } = {},
): Resolver {
  const { servers } = options;
  return async (name, signal) => {
    // One for each name: cancelling ends all that it was asked.
    const nameServers = new NameServers(settings);
    if (servers !== undefined) nameServers.setServers(servers);
    const cancel = (): void => nameServers.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    // A name often has addresses of one kind alone, which the other question fails for.
    const answers = await Promise.allSettled([nameServers.resolve4(name), nameServers.resolve6(name)]);
    signal.removeEventListener('abort', cancel);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}
