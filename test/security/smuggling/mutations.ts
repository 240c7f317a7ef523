import type { Random } from '../../fuzz/random.ts';

/** A small change of a request. It depends on the shape of the text alone, so that other marks change nothing. */
export interface Mutation {
  readonly name: string;
  readonly apply: (text: string) => string;
}

type Place = (text: string) => number;

const headEnd = (text: string): number => {
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? text.length : end;
};
const after = (text: string, piece: string, from = 0): number => {
  const at = text.indexOf(piece, from);
  return at < 0 ? text.length : at + piece.length;
};
/** Start of the last field line, which rules the framing in most requests. */
const lastLine = (text: string): number => text.lastIndexOf('\r\n', headEnd(text) - 1) + 2;

/** Where a byte is put in. */
const places: readonly (readonly [name: string, place: Place])[] = [
  ['before the method', () => 0],
  ['behind the method', (text) => after(text, ' ') - 1],
  ['in the target', (text) => after(text, '/m')],
  ['before the version', (text) => after(text, ' HTTP') - 4],
  ['behind the version', (text) => after(text, '\r\n') - 2],
  ['before a name', lastLine],
  ['in a name', (text) => lastLine(text) + 3],
  ['behind a name', (text) => after(text, ':', lastLine(text)) - 1],
  ['before a value', (text) => after(text, ':', lastLine(text))],
  ['behind a value', headEnd],
  ['in the empty line', (text) => headEnd(text) + 3],
  ['at the start of the body', (text) => headEnd(text) + 4],
];

const bytes = [
  '\0',
  '\t',
  '\n',
  '\v',
  '\f',
  '\r',
  ' ',
  '"',
  ',',
  ':',
  ';',
  '0',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  '\r\n',
];

/** One of the places, one of the bytes. */
function buildInsertion(random: Random): Mutation {
  const [name, place] = random.pick(places);
  const byte = random.pick(bytes);
  return {
    name: `${JSON.stringify(byte)} ${name}`,
    apply: (text) => {
      const at = place(text);
      return text.slice(0, at) + byte + text.slice(at);
    },
  };
}

const mapNames = (text: string, change: (name: string) => string): string => {
  const end = headEnd(text);
  return text.slice(0, end).replaceAll(/\r\n[A-Za-z-]+(?=[ \t]*:)/g, change) + text.slice(end);
};
const mapLine = (text: string, change: (line: string) => string): string => {
  const at = lastLine(text);
  const end = headEnd(text);
  return at >= end ? text : text.slice(0, at) + change(text.slice(at, end)) + text.slice(end);
};

const cases: readonly Mutation[] = [
  { name: 'names in capitals', apply: (text) => mapNames(text, (name) => name.toUpperCase()) },
  { name: 'names in small letters', apply: (text) => mapNames(text, (name) => name.toLowerCase()) },
  { name: 'last line in capitals', apply: (text) => mapLine(text, (line) => line.toUpperCase()) },
  {
    name: 'method in mixed case',
    apply: (text) => text.replace(/^[A-Z](?=[A-Z])/, (letter) => letter.toLowerCase()),
  },
];

const spaces: readonly Mutation[] = [
  { name: 'no blank behind the colon', apply: (text) => mapLine(text, (line) => line.replace(': ', ':')) },
  { name: 'tab behind the colon', apply: (text) => mapLine(text, (line) => line.replace(': ', ':\t')) },
  {
    name: 'many blanks behind the colon',
    apply: (text) => mapLine(text, (line) => line.replace(':', ':  \t  ')),
  },
  { name: 'blank before the colon', apply: (text) => mapLine(text, (line) => line.replace(':', ' :')) },
  { name: 'blank at the end of the line', apply: (text) => mapLine(text, (line) => `${line} `) },
  { name: 'tabs at the end of the line', apply: (text) => mapLine(text, (line) => `${line}\t\t`) },
  { name: 'last line twice', apply: (text) => mapLine(text, (line) => `${line}\r\n${line}`) },
  { name: 'last line first', apply: moveLastLine },
];

function moveLastLine(text: string): string {
  const at = lastLine(text);
  const end = headEnd(text);
  const line = text.slice(at, end);
  const first = after(text, '\r\n');
  return at <= first || at >= end
    ? text
    : `${text.slice(0, first)}${line}\r\n${text.slice(first, at - 2)}${text.slice(end)}`;
}

/** Letter case, optional white space, or a byte put in; insertions more often, since there are more of them. */
export function buildMutation(random: Random): Mutation {
  const kind = random.below(8);
  if (kind === 0) return random.pick(cases);
  if (kind < 3) return random.pick(spaces);
  return buildInsertion(random);
}
