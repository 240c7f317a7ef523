import { expect, it } from 'vitest';
import { findChromium, findFastmcpPython, programsAreMandatory, type Program } from '../support/programs.ts';

const programs: readonly (readonly [string, Program])[] = [
  ['Python with FastMCP 4', findFastmcpPython()],
  ['Chromium', findChromium()],
];

for (const [name, program] of programs) {
  const isExcused = program.kind === 'missing' && !programsAreMandatory;
  const reason = program.kind === 'missing' ? `DID NOT RUN, ${program.reason}` : 'found';
  it.skipIf(isExcused)(`the tests with ${name}: ${reason}`, () => {
    expect(reason).toBe('found');
  });
  if (isExcused) console.warn(`the tests with ${name}: ${reason}`);
}
