import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Ids of rows; all when empty. */
  readonly only: readonly string[];
  /** Names of peers; when empty all but those that are measured on request. */
  readonly peers: readonly string[];
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly isQuick: boolean;
  /** Key agreement of the clients' handshakes, where the bench makes them itself. */
  readonly group: string;
  /** Files of earlier runs, whose rows are taken instead of being measured. */
  readonly from: readonly string[];
  readonly json: string | undefined;
  readonly chart: string | undefined;
  readonly report: string | undefined;
  readonly profile: string | undefined;
}

export const usage = `npm run bench -- [options]
  --only ID       measure this row alone; repeatable, or with commas
  --peers NAMES   measure these peers alone; bare-node, the floor under every proxy on Node, only so
  --rounds N      rounds of each row (5)
  --seconds N     length of one measurement (5)
  --quick         only show that everything works: headline figures, short warm-ups, few streams
  --group NAME    key agreement of streams and latency clients (X25519:P-256, which all peers have)
  --json FILE     write the figures as JSON
  --chart FILE    draw them as SVG
  --report FILE   put them between the marks of a Markdown page
  --from FILE     take the rows of an earlier --json instead of measuring; repeatable
  --profile FILE  profile the gateway instead of measuring: its functions under bare-h1 and, with perf, what
                  the processor does for a call of secured-h1

With BREAKWATER_BEFORE=DIRECTORY the build in that checkout is measured as well, as breakwater-before.
`;

/** Parses the command line; throws what is wrong with it. */
export function parseOptions(args: readonly string[], rowIds: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      peers: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      group: { type: 'string', default: 'X25519:P-256' },
      json: { type: 'string' },
      chart: { type: 'string' },
      report: { type: 'string' },
      profile: { type: 'string' },
      from: { type: 'string', multiple: true, default: [] },
    },
  });
  const only = toList(values.only);
  const unknown = only.find((id) => !rowIds.includes(id));
  if (unknown !== undefined) throw new Error(`no row \`${unknown}\`; there are ${rowIds.join(', ')}`);
  return {
    only,
    peers: toList(values.peers),
    rounds: toCount('rounds', values.rounds),
    seconds: toCount('seconds', values.seconds),
    isQuick: values.quick,
    group: values.group,
    from: values.from,
    json: values.json,
    chart: values.chart,
    report: values.report,
    profile: values.profile,
  };
}

function toList(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '');
}

function toCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} takes a whole number from 1`);
  return count;
}
