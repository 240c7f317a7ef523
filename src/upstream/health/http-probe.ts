import { startAnswerProbe } from './answer-probe.ts';
import type { Probe, ProbeListener, ProbeOptions, ProbeResult } from './probe-connection.ts';

const FIRST_GOOD = 200;
const FIRST_BAD = 400;
/** As much as pages of health take; what comes behind it is not waited for. */
const LONGEST_BODY = 64 * 1024;
const passed: ProbeResult = { kind: 'passed' };

/** Gets a path: 2xx and 3xx pass, the whole answer in time. An event stream has no end and passes by its head. */
export function startHttpProbe(path: string, options: ProbeOptions, onResult: ProbeListener): Probe {
  return startAnswerProbe(
    {
      method: 'GET',
      path,
      fields: 'accept: */*\r\n',
      body: '',
      judgeHead({ status, isEventStream }) {
        if (status < FIRST_GOOD || status >= FIRST_BAD)
          return { kind: 'failed', reason: `answers \`GET ${path}\` with ${status}` };
        return isEventStream ? passed : undefined;
      },
      judgeBody: () => passed,
      longestBody: LONGEST_BODY,
      overlong: passed,
    },
    options,
    onResult,
  );
}
