import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

/** How a run of slowhttptest ended. */
export interface SlowProgramResult {
  readonly output: string;
  /** Seconds. */
  readonly endedAt: number;
  /** True when the server had closed all connections before the time was up. */
  readonly allClosed: boolean;
  /** True when its probes were answered each time it looked. */
  readonly available: boolean;
}

/** Runs slowhttptest, the tool others test with, for at most `seconds`; rejects with ENOENT where it is not installed. */
export async function runSlowProgram(options: {
  readonly mode: 'headers' | 'body';
  readonly url: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}): Promise<SlowProgramResult> {
  const { mode, url, connections, perSecond, seconds } = options;
  const numbers = { '-c': connections, '-r': perSecond, '-i': 1, '-l': seconds, '-p': 3 };
  const args = Object.entries(numbers).flatMap(([flag, value]) => [flag, String(value)]);
  const child = spawn('slowhttptest', [mode === 'headers' ? '-H' : '-B', ...args, '-u', url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let colored = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (colored += text));
  await once(child, 'close');
  const output = stripVTControlCharacters(colored);
  const looks = [...output.matchAll(/service available:\s+(YES|NO)/g)].map(([, answer]) => answer);
  return {
    output,
    endedAt: Number(/Test ended on (\d+)/.exec(output)?.[1]),
    allClosed: output.includes('No open connections left'),
    available: looks.length > 0 && !looks.includes('NO'),
  };
}
