import { headerMark } from '../header.ts';
import type { RequirementId } from '../requirements.ts';
import type { FindingEntry } from './finding.ts';
import { lineText, type Source } from './source.ts';

/** What is decided in `breakwater.yaml`, and was told when it was rendered: who may call, names, sizes and times. */
const decided: readonly RequirementId[] = [
  'access-control',
  'host-guard',
  'hsts',
  'http2',
  'session-affinity',
  'body-limit',
  'header-room',
  'long-streams',
  'slow-clients',
];

/** What would be a mistake elsewhere, and here is the path and the name that the upstream was configured with. */
const intended: ReadonlySet<string> = new Set([
  'caddy-path-rewritten',
  'haproxy-path-rewritten',
  'apache-host-missing',
]);

/** What Breakwater itself does behind the engine in mode `front`. */
const leftToBreakwater: readonly RequirementId[] = [...decided, 'origin-guard', 'rate-limit', 'cors'];

/** Tells the findings that mean nothing in a file that Breakwater has written; in any other file all of them mean something. */
export function findSettled(source: Source): (entry: FindingEntry) => boolean {
  const header = new RegExp(`^# ${headerMark} \\S+: breakwater render \\S+ --mode (direct|front)\\b`);
  const [, mode] = header.exec(lineText(source, 1)) ?? [];
  if (mode === undefined) return () => false;
  const settled = new Set(mode === 'front' ? leftToBreakwater : decided);
  return ({ id, requirement }) => settled.has(requirement) || intended.has(id);
}
