import { styleText } from 'node:util';
import type { Diagnostic, Place } from './diagnostic.ts';
import { errorCodes } from './error-codes.ts';
import { toPrintable } from './printable.ts';

/** How the frame is drawn. `width` is in columns; `max` is how many problems are shown before the rest is only counted. */
export interface DiagnosticTextOptions {
  readonly color?: boolean;
  /** False keeps to ASCII. */
  readonly unicode?: boolean;
  readonly width?: number;
  readonly max?: number;
}

/** A problem of any table, drawn in the one frame: its code is whatever names it, and its fix is told. */
export interface Problem extends Place {
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly label?: string;
  /** What follows from it. */
  readonly breaks?: string;
  readonly fix: string;
  /** Lines to write, shown below the fix. */
  readonly fixLines?: readonly string[];
  readonly secondary?: Diagnostic['secondary'];
}

interface Pen {
  readonly paint: (style: Style, text: string) => string;
  readonly ellipsis: string;
  readonly width: number;
}

type Style = 'error' | 'warning' | 'info' | 'frame' | 'bold';

/** Draws problems the way rustc does: code, message, place, marked source line, fix. Ends with a line feed unless empty. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: DiagnosticTextOptions = {},
): string {
  const problems = diagnostics.map((diagnostic) => ({
    ...diagnostic,
    fix: diagnostic.fix ?? errorCodes[diagnostic.code].fix,
  }));
  return renderProblems(problems, options);
}

/** The same for problems of other tables. */
export function renderProblems(problems: readonly Problem[], options: DiagnosticTextOptions = {}): string {
  const max = options.max ?? 20;
  const pen: Pen = {
    paint: options.color === true ? paint : (_style, text) => text,
    ellipsis: options.unicode === false ? '...' : '…',
    width: Math.max(40, options.width ?? 120),
  };
  const blocks = problems.slice(0, max).map((problem) => renderOne(problem, pen));
  if (problems.length > max) blocks.push(`and ${problems.length - max} more\n`);
  return blocks.join('\n');
}

function renderOne(problem: Problem, pen: Pen): string {
  const { severity, code, secondary, breaks, fix, fixLines = [] } = problem;
  const gutter = String(Math.max(problem.line ?? 0, secondary?.line ?? 0)).length;
  const message = `${pen.paint(severity, `${severity}[${code}]`)}: ${pen.paint('bold', printable(problem.message))}`;
  const lines = [message];
  if (problem.file !== undefined) {
    lines.push(...frame({ place: problem, gutter, arrow: '-->', mark: '^', style: severity, pen }));
  }
  if (secondary !== undefined) {
    lines.push(...frame({ place: secondary, gutter, arrow: ':::', mark: '-', style: 'frame', pen }));
  }
  const bar = pen.paint('frame', `${' '.repeat(gutter + 2)}=`);
  if (breaks !== undefined) lines.push(`${bar} breaks: ${printable(breaks)}`);
  lines.push(`${bar} fix: ${printable(fix)}`);
  const margin = ' '.repeat(gutter + 9);
  lines.push(...fixLines.map((line) => `${margin}${printable(line)}`.trimEnd()));
  return `${lines.join('\n')}\n`;
}

interface FrameOptions {
  readonly place: Place & { readonly label?: string };
  readonly gutter: number;
  readonly arrow: string;
  readonly mark: string;
  readonly style: Style;
  readonly pen: Pen;
}

function frame({ place, gutter, arrow, mark, style, pen }: FrameOptions): string[] {
  const position = place.line === undefined ? '' : `:${place.line}:${place.column ?? 1}`;
  const head = `${pen.paint('frame', `${' '.repeat(gutter + 1)}${arrow}`)} ${printable(place.file ?? '')}${position}`;
  if (place.sourceLine === undefined) return [head];
  const bar = pen.paint('frame', `${' '.repeat(gutter + 2)}|`);
  const number = place.line === undefined ? '' : String(place.line);
  const numbered = pen.paint('frame', ` ${number.padStart(gutter)} |`);
  const start = Math.max(0, (place.column ?? 1) - 1);
  const view = crop(printable(place.sourceLine), {
    start,
    end: start + Math.max(1, place.length ?? 1),
    room: pen.width - gutter - 5,
    ellipsis: pen.ellipsis,
  });
  const marks = pen.paint(
    style,
    `${mark.repeat(view.end - view.start)}${place.label === undefined ? '' : ` ${printable(place.label)}`}`,
  );
  return [
    head,
    bar,
    `${numbered} ${view.text}`.trimEnd(),
    `${bar} ${' '.repeat(view.start)}${marks}`.trimEnd(),
  ];
}

interface View {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Cuts a long line to the room around its mark, so that the mark stays under its text. */
function crop(line: string, options: { start: number; end: number; room: number; ellipsis: string }): View {
  const { start, room, ellipsis } = options;
  const end = Math.min(options.end, Math.max(line.length, start + 1));
  if (line.length <= room) return { text: line, start, end };
  const inner = Math.max(10, room - 2 * ellipsis.length);
  const from = Math.max(0, Math.min(start - Math.floor(inner / 4), line.length - inner));
  const before = from > 0 ? ellipsis : '';
  const after = from + inner < line.length ? ellipsis : '';
  const shift = before.length - from;
  return {
    text: `${before}${line.slice(from, from + inner)}${after}`,
    start: start + shift,
    end: Math.min(end, from + inner) + shift,
  };
}

/** Terminal escape injection: text from a file or an address must not steer the terminal. Source lines are indented with tabs. */
function printable(text: string): string {
  return toPrintable(text.replaceAll('\t', ' '));
}

function paint(style: Style, text: string): string {
  const formats = { error: 'red', warning: 'yellow', info: 'cyan', frame: 'blue', bold: 'bold' } as const;
  return styleText(formats[style], text, { validateStream: false });
}
