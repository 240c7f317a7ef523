import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly pretty: boolean;
  readonly colour: boolean;
  /** A file to append to, or standard error. */
  readonly destination: { readonly kind: 'stderr' } | { readonly kind: 'file'; readonly path: string };
}

/** Bytes gathered before a write, so that a busy access log costs one system call for many lines. */
const BUFFER_BYTES = 64 * 1024;
const FLUSH_MILLISECONDS = 1000;

export interface OpenLog {
  readonly log: Log;
  /** Writes out what is buffered; call it before the process ends. */
  flush(): void;
}

/** Opens a structured log. A terminal gets readable lines at once, everything else buffered JSON. */
export function createLog(options: LogOptions): OpenLog {
  if (options.pretty) {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: options.colour,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid,hostname',
    });
    return { log: pino({ level: options.level }, stream), flush: () => undefined };
  }
  const toFile = options.destination.kind === 'file';
  const destination = pino.destination({
    dest: options.destination.kind === 'file' ? options.destination.path : 2,
    mkdir: true,
    sync: !toFile,
    ...(toFile ? { minLength: BUFFER_BYTES, maxWrite: 2 * BUFFER_BYTES, periodicFlush: FLUSH_MILLISECONDS } : {}),
  });
  return {
    log: pino({ level: options.level, base: null }, destination),
    flush: () => destination.flushSync(),
  };
}
