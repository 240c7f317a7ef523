import type { CliContext } from '../context.ts';

/** People wait for this long without wondering. */
const patience = 1000;

export interface Progress {
  readonly report: (what: string) => void;
  /** Takes the line away. */
  end(): void;
}

/** One line on standard error that says what goes on; only at a terminal, and only after a second. */
export function createProgress({ io, json }: CliContext): Progress {
  const { stderr } = io;
  if (!stderr.isTerminal || json) return { report: () => undefined, end: () => undefined };
  let what = '';
  let isShown = false;
  const show = (): void => {
    isShown = true;
    stderr.write(`\r\u001B[2K${what} …`);
  };
  const timer = setTimeout(show, patience);
  return {
    report(now) {
      what = now;
      if (isShown) show();
    },
    end() {
      clearTimeout(timer);
      if (isShown) stderr.write('\r\u001B[2K');
    },
  };
}
