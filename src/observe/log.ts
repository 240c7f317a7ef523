import pino, { type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly pretty: boolean;
  readonly colour: boolean;
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

/** Opens the structured log on standard error: readable lines for a terminal, JSON for everything else, which is spared what makes them. */
export async function createLog(options: LogOptions): Promise<OpenLog> {
  const { level } = options;
  if (options.pretty) {
    const { default: pretty } = await import('pino-pretty');
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
  const stream = pino.destination({ dest: 2, sync: true });
  return { log: pino({ level, base: null }, stream), flush: () => stream.flushSync() };
}
