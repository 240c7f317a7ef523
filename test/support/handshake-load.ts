import { connect, type ConnectionOptions } from 'node:tls';

/** Clients that do nothing but handshakes, one after the other. */
export interface HandshakeLoad {
  /** When a serial number was seen first: milliseconds of `performance.now`. */
  seenAt(serialNumber: string): number | undefined;
  /** Ends the clients and tells what they went through. */
  stop(): Promise<HandshakeReport>;
}

export interface HandshakeReport {
  /** Whole handshakes that were completed. */
  readonly full: number;
  /** Handshakes with a session from the connection before, completed; and those of them that took it up. */
  readonly offered: number;
  readonly resumed: number;
  /** Why handshakes failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface HandshakeLoadOptions {
  readonly port: number;
  /** PEM of the authority that every certificate must come from. */
  readonly ca: string;
  /** Clients that make whole handshakes, and others that resume. */
  readonly fullClients: number;
  readonly resumingClients: number;
}

interface Outcome {
  readonly serialNumber: string | undefined;
  readonly session: Buffer | undefined;
  readonly resumed: boolean;
}

const pause = 20;
/** Well below the two hours that a ticket is good for. */
const sessionLifetime = 60_000;

export function startHandshakeLoad(options: HandshakeLoadOptions): HandshakeLoad {
  const { port, ca } = options;
  const seen = new Map<string, number>();
  const failures: Record<string, number> = {};
  const counts = { full: 0, offered: 0, resumed: 0 };
  let stopped = false;

  const attempt = async (more: ConnectionOptions): Promise<Outcome | undefined> => {
    try {
      return await shake({ host: '127.0.0.1', port, ca, servername: 'localhost', ...more });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures[reason] = (failures[reason] ?? 0) + 1;
      return undefined;
    } finally {
      await new Promise((resolve) => void setTimeout(resolve, pause));
    }
  };
  const shakeFully = async (): Promise<void> => {
    while (!stopped) {
      const outcome = await attempt({});
      if (outcome?.serialNumber === undefined) continue;
      counts.full++;
      if (!seen.has(outcome.serialNumber)) seen.set(outcome.serialNumber, performance.now());
    }
  };
  const resume = async (): Promise<void> => {
    let kept: { readonly session: Buffer; readonly until: number } | undefined;
    while (!stopped) {
      if (kept !== undefined && performance.now() > kept.until) kept = undefined;
      const outcome = await attempt(kept === undefined ? {} : { session: kept.session });
      if (outcome === undefined) continue;
      if (kept !== undefined) {
        counts.offered++;
        if (outcome.resumed) counts.resumed++;
      }
      if (outcome.session !== undefined) {
        kept = { session: outcome.session, until: performance.now() + sessionLifetime };
      }
    }
  };
  const clients = [
    ...Array.from({ length: options.fullClients }, shakeFully),
    ...Array.from({ length: options.resumingClients }, resume),
  ];
  return {
    seenAt: (serialNumber) => seen.get(serialNumber),
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return { ...counts, failures };
    },
  };
}

/** One handshake; a whole one up to the session ticket that follows, which a resumed one does not bring. */
function shake(options: ConnectionOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    let serialNumber: string | undefined;
    const finish = (session: Buffer | undefined): void => {
      resolve({ serialNumber, session, resumed: session === undefined });
      socket.destroy();
    };
    socket.on('secureConnect', () => {
      serialNumber = socket.getPeerX509Certificate()?.serialNumber;
      if (socket.isSessionReused()) finish(undefined);
      // BoringSSL sends the ticket with the first answer.
      else socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    });
    socket.once('session', finish);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed before the handshake was done')));
  });
}
