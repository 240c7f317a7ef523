import type { RowResult } from '../../bench/run-row.ts';

/** A row as it comes out of a measurement, with figures nobody measured. */
export const exampleResult: RowResult = {
  id: 'bare-h1',
  title: 'call over HTTP/1.1',
  unit: 'answers per CPU-second',
  headline: '32',
  isMoreBetter: true,
  values: { breakwater: 1000, nginx: 2000 },
  ratios: { nginx: 0.5 },
  executableRatios: {},
  points: { 256: { values: { breakwater: 900, nginx: 1800 }, ratios: { nginx: 0.5 }, executableRatios: {} } },
  rounds: 4,
  discarded: 1,
  targets: [
    { program: 'breakwater', wanted: 'at least 0.55 x nginx', outcome: 'NOT REACHED' },
    { program: 'breakwater-executable', wanted: 'at least 0.7 x nginx', outcome: 'NOT MEASURED' },
  ],
  notes: { nginx: 'one worker' },
  missing: { apache: 'apache2 is not installed' },
};
