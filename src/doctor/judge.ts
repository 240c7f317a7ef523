import { allChecks } from './all-checks.ts';
import { layers, type Check, type Layer, type Verdict } from './check.ts';
import type { Facts } from './facts.ts';
import { fixFor } from './fixes.ts';
import { toGrade, type GradedResult } from './grade.ts';
import { recogniseFront, type FrontFact } from './recognise-front.ts';
import type { CheckResult, Fix, Report } from './report.ts';

/** Says what facts mean. Pure: the same facts get the same report, today and offline. */
export function judge(facts: Facts, checks: readonly Check[] = allChecks): Report {
  const front = recogniseFront(facts);
  const judged = checks.map((check) => ({ check, verdict: check.judge(facts) }));
  const broken = findBrokenLayer(judged);
  const results = judged.map(({ check, verdict }) => toResult(check, verdict, { facts, front, broken }));
  const { grade, caps } = toGrade(results);
  return { facts, front, grade, caps, results: results.map(({ cap: _cap, ...result }) => result) };
}

interface Judged {
  readonly check: Check;
  readonly verdict: Verdict;
}

/** The first layer that lets nothing through: what lies above was not asked because of it. */
function findBrokenLayer(
  judged: readonly Judged[],
): { readonly layer: Layer; readonly id: string } | undefined {
  const stop = judged.find(({ check, verdict }) => verdict.status === 'fail' && stopping.has(check.id));
  return stop === undefined ? undefined : { layer: stop.check.layer, id: stop.check.id };
}

const stopping: ReadonlySet<string> = new Set([
  'dns-unresolved',
  'tcp-unreachable',
  'tls-none',
  'tls-no-current-protocol',
  'http-no-answer',
]);

function toResult(
  check: Check,
  verdict: Verdict,
  context: {
    readonly facts: Facts;
    readonly front: FrontFact;
    readonly broken: ReturnType<typeof findBrokenLayer>;
  },
): GradedResult {
  const { id, layer, title, why, reference, requirement, cap } = check;
  const fixed: Omit<CheckResult, 'status' | 'severity'> = {
    id,
    layer,
    title,
    why,
    reference,
    evidence: [],
    baselined: false,
    ...(requirement === undefined ? {} : { requirement }),
  };
  const { broken } = context;
  switch (verdict.status) {
    case 'pass':
      return {
        ...fixed,
        status: 'pass',
        severity: check.severity,
        ...(verdict.seen === undefined ? {} : { seen: verdict.seen }),
      };
    case 'fail':
      return {
        ...fixed,
        status: 'fail',
        severity: verdict.severity ?? check.severity,
        seen: verdict.seen,
        evidence: verdict.evidence ?? [],
        fix: toFix(check, context),
        ...(cap === undefined ? {} : { cap }),
      };
    case 'unknown':
      return { ...fixed, status: 'unknown', severity: check.severity, seen: verdict.because };
    case 'skip': {
      const below = broken !== undefined && layers.indexOf(layer) > layers.indexOf(broken.layer);
      const seen = below ? `not tested because of ${broken.id}` : verdict.because;
      return { ...fixed, status: 'skip', severity: check.severity, seen };
    }
  }
}

function toFix(
  { advice, requirement }: Check,
  { facts, front }: { readonly facts: Facts; readonly front: FrontFact },
): Fix {
  if (requirement === undefined || front.name === undefined) return { advice, lines: [] };
  const lines = fixFor(front.name, requirement, facts.target);
  return lines.length === 0 ? { advice, lines } : { advice, lines, front: front.name };
}
