import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { createLog, type Log } from '../observe/log.ts';
import { openRecordFile, toRecordLog, type RecordLog } from '../observe/record-log.ts';
import { describeRecord, recordFields, RECORD_MESSAGE } from './access-record.ts';

export interface Logs {
  readonly log: Log;
  /** `undefined` where requests are not recorded. */
  readonly accessLog: RecordLog | undefined;
  /** Writes out what waits. */
  close(): Promise<void>;
}

export interface LogsOptions {
  readonly clock: Clock;
  /** Whether the log goes to a terminal that shows colours. */
  readonly terminal: { readonly isTty: boolean; readonly colour: boolean };
}

/** Opens what the configuration wants written. Rejects with a GatewayError when the access log cannot be opened. */
export async function openLogs(config: Config, { terminal, clock }: LogsOptions): Promise<Logs> {
  const { level, format, access } = config.log;
  const pretty = format === 'pretty' || (format === 'auto' && terminal.isTty);
  const sentences = { message: RECORD_MESSAGE, covers: recordFields, toText: describeRecord };
  const main = await createLog({ level, pretty, colour: terminal.colour, sentences });
  const { log } = main;
  const flushLog = async (): Promise<void> => main.flush();
  switch (access.kind) {
    case 'off':
      return { log, accessLog: undefined, close: flushLog };
    case 'stderr':
      return { log, accessLog: toRecordLog(log), close: flushLog };
    case 'file': {
      // Who names a file wants every request in it, however quiet the rest is.
      const onProblem = (error: Error): void =>
        log.error({ err: error }, 'the access log cannot be written; its lines are lost');
      const file = openRecordFile({ path: access.path, clock, onProblem });
      const close = async (): Promise<void> => {
        await file.close();
        main.flush();
      };
      return { log, accessLog: file, close };
    }
  }
}
