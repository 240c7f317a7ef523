/** A suite whose tests record figures. */
export interface EvidenceSuite {
  readonly name: string;
  /** Also runs against the single executable. */
  readonly forExecutable: boolean;
  /** Program and arguments, found in `node_modules/.bin`. */
  readonly command: (isFull: boolean) => readonly [string, ...string[]];
}

const FUZZ_SECONDS = { full: 1800, short: 60 };

function toVitest(name: string): EvidenceSuite {
  return { name, forExecutable: true, command: () => ['vitest', 'run', '--project', name] };
}

export const suites: readonly EvidenceSuite[] = [
  toVitest('security'),
  toVitest('differential'),
  toVitest('faults'),
  toVitest('soak'),
  toVitest('replicas'),
  {
    name: 'fuzz',
    // It feeds functions, which are the same code in both.
    forExecutable: false,
    command: (isFull) => [
      'node',
      'scripts/fuzz.ts',
      '--seconds',
      String(FUZZ_SECONDS[isFull ? 'full' : 'short']),
    ],
  },
];
