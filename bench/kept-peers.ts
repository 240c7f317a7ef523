import { checkAnswers, type CheckOptions } from './check-answer.ts';
import { launchPeer, type LaunchOptions, type RunningPeer } from './launch.ts';
import type { Peer } from './peer.ts';
import { hasEnded, stop } from './programs.ts';
import type { Upstream } from './upstreams/call-upstream.ts';
import { startMcpUpstream } from './upstreams/node-upstream.ts';

export interface KeptPeers {
  /** Starts a peer in front of the upstream and checks its answers. */
  admit(peer: Peer): Promise<RunningPeer>;
  get(peer: Peer): RunningPeer;
  /** Ends all peers and their upstreams. */
  close(): Promise<void>;
}

interface KeptOptions extends Omit<CheckOptions, 'upstreamPort' | 'isSecured'> {
  /** One that runs already; else one is started when a peer needs it. Either way it ends with the peers. */
  readonly mcpUpstream?: Upstream;
}

/**
 * Peers that run from the first round to the last, so that each is as warm as the others. Those that speak MCP themselves
 * stand before a server that does too, unless the one of all peers already is one.
 */
export function createKeptPeers(
  upstream: Upstream,
  options: Omit<LaunchOptions, 'upstreamPort'>,
  { mcpUpstream: given, ...check }: KeptOptions,
): KeptPeers {
  const running = new Map<string, RunningPeer>();
  let mcpUpstream = upstream.speaksMcp ? upstream : given;
  return {
    async admit(peer) {
      if (peer.isMcpEndpoint === true) mcpUpstream ??= await startMcpUpstream(options.directory);
      const { port } = peer.isMcpEndpoint === true && mcpUpstream !== undefined ? mcpUpstream : upstream;
      const launched = await launchPeer(peer, { ...options, upstreamPort: port });
      running.set(peer.name, launched);
      const isSecured = options.check !== undefined && options.check !== 'none';
      await checkAnswers(launched, { ...check, isSecured, upstreamPort: port });
      return launched;
    },
    get(peer) {
      const found = running.get(peer.name);
      if (found === undefined) throw new Error(`${peer.name} does not run`);
      if (hasEnded(found.process)) throw new Error(`it ended: ${found.readOutput()}`);
      return found;
    },
    async close() {
      await Promise.all([...running.values()].map(({ process }) => stop(process)));
      await Promise.all(
        [upstream, ...(mcpUpstream === undefined ? [] : [mcpUpstream])].map(({ process }) => stop(process)),
      );
    },
  };
}
