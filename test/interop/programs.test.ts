import { expect, it } from 'vitest';
import { findChromium, findFastmcpPython, programsAreMandatory, type Program } from '../support/programs.ts';

const programs: readonly (readonly [string, Program])[] = [
  ['Python with FastMCP 4', findFastmcpPython()],
  ['Chromium', findChromium()],
];

for (const [name, program] of programs) {
  const isExcused = program.kind === 'missing' && !programsAreMandatory;
  const title = isExcused ? `DID NOT RUN: all tests with ${name}: ${program.reason}` : `${name} is here`;
  it.skipIf(isExcused)(title, () => {
    expect(program.kind === 'found' || program.reason).toBe(true);
  });
  if (isExcused) console.warn(title);
}
