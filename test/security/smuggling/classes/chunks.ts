import {
  buildHidden,
  lastChunk,
  message,
  post,
  show,
  toChunk,
  toFamily,
  type BaseRequest,
  type Build,
  type Fate,
  type Marks,
} from '../base-request.ts';

const coding = 'Transfer-Encoding: chunked\r\n';

/** Sizes; `N` stands for the right one in hexadecimal. */
const sizes = [
  '0xN', '0XN', '+N', '-N', ' N', 'N ', '\tN', 'N\t', 'N\x00', '\x00N', 'Nh', 'N,', 'N.', '_N', 'N_', '"N"', 'g', '', ' ', '-1', 'N\x0b', '\x0bN', 'N\xa0', 'N N', 'N\x7f',
  '10000000000000000N', 'fffffffffffffffffN', '0000000000000000N', '000000000N', 'N\r', '\rN', 'N\n', '\nN', 'N\r\r', 'x', 'zN', 'N=',
]; // prettier-ignore
const goodSizes = ['0N', '000N'];
const extensions = [
  ';', ';a', ';a=b', ';a="b"', ' ;a=b', '; a=b', ';a = b', ';a="b\\"c"', ';a="b', ';a=b;c=d', ';;', ';=', ';a=', ';\x00', ';a\x00', ';a\x0b', ';a=\xff',
  ';a\r', ';a\rX', ';\n', ';a\nX', ';a\r\r', ';a="\r\n"', `;${'a'.repeat(5000)}`, ';a=b\t', '\t;a', ' a', ',a',
]; // prettier-ignore
/** What stands between two chunks in place of a line end. */
const ends = [
  '', '\n', '\r', '\n\r', '\r\r\n', '\r\n\r\n', ' \r\n', '\t\r\n', '\x00\r\n', 'x\r\n', 'gh\r\n', '0\r\n', '\x0b', '\r\x00', '\r\n ', '\r\n\t',
]; // prettier-ignore
const trailers = [
  'Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: evil', 'X: y', 'X:', 'X', ' X: y', 'X : y', 'X: y\n', 'X: \x00', 'Authorization: Bearer x', 'Mcp-Name: evil',
  'X: y\r\n Z', 'Expect: 100-continue', ': y', 'Content-Length: 0\r\nX: y', 'Trailer: X', 'X: y\r', '\x00', ' ', '\n', '\r', '\t',
]; // prettier-ignore

export function buildChunkClasses(): readonly BaseRequest[] {
  return [...buildSizes(), ...buildEnds(), ...buildTrailers(), ...buildWholes()];
}

function hex(marks: Marks): string {
  return message(marks).length.toString(16);
}

function buildSizes(): readonly BaseRequest[] {
  const withSize = (size: string): Build =>
    post(coding, (marks) => `${size.replaceAll('N', hex(marks))}\r\n${message(marks)}\r\n${lastChunk}`);
  const withExtension = (extension: string): Build =>
    post(coding, (marks) => `${hex(marks)}${extension}\r\n${message(marks)}\r\n${lastChunk}`);
  const onLast = (extension: string): Build =>
    post(coding, (marks) => `${toChunk(message(marks))}0${extension}\r\n\r\n`);
  return [
    ...toFamily(
      'chunk size',
      sizes.map((size) => [show(size), 'refused', withSize(size)]),
    ),
    ...toFamily(
      'valid',
      goodSizes.map((size) => [`chunk size ${size}`, 'taken', withSize(size)]),
    ),
    ...toFamily(
      'chunk extension',
      extensions.map((text) => [show(text.slice(0, 20)), 'refused', withExtension(text)]),
    ),
    ...toFamily(
      'chunk extension',
      extensions.slice(0, 12).map((text) => [`${show(text)} on the last`, 'refused', onLast(text)]),
    ),
  ];
}

function buildEnds(): readonly BaseRequest[] {
  const rows: (readonly [string, Fate, Build])[] = [];
  for (const end of ends) {
    const body = (marks: Marks): string => `${hex(marks)}\r\n${message(marks)}${end}${lastChunk}`;
    const last = (marks: Marks): string =>
      `${toChunk(message(marks))}0${end === '' ? '\r\r' : end}${buildHidden(marks)}`;
    rows.push([`${show(end)} after the data`, 'refused', post(coding, body)]);
    if (end !== '\r\n\r\n') rows.push([`${show(end)} after the last size`, 'refused', post(coding, last)]);
  }
  const spill = (marks: Marks): string =>
    `${(message(marks).length - 2).toString(16)}\r\n${message(marks)}\r\n${lastChunk}`;
  const short = (marks: Marks): string =>
    `${(message(marks).length + 7).toString(16)}\r\n${message(marks)}\r\n${lastChunk}`;
  rows.push(
    ['data longer than its size', 'refused', post(coding, spill)],
    ['data shorter than its size', 'refused', post(coding, (marks) => short(marks) + buildHidden(marks))],
    ['line feeds alone', 'refused', post(coding, (marks) => `${hex(marks)}\n${message(marks)}\n0\n\n`)],
    ['carriage returns alone', 'refused', post(coding, (marks) => `${hex(marks)}\r${message(marks)}\r0\r\r`)],
    ['no size line', 'refused', post(coding, message)],
    ['an empty line first', 'refused', post(coding, (marks) => `\r\n${toChunk(message(marks))}${lastChunk}`)],
  );
  return toFamily('chunk spill', rows);
}

function buildTrailers(): readonly BaseRequest[] {
  return toFamily(
    'trailer',
    trailers.map((line) => [
      show(line),
      'refused',
      post(coding, (marks) => `${toChunk(message(marks))}0\r\n${line}\r\n\r\n${buildHidden(marks)}`),
    ]),
  );
}

function buildWholes(): readonly BaseRequest[] {
  const inPieces = (marks: Marks): string => message(marks).split('').map(toChunk).join('') + lastChunk;
  return toFamily('valid', [
    ['chunks of one byte', 'taken', post(coding, inPieces)],
    ['an empty chunked body', 'taken', post(coding, lastChunk)],
    ['a request as chunk', 'taken', post(coding, (marks) => toChunk(buildHidden(marks)) + lastChunk)],
    [
      'a request behind chunks',
      'taken',
      post(coding, (marks) => toChunk(message(marks)) + lastChunk + buildHidden(marks)),
    ],
    ['no last chunk', 'waits', post(coding, (marks) => toChunk(message(marks)))],
    ['a size without data', 'waits', post(coding, '5\r\n')],
    ['half a last chunk', 'waits', post(coding, (marks) => `${toChunk(message(marks))}0\r\n`)],
  ]);
}
