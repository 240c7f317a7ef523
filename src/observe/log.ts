import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { LineBatch } from './line-batch.ts';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly pretty: boolean;
  readonly colour: boolean;
  /** A file to append to, or standard error. */
  readonly destination: { readonly kind: 'stderr' } | { readonly kind: 'file'; readonly path: string };
  readonly clock: Clock;
  /** How records of one message are told on a terminal: as a sentence, without the fields it covers. */
  readonly sentences: {
    readonly message: string;
    readonly covers: readonly string[];
    readonly toText: (record: Readonly<Record<string, unknown>>) => string;
  };
}

export interface OpenLog {
  readonly log: Log;
  /** Writes out what is buffered; call it before the process ends. */
  flush(): void;
}

/** Opens a structured log; throws a GatewayError when its file cannot be opened. A terminal gets readable lines, standard error JSON at once, a file JSON in batches. */
export function createLog(options: LogOptions): OpenLog {
  const { level, destination } = options;
  if (options.pretty) {
    const stream = pretty({
      destination: 2,
      sync: true,
      colorize: options.colour,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: ['pid', 'hostname', ...options.sentences.covers].join(','),
      singleLine: true,
      messageFormat: (record, key) => {
        const message = String(record[key]);
        return message === options.sentences.message ? options.sentences.toText(record) : message;
      },
    });
    return { log: pino({ level }, stream), flush: () => undefined };
  }
  if (destination.kind === 'stderr') {
    const stream = pino.destination({ dest: 2, sync: true });
    return { log: pino({ level, base: null }, stream), flush: () => stream.flushSync() };
  }
  const stream = pino.destination({ dest: openForAppending(destination.path), sync: false });
  const batch = new LineBatch(stream, options.clock);
  return { log: pino({ level, base: null }, batch), flush: () => batch.flush() };
}

/** Opened here, at once, so that a path that cannot be written is told at the start and not by the first line. */
function openForAppending(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a');
  } catch (error) {
    throw new GatewayError('E_LOG_UNWRITABLE', `the access log \`${path}\` cannot be opened`, {
      cause: error,
    });
  }
}
