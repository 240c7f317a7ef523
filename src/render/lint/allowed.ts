import { lineAt, lineText, type Span } from './source.ts';

/**
 * Whether the file itself accepts a finding: `# breakwater-lint: allow ID` at the end of the line or alone above it. Several ids are
 * separated by commas.
 */
export function isAllowed(id: string, { source, start }: Span): boolean {
  const line = lineAt(source, start);
  return (
    allows(lineText(source, line), id) ||
    (isComment(lineText(source, line - 1)) && allows(lineText(source, line - 1), id))
  );
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith('#');
}

function allows(line: string, id: string): boolean {
  const [, ids = ''] = /#\s*breakwater-lint:\s*allow\s+([\w\s,-]+)/.exec(line) ?? [];
  return ids.split(/[\s,]+/).includes(id);
}
