import { createSecureContext } from 'node:tls';
import { gather, type GatherOptions } from '../../src/doctor/gather.ts';
import { judge } from '../../src/doctor/judge.ts';
import type { Report } from '../../src/doctor/report.ts';
import { parseTarget } from '../../src/doctor/target.ts';

export interface AskDoctorOptions extends Partial<Omit<GatherOptions, 'roots'>> {
  /** Roots that are believed, PEM. */
  readonly ca?: string;
}

/** Asks an endpoint of a test everything, as `breakwater doctor` does. */
export async function askDoctor(url: string, { ca, ...options }: AskDoctorOptions = {}): Promise<Report> {
  const target = parseTarget(url);
  if (!target.ok) throw new Error(target.error);
  // The given root alone: reading all those of the system takes longer than most questions.
  const roots = ca === undefined ? {} : { roots: { secureContext: createSecureContext({ ca }) } };
  return judge(await gather(target.value, { version: '0.0.0', ...roots, ...options }));
}

/** What failed above a remark, with what was seen. */
export function listFindings(report: Report): readonly string[] {
  return report.results
    .filter(({ status, severity }) => status === 'fail' && severity !== 'info')
    .map(({ id, severity, seen }) => `${severity} ${id}: ${seen ?? ''}`);
}

/** Ids of everything that failed. */
export function listIds(report: Report): readonly string[] {
  return report.results.filter(({ status }) => status === 'fail').map(({ id }) => id);
}
