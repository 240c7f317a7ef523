/** A connection whose peer leaves what was sent to it, or the question whether it is there, without an answer. */
export interface UnansweredConnection {
  readonly localPort: number;
  /** As `toPlainAddress` writes it, without a zone. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes that were sent or wait to be, none of them acknowledged. */
  readonly unacknowledged: number;
  /** How often the system has repeated itself without an answer. It doubles the pause each time, beginning at 200 ms or more. */
  readonly repeats: number;
}

const LINE_FEED = 0x0a;
const COLON = 0x3a;
const ZERO = 0x30;
const V4_DIGITS = 8;
const V6_DIGITS = 32;
/** Places on a line, counted from the colon behind its number, the digits of both addresses left out (Linux, net/ipv4/tcp_ipv4.c). */
const TIMER = 35;
const REPEATS_END = 55;
/** Timers of the column `tr`: data is repeated, or the window of a full reader is asked for. */
const RETRANSMIT = '01';
const WINDOW_PROBE = '04';

/**
 * Finds the connections of a /proc/net/tcp or /proc/net/tcp6 in which the peer does not answer. Almost all lines are
 * passed over by a look at four bytes: the table has a line for each connection of the machine.
 */
export class TcpTableScan {
  readonly #found: UnansweredConnection[] = [];
  #rest: Buffer | undefined;

  /** What has been found so far. */
  get unanswered(): readonly UnansweredConnection[] {
    return this.#found;
  }

  /** Takes the next piece of the table; it is not kept. */
  feed(piece: Buffer): void {
    const text = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    let start = 0;
    for (let end = text.indexOf(LINE_FEED); end >= 0; end = text.indexOf(LINE_FEED, start)) {
      this.#readLine(text, start, end);
      start = end + 1;
    }
    this.#rest = start < text.length ? Buffer.from(text.subarray(start)) : undefined;
  }

  #readLine(text: Buffer, start: number, end: number): void {
    const colon = text.indexOf(COLON, start);
    if (colon < 0 || colon >= end) return;
    const digits = text[colon + 2 + V4_DIGITS] === COLON ? V4_DIGITS : V6_DIGITS;
    const base = colon + 2 * digits;
    const isProbing = text[base + TIMER + 1] === WINDOW_PROBE.charCodeAt(1);
    const isRepeating = text[base + REPEATS_END - 1] !== ZERO || text[base + REPEATS_END - 2] !== ZERO;
    if (!isProbing && !isRepeating) return;
    const connection = parseTcpLine(text.toString('latin1', start, end));
    if (connection !== undefined) this.#found.push(connection);
  }
}

function parseTcpLine(line: string): UnansweredConnection | undefined {
  const [, local = '', remote = '', , queues = '', timer = '', repeats = '', , probes = ''] = line
    .trim()
    .split(/\s+/);
  const [remoteDigits = '', remotePort = ''] = remote.split(':');
  const kind = timer.slice(0, 2);
  if (kind !== RETRANSMIT && kind !== WINDOW_PROBE) return undefined;
  const count = kind === WINDOW_PROBE ? Number(probes) : Number.parseInt(repeats, 16);
  if (count === 0 || Number.isNaN(count)) return undefined;
  return {
    localPort: Number.parseInt(local.slice(local.indexOf(':') + 1), 16),
    remoteAddress: toAddress(remoteDigits),
    remotePort: Number.parseInt(remotePort, 16),
    unacknowledged: Number.parseInt(queues.slice(0, 8), 16),
    repeats: count,
  };
}

/** State 0A is that of a socket which listens (Linux, include/net/tcp_states.h). */
const LISTENING = '0A';

/** The address of a listening socket in a whole /proc/net/tcp or /proc/net/tcp6; `undefined` when the inode is that of none. */
export function findListeningAddress(
  table: string,
  inode: string,
): { readonly host: string; readonly port: number } | undefined {
  for (const line of table.split('\n')) {
    const [, local = '', , state, , , , , , lineInode] = line.trim().split(/\s+/);
    if (state !== LISTENING || lineInode !== inode) continue;
    const [digits = '', port = ''] = local.split(':');
    return { host: toAddress(digits), port: Number.parseInt(port, 16) };
  }
  return undefined;
}

/** The table writes addresses as 32-bit numbers of the machine, which is a little-endian one wherever this is read. */
function toAddress(digits: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < digits.length; word += 8) {
    for (let at = word + 6; at >= word; at -= 2) bytes.push(Number.parseInt(digits.slice(at, at + 2), 16));
  }
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff';
  if (isMapped) return bytes.slice(12).join('.');
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
