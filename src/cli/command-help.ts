/** The part of a command's help behind its options: examples, exit codes, where to read on. */
export function describeCommand(options: {
  examples: readonly (readonly [command: string, meaning: string])[];
  exits: string;
}): string {
  const width = Math.min(40, Math.max(...options.examples.map(([command]) => command.length)));
  const examples = options.examples.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`);
  return `\nExamples:\n${examples.join('\n')}\n\nExit codes: ${options.exits}\nRead on: breakwater explain\n`;
}
