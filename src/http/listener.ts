import type { Socket } from 'node:net';
import {
  createServer as createTlsServer,
  TLSSocket,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import { toAddressGroup } from '../lib/address-group.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { endTransportWith } from '../lib/transport.ts';
import type { OpenAcceptor } from './acceptor.ts';
import type { BodyBudget } from './body-budget.ts';
import type { Deadlines } from './deadlines.ts';
import type { Peer, PeerCertificate, RequestHandler } from './exchange.ts';
import { H1Connection, type H1Settings } from './h1-connection.ts';
import { createH2Session, type H2Settings } from './h2-session.ts';
import type { PeerWatch } from './peer-watch.ts';
import { receiveProxyHeader } from './proxy-connection.ts';
import { isLoopbackPeer, toPlainAddress, type IsTrusted } from './trusted-proxies.ts';
import { createTurnQueue } from './turn-queue.ts';

export interface ListenerOptions {
  readonly open: OpenAcceptor;
  readonly deadlines: Deadlines;
  /** Ends connections whose client has vanished. */
  readonly peers: PeerWatch;
  readonly settings: ListenerSettings;
}

/** How connections are served; `use` changes it for those that come afterwards. */
export interface ListenerSettings {
  /** TLS settings, or `undefined` for plain HTTP. */
  readonly tls: TlsOptions | undefined;
  /** Called with the TLS server before it takes connections, for whoever swaps its certificates. */
  readonly onSecureServer?: (server: TlsServer) => void;
  /** Asked once for each TLS connection, after its handshake; nothing asks for client certificates when absent. */
  readonly identify?: ((socket: TLSSocket) => PeerCheck) | undefined;
  /** When set, each connection must begin with a PROXY header, and come from a trusted address. */
  readonly proxyProtocol: IsTrusted | undefined;
  readonly maxConnections: number;
  /** Of an IPv4 address, or a /64 of IPv6. */
  readonly maxConnectionsPerAddress: number;
  readonly h1: H1Settings;
  readonly h2: H2Settings;
  /** Shared by all listeners of a process. */
  readonly bodies: BodyBudget;
  readonly handler: RequestHandler;
  readonly onRefused: (refusal: { readonly peer: Peer; readonly code: ErrorCode }) => void;
}

/** What is known of a client from its certificate. One that is refused is cut without a word. */
export type PeerCheck =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'known'; readonly certificate: PeerCertificate }
  | { readonly kind: 'refused' };

const KEEP_ALIVE_MILLISECONDS = 60_000;
/** The last connections under the cap are this machine's own, for health checks in the middle of a flood; a tenth of a small cap. */
const OWN_CONNECTIONS = 8;
/** Each takes about a millisecond, and when all clients of a restarted gateway return at once, their calls wait meanwhile. */
const HANDSHAKES_PER_TURN = 8;

/** A client connection of either protocol, as far as shutting down is concerned. */
interface DrainableConnection {
  drain(lingers: boolean): void;
}

export interface Listener {
  readonly address: { readonly host: string; readonly port: number };
  /** Open client connections, handshakes included. */
  readonly connections: number;
  /** Sockets of the open client connections. */
  readonly sockets: Iterable<Socket>;
  /** Serves new connections by other settings. Those that are open keep theirs, with whatever handler they were given. */
  use(settings: ListenerSettings): void;
  /** Ends the connections that are open now, each after its next answer. New ones are accepted as before. */
  retireConnections(): void;
  /**
   * Stops accepting; idle connections close now, or with `lingers` after their next answer, and busy ones after theirs. Resolves when all
   * are gone.
   */
  drain(options?: { readonly lingers: boolean }): Promise<void>;
  /** Destroys every connection. */
  destroy(): void;
}

/** Serves HTTP/1.1 and, by ALPN, HTTP/2 on one address. Rejects with the system's error when that cannot be bound. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const connections = new Set<DrainableConnection>();
  const perGroup = new Map<string, number>();
  const { deadlines, peers } = options;
  let closed: Promise<void> | undefined;
  let onEmpty: (() => void) | undefined;
  let isLingering = false;
  let { settings } = options;
  let tlsServer: TlsServer | undefined;
  /** Peers that a PROXY header named, by both ends: a TLSSocket does not tell which socket it wraps. */
  const named = new Map<string, Peer>();

  /** Connection floods (A21): counted before the handshake, which is what they exhaust. */
  const admit = (socket: Socket): boolean => {
    const { remoteAddress } = socket;
    const { maxConnections } = settings;
    const reserved = Math.min(OWN_CONNECTIONS, Math.floor(maxConnections / 10));
    const isFull =
      sockets.size >= maxConnections - reserved &&
      (sockets.size >= maxConnections || !isLoopbackPeer(remoteAddress ?? ''));
    if (isFull || remoteAddress === undefined) {
      socket.destroy();
      return false;
    }
    sockets.add(socket);
    peers.wake();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
    socket.on('error', destroyOnError);
    const ends = toEnds(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      named.delete(ends);
      if (sockets.size === 0) onEmpty?.();
    });
    return true;
  };

  /** Connection floods from one network (A21): whoever has an IPv6 address has all of its /64. */
  const admitAddress = (socket: Socket, address: string): boolean => {
    const group = toAddressGroup(address);
    const count = (perGroup.get(group) ?? 0) + 1;
    if (count > settings.maxConnectionsPerAddress) {
      socket.destroy();
      return false;
    }
    perGroup.set(group, count);
    socket.once('close', () => {
      const left = (perGroup.get(group) ?? 1) - 1;
      if (left === 0) perGroup.delete(group);
      else perGroup.set(group, left);
    });
    return true;
  };

  const serve = (socket: Socket): void => {
    socket.on('error', destroyOnError);
    endTransportWith(socket);
    const protocol = protocolOf(socket);
    if (protocol === undefined) {
      socket.end();
      return;
    }
    const { identify, h1, h2, bodies, handler, onRefused } = settings;
    const check = identify !== undefined && socket instanceof TLSSocket ? identify(socket) : undefined;
    if (check?.kind === 'refused') {
      socket.destroy();
      return;
    }
    const peer = {
      ...(named.get(toEnds(socket)) ?? {
        address: toPlainAddress(socket.remoteAddress ?? ''),
        port: socket.remotePort ?? 0,
        secure: tlsServer !== undefined,
      }),
      ...(check?.kind === 'known' ? { certificate: check.certificate } : {}),
    };
    const onClosed = (): void => void connections.delete(connection);
    const connection: DrainableConnection =
      protocol === 'h2'
        ? createH2Session({
            socket,
            peer,
            environment: { settings: h2, bodies, deadlines, handler, onRefused },
            onClosed,
          })
        : new H1Connection({
            socket,
            peer,
            environment: { settings: h1, bodies, deadlines, handler, onRefused },
            onClosed,
          });
    connections.add(connection);
    // Its handshake was under way when the others were told.
    if (closed !== undefined) connection.drain(isLingering);
  };

  const use = (next: ListenerSettings): void => {
    const isSame = tlsServer !== undefined && next.tls === settings.tls;
    settings = next;
    if (isSame) return;
    // Handshakes that are under way on the old one go on; it never listened itself, so this only tells whoever follows it.
    tlsServer?.close();
    tlsServer = next.tls === undefined ? undefined : createTlsServer(next.tls, serve);
    tlsServer?.on('tlsClientError', (_error, socket) => void socket.destroy());
    if (tlsServer !== undefined) next.onSecureServer?.(tlsServer);
  };
  use(settings);
  const inTurn = createTurnQueue(HANDSHAKES_PER_TURN);
  const start = (socket: Socket): void => {
    if (tlsServer === undefined) {
      serve(socket);
      return;
    }
    inTurn(() => {
      if (!socket.destroyed) tlsServer?.emit('connection', socket);
    });
  };
  const take = (socket: Socket): void => {
    if (!admit(socket)) return;
    const { proxyProtocol, h1 } = settings;
    if (proxyProtocol === undefined) {
      if (admitAddress(socket, socket.remoteAddress ?? '')) start(socket);
      return;
    }
    // Behind a proxy it is the clients that are counted: the proxy's own address is that of them all.
    receiveProxyHeader(socket, {
      isTrusted: proxyProtocol,
      deadlines,
      timeout: h1.headTimeout,
      onReady: (source) => {
        if (source !== undefined) {
          if (!admitAddress(socket, source.address)) return;
          named.set(toEnds(socket), { ...source, secure: tlsServer !== undefined });
        }
        start(socket);
      },
    });
  };

  const acceptor = await options.open(take);
  return {
    address: acceptor.address,
    get connections() {
      return sockets.size;
    },
    sockets,
    use,
    retireConnections() {
      for (const connection of connections) connection.drain(true);
    },
    drain({ lingers } = { lingers: false }) {
      isLingering = lingers;
      closed ??= new Promise((resolve) => {
        onEmpty = () => resolve();
        acceptor.close();
        for (const connection of connections) connection.drain(lingers);
        if (sockets.size === 0) resolve();
      });
      return closed;
    },
    destroy() {
      acceptor.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function destroyOnError(this: Socket): void {
  // Resets and broken handshakes are everyday; `close` follows and does the accounting.
  this.destroy();
}

/** What is spoken on a connection; `undefined` for the validator of a certificate authority, which saw all it came for in the handshake (RFC 8737 section 3). */
function protocolOf(socket: Socket): 'h1' | 'h2' | undefined {
  const chosen = 'alpnProtocol' in socket ? socket.alpnProtocol : false;
  if (typeof chosen !== 'string' || chosen === 'http/1.1') return 'h1';
  return chosen === 'h2' ? 'h2' : undefined;
}

/** One remote port may be connected to several of our addresses at a time: then its end alone would name the wrong client (proxy-confusion). */
function toEnds({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
