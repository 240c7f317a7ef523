/** What the processor did in a sample. */
export const workKinds = [
  'system calls that write to sockets',
  'system calls that read from sockets',
  'the rest of the kernel',
  'OpenSSL',
  'garbage collection',
  'JavaScript',
  'runtime, libraries and everything else',
] as const;

export type WorkKind = (typeof workKinds)[number];

interface Frame {
  readonly symbol: string;
  /** The file the code came from. */
  readonly object: string;
}

const socketWrites = /^(tcp_sendmsg|sock_write_iter|__sys_sendto|____sys_sendmsg|sock_sendmsg)/;
const socketReads = /^(tcp_recvmsg|sock_read_iter|__sys_recvfrom|____sys_recvmsg|sock_recvmsg)/;
const collection = /Scaveng|Marking|Sweep|MarkCompact|MinorGC|GCTask|Evacuat/;
const openssl = /^(ossl_|SSL_|ssl3_|tls_|EVP_|BIO_|aes|CRYPTO_|ERR_)/;

/**
 * Sorts the samples that `perf script -F ip,sym,dso` prints, each a stack from the innermost frame on, by what the processor did.
 * A system call counts with all that the kernel does in it, which on loopback includes the other end's receiving.
 */
export function countWorkKinds(script: string): ReadonlyMap<WorkKind, number> {
  const counts = new Map<WorkKind, number>(workKinds.map((kind) => [kind, 0]));
  for (const sample of script.split(/\n\s*\n/)) {
    const frames = sample.split('\n').flatMap(parseFrame);
    if (frames.length === 0) continue;
    const kind = toKind(frames);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function parseFrame(line: string): readonly Frame[] {
  const [, symbol, object] = /^\s+[0-9a-f]+ (.*) \((.*)\)$/.exec(line) ?? [];
  return symbol === undefined || object === undefined ? [] : [{ symbol, object }];
}

function toKind(frames: readonly Frame[]): WorkKind {
  const [first] = frames;
  const has = (pattern: RegExp): boolean => frames.some(({ symbol }) => pattern.test(symbol));
  if (has(collection)) return 'garbage collection';
  if (first?.object === '[kernel.kallsyms]') {
    if (has(socketWrites)) return 'system calls that write to sockets';
    if (has(socketReads)) return 'system calls that read from sockets';
    return 'the rest of the kernel';
  }
  const isOpenssl = /lib(ssl|crypto)\.so/.test(first?.object ?? '') || openssl.test(first?.symbol ?? '');
  if (isOpenssl) return 'OpenSSL';
  // Code that V8 compiled, and its built-in functions.
  if (/^(JS:|Builtins_)/.test(first?.symbol ?? '')) return 'JavaScript';
  return 'runtime, libraries and everything else';
}

export interface MeasuredWork {
  readonly name: string;
  /** µs of processor time for a call. */
  readonly perCall: number;
  readonly counts: ReadonlyMap<WorkKind, number>;
}

/** µs of a call by kind, as Markdown: a column each. */
export function buildWorkTable(measured: readonly MeasuredWork[]): string {
  const row = (name: string, toCell: (work: MeasuredWork) => number): string =>
    `| ${[name, ...measured.map((work) => toCell(work).toFixed(1))].join(' | ')} |`;
  const share = ({ counts, perCall }: MeasuredWork, kind: WorkKind): number => {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    return ((counts.get(kind) ?? 0) / Math.max(1, all)) * perCall;
  };
  return `${[
    `| µs of a call | ${measured.map(({ name }) => name).join(' | ')} |`,
    `|---|${'---:|'.repeat(measured.length)}`,
    ...workKinds.map((kind) => row(kind, (work) => share(work, kind))),
    row('all', ({ perCall }) => perCall),
  ].join('\n')}\n`;
}
