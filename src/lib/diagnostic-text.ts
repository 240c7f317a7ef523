import { styleText } from 'node:util';
import type { Diagnostic, Place } from './diagnostic.ts';
import { errorCodes } from './error-codes.ts';

/** How the frame is drawn. `width` is in columns; `max` is how many problems are shown before the rest is only counted. */
export interface DiagnosticTextOptions {
  readonly color?: boolean;
  /** False keeps to ASCII. */
  readonly unicode?: boolean;
  readonly width?: number;
  readonly max?: number;
}

interface Pen {
  readonly paint: (style: Style, text: string) => string;
  readonly ellipsis: string;
  readonly width: number;
}

type Style = 'error' | 'warning' | 'frame' | 'bold';

/** Draws problems the way rustc does: code, message, place, marked source line, fix. Ends with a line feed unless empty. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: DiagnosticTextOptions = {},
): string {
  const max = options.max ?? 20;
  const pen: Pen = {
    paint: options.color === true ? paint : (_style, text) => text,
    ellipsis: options.unicode === false ? '...' : '…',
    width: Math.max(40, options.width ?? 120),
  };
  const blocks = diagnostics.slice(0, max).map((diagnostic) => renderOne(diagnostic, pen));
  if (diagnostics.length > max) blocks.push(`and ${diagnostics.length - max} more\n`);
  return blocks.join('\n');
}

function renderOne(diagnostic: Diagnostic, pen: Pen): string {
  const { severity, code, secondary } = diagnostic;
  const gutter = String(Math.max(diagnostic.line ?? 0, secondary?.line ?? 0)).length;
  const message = `${pen.paint(severity, `${severity}[${code}]`)}: ${pen.paint('bold', printable(diagnostic.message))}`;
  const lines = [message];
  if (diagnostic.file !== undefined) {
    lines.push(...frame({ place: diagnostic, gutter, arrow: '-->', mark: '^', style: severity, pen }));
  }
  if (secondary !== undefined) {
    lines.push(...frame({ place: secondary, gutter, arrow: ':::', mark: '-', style: 'frame', pen }));
  }
  const bar = pen.paint('frame', `${' '.repeat(gutter + 2)}=`);
  lines.push(`${bar} fix: ${printable(diagnostic.fix ?? errorCodes[code].fix)}`);
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

/** Against terminal escape injection: text from a file or an address must not move the cursor, hide or recolour anything. */
function printable(text: string): string {
  const visible = text.replaceAll('\t', ' ');
  return visible.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => '?'.repeat(hidden.length));
}

function paint(style: Style, text: string): string {
  const formats = { error: 'red', warning: 'yellow', frame: 'blue', bold: 'bold' } as const;
  return styleText(formats[style], text, { validateStream: false });
}
