/** The part of V8's `.cpuprofile` that self times need. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** µs between samples. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  /** Where the function is, from the package's root on; empty for what is not JavaScript. */
  readonly place: string;
  /** Share of the time in which the process was not idle. */
  readonly share: number;
}

const notWork = new Set(['(idle)', '(root)']);

export interface SelfTimeOptions {
  /** How many functions are told. */
  readonly most: number;
  /** µs at the beginning of the profile that do not count: the start of the program and its warm-up. */
  readonly skip: number;
}

/** The functions that took the most time themselves, callees left out. */
export function toSelfTimes(profile: CpuProfile, { most, skip }: SelfTimeOptions): readonly SelfTime[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { name: string; place: string; time: number }>();
  let total = 0;
  let elapsed = 0;
  profile.samples.forEach((id, index) => {
    const delta = Math.max(0, profile.timeDeltas[index] ?? 0);
    elapsed += delta;
    const frame = frames.get(id);
    if (elapsed <= skip || frame === undefined || notWork.has(frame.functionName)) return;
    const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
    const place = toPlace(frame.url, frame.lineNumber);
    const key = `${name} ${place}`;
    const entry = times.get(key) ?? { name, place, time: 0 };
    entry.time += delta;
    total += delta;
    times.set(key, entry);
  });
  return [...times.values()]
    .sort((left, right) => right.time - left.time)
    .slice(0, most)
    .map(({ name, place, time }) => ({ name, place, share: time / total }));
}

/** The self times as Markdown. */
export function buildProfileTable(times: readonly SelfTime[]): string {
  const rows = times.map(
    ({ name, place, share }) =>
      `| ${(share * 100).toFixed(1)} % | \`${name}\` | ${place === '' ? '' : `\`${place}\``} |`,
  );
  return `${['| share | function | where |', '|---:|---|---|', ...rows].join('\n')}\n`;
}

function toPlace(url: string, line: number): string {
  if (url === '') return '';
  const path = url.replace(/^.*\/(dist|node_modules)\//, '$1/').replace(/^file:\/\//, '');
  return `${path}:${line + 1}`;
}
