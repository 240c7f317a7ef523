import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

export const requirementSets = ['2025-11-25', '2026-07-28'] as const;
export type RequirementSet = (typeof requirementSets)[number];

/** One server scenario of a requirement set, in the order of the set. */
export interface Requirement {
  readonly scenario: string;
  /** Whether a failure counts; extensions and pending scenarios are run and shown only. */
  readonly isScored: boolean;
}

export const suiteDirectory: URL = new URL(
  '../../node_modules/@modelcontextprotocol/conformance/',
  import.meta.url,
);

const documentSchema = z.object({
  server: z.array(z.string()),
  not_scored: z.array(z.object({ scenario: z.string(), leg: z.string() })),
});

/** Reads the server side of a requirement set from the installed suite. */
export async function loadRequirements(set: RequirementSet): Promise<readonly Requirement[]> {
  const text = await readFile(new URL(`requirements/${set}.yaml`, suiteDirectory), 'utf8');
  const document = documentSchema.parse(parse(text));
  return [
    ...document.server.map((scenario) => ({ scenario, isScored: true })),
    ...document.not_scored
      .filter(({ leg }) => leg === 'server')
      .map(({ scenario }) => ({ scenario, isScored: false })),
  ];
}
