import { connect, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatAuthority } from '../../lib/authority.ts';
import type { Target, TcpFacts } from '../facts.ts';
import { exchange } from './exchange.ts';
import { buildLegacy } from './messages.ts';
import type { Peer } from './question.ts';

type AddressFact = TcpFacts['addresses'][number];

export interface GatherTcpOptions {
  readonly deadline: number;
  /** How a server of MCP is recognised at the ports beside: questions go there without a credential. */
  readonly peer: Omit<Peer, 'address'>;
  /** Ports that are looked at beside the target's own. */
  readonly ports?: readonly number[];
}

/** More addresses are not tried: a service with more is no single machine. */
const mostAddresses = 8;
/** Where servers of MCP listen by their examples: FastMCP and uvicorn, the SDKs and Express, and what people take next. */
const usualPorts = [8000, 3000, 3001, 5000, 8001, 8080, 8787, 9000];
/** A port that is filtered says nothing; nobody waits for it for long. */
const portDeadline = 800;

/** Connects to every address, and to the usual ports of servers beside. Never rejects. */
export async function gatherTcp(
  target: Target,
  addresses: readonly string[],
  options: GatherTcpOptions,
): Promise<TcpFacts> {
  const tried = await Promise.all(
    addresses.slice(0, mostAddresses).map((address) => tryAddress(address, target.port, options.deadline)),
  );
  const used = tried.find(({ outcome }) => outcome === 'open')?.address;
  const ports = (options.ports ?? usualPorts).filter((port) => port !== target.port);
  return {
    addresses: tried,
    ...(used === undefined ? {} : { used }),
    ipv6Here: hasIpv6(),
    // From this machine every port is in reach, and what listens there is nobody's fault.
    besides:
      used === undefined || target.loopback
        ? []
        : await Promise.all(ports.map((port) => lookAt(target, { port, address: used }, options))),
  };
}

function tryAddress(address: string, port: number, deadline: number): Promise<AddressFact> {
  const { promise, resolve } = Promise.withResolvers<AddressFact>();
  const started = performance.now();
  const family = isIP(address) === 6 ? 6 : 4;
  const done = (outcome: AddressFact['outcome'], code?: string): void => {
    clearTimeout(timer);
    socket.destroy();
    const took = Math.round((performance.now() - started) * 10) / 10;
    resolve({ address, family, outcome, ...(code === undefined ? {} : { code }), took });
  };
  const socket = connect({ host: address, port });
  const timer = setTimeout(() => done('timeout', 'ETIMEDOUT'), deadline);
  socket.once('connect', () => done('open'));
  socket.on('error', (error: NodeJS.ErrnoException) =>
    done(toOutcome(error.code), error.code ?? error.message),
  );
  return promise;
}

function toOutcome(code: string | undefined): AddressFact['outcome'] {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return 'unreachable';
    case undefined:
    default:
      return 'failed';
  }
}

async function lookAt(
  target: Target,
  { port, address }: { readonly port: number; readonly address: string },
  { peer }: GatherTcpOptions,
): Promise<TcpFacts['besides'][number]> {
  if ((await tryAddress(address, port, portDeadline)).outcome !== 'open')
    return { port, open: false, mcp: false };
  const { exchange: asked } = await exchange(
    { ...peer, address },
    {
      // Any answer in JSON-RPC tells enough, and this message begins no session.
      ...buildLegacy('ping', { id: 1 }),
      method: 'POST',
      origin: `http://${formatAuthority(target.host, port)}`,
      path: target.path,
      deadline: portDeadline,
    },
  );
  if (asked.outcome === 'failed') return { port, open: true, mcp: false };
  const server = asked.answer.fields['server'];
  return {
    port,
    open: true,
    mcp: asked.answer.rpc !== undefined,
    ...(server === undefined ? {} : { server: server.slice(0, 80) }),
  };
}

/** Whether an interface has an address by which the IPv6 internet can be reached: not loopback, link-local or unique-local. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(
      ({ family, internal, address }) => family === 'IPv6' && !internal && /^[23]/.test(address),
    ),
  );
}
