import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { AppendedFile } from './appended-file.ts';
import { LineBatch } from './line-batch.ts';
import type { Log } from './log.ts';

/** Writes records whose fields are serialised already: there is one a request, so serialising them is most of their cost. */
export interface RecordLog {
  /** `fields` are members of a JSON object in ASCII, without its braces. */
  write(message: string, fields: string): void;
}

export interface RecordFile extends RecordLog {
  /** Resolves once all records are in the file. */
  flush(): Promise<void>;
  /** The same, and lets go of the file: nothing may be written afterwards. */
  close(): Promise<void>;
}

/** pino's number for `info`. */
const INFO = 30;

/** Records as entries of another log. */
export function toRecordLog(log: Log): RecordLog {
  return { write: (message, fields) => log.info(JSON.parse(`{${fields}}`), message) };
}

/**
 * Opens a file for records, a JSON line each; throws a GatewayError when it cannot be opened. A file that cannot be written
 * any more costs its lines, never the traffic.
 */
export function openRecordFile(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly onProblem: (error: Error) => void;
}): RecordFile {
  const { path, clock, onProblem } = options;
  const file = open(path, onProblem);
  const batch = new LineBatch((bytes) => file.write(bytes), clock);
  return {
    write(message, fields) {
      batch.write(`{"level":${INFO},"time":${clock.now()},${fields},"msg":"${message}"}\n`);
    },
    flush() {
      batch.handOn();
      return file.written();
    },
    close() {
      batch.handOn();
      return file.close();
    },
  };
}

function open(path: string, onProblem: (error: Error) => void): AppendedFile {
  try {
    return new AppendedFile(path, onProblem);
  } catch (error) {
    throw new GatewayError('E_LOG_UNWRITABLE', `the access log \`${path}\` cannot be opened`, {
      cause: error,
    });
  }
}
