import type { Row } from './rows/row.ts';
import type { RowResult } from './statistics.ts';

/** The results as text: a line a row and peer, and what is wanted beside what was reached. */
export function buildTable(results: readonly { readonly row: Row; readonly result: RowResult }[]): string {
  return results.map(({ row, result }) => buildRow(row, result)).join('\n');
}

function buildRow(row: Row, result: RowResult): string {
  const { values, ratios, rounds, discarded } = result;
  const peers = Object.entries(values).map(([name, value]) => {
    const ratio = ratios[name];
    const beside = ratio === undefined ? '' : `   ours is ${ratio.toFixed(2)} x`;
    return `  ${name.padEnd(12)}${value.toLocaleString('en').padStart(10)}${beside}`;
  });
  const targets = row.targets.map(({ peer, ratio: wanted, atMost }) => {
    const reached = ratios[peer];
    if (reached === undefined) return `  wanted ${wanted} x ${peer}: not measured, ${peer} is not installed`;
    const isReached = atMost === true ? reached <= wanted : reached >= wanted;
    return `  wanted ${atMost === true ? 'at most' : 'at least'} ${wanted} x ${peer}: ${isReached ? 'reached' : 'NOT REACHED'}`;
  });
  const head = `${row.id}: ${row.title}, ${row.unit} (${rounds} rounds, ${discarded} discarded)`;
  return [head, ...peers, ...targets, ''].join('\n');
}
