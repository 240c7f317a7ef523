import {
  buildHidden,
  chunked,
  lastChunk,
  message,
  post,
  rightLength,
  show,
  toChunk,
  toFamily,
  type BaseRequest,
  type Build,
  type Fate,
  type Marks,
  type Part,
} from '../base-request.ts';

const withHidden =
  (before: Part): ((marks: Marks) => string) =>
  (marks) =>
    (typeof before === 'string' ? before : before(marks)) + buildHidden(marks);

/** Two framings at once, the classic pair: one server goes by the length, the other by the chunks. */
function buildPairs(): BaseRequest[] {
  const lengths: readonly Part[] = ['0', '4', '6', '99', (marks) => `${message(marks).length}`];
  const bodies: readonly (readonly [string, Part])[] = [
    ['chunks', chunked],
    ['no chunk, then a request', withHidden(lastChunk)],
    ['a request as chunk', (marks) => toChunk(buildHidden(marks)) + lastChunk],
  ];
  const codings = ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'transfer-encoding:chunked'];
  return lengths.flatMap((length, index) =>
    bodies.flatMap(([name, body]) =>
      codings.flatMap((coding) => {
        const line = (marks: Marks): string =>
          `Content-Length: ${typeof length === 'string' ? length : length(marks)}\r\n`;
        return toFamily(index < 2 ? 'CL.TE' : 'TE.CL', [
          [
            `length ${index} before ${coding}, ${name}`,
            'refused',
            post((marks) => `${line(marks)}${coding}\r\n`, body),
          ],
          [
            `${coding} before length ${index}, ${name}`,
            'refused',
            post((marks) => `${coding}\r\n${line(marks)}`, body),
          ],
        ]);
      }),
    ),
  );
}

const harmlessCodings = [
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding:\tchunked \t',
  'transfer-encoding:chunked',
];
const codings = [
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunk',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: chunked;',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: deflate',
  'Transfer-Encoding: cow',
  'Transfer-Encoding:',
  'Transfer-Encoding: ',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: chunked\x0b',
  'Transfer-Encoding: \x0cchunked',
  'Transfer-Encoding: \x00chunked',
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: chunked\x7f',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding: \x85chunked',
  'Transfer-Encoding: \xefchunked',
  'Transfer-Encoding: ch\xfcnked',
  'Transfer-Encoding: ch unked',
  'Transfer-Encoding\x00: chunked',
  'Transfer-Encoding\x0b: chunked',
  'Transfer-Encoding\xa0: chunked',
  '\x00Transfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding:\r\n\tchunked',
  'Transfer-Encoding:\n chunked',
  'Transfer-Encoding:\n\tchunked',
  'Transfer-Encoding: identity\r\n , chunked',
  'Transfer-Encoding\r\n : chunked',
  'Transfer\r\n-Encoding: chunked',
  'Transfer-\r\n Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\r\rTransfer-Encoding: chunked',
  'X: y\n\rTransfer-Encoding: chunked',
  'Foo\r\nTransfer-Encoding: chunked',
  'Transfer Encoding: chunked',
  'Transfer-Encoding= chunked',
  'Transfer-Encoding;: chunked',
  ': chunked\r\nTransfer-Encoding: chunked',
];
const doubles = ['chunked', 'identity', 'gzip', 'x', ''];

/** One coding spelled so that one server sees it and another does not. */
function buildCodings(): BaseRequest[] {
  const rows = codings.flatMap((line) => [
    [show(line), 'refused', post(`${line}\r\n`, chunked)] as const,
    [
      `${show(line)} and a length`,
      'refused',
      post((marks) => `${rightLength(marks)}${line}\r\n`, message),
    ] as const,
  ]);
  const twice = doubles.flatMap((first) =>
    doubles.map((second) => {
      const lines = `Transfer-Encoding: ${first}\r\nTransfer-Encoding: ${second}\r\n`;
      return [`"${first}" and "${second}"`, 'refused', post(lines, withHidden(lastChunk))] as const;
    }),
  );
  const harmless = harmlessCodings.map(
    (line) => [show(line), 'taken', post(`${line}\r\n`, chunked)] as const,
  );
  return [...toFamily('TE.TE', [...rows, ...twice]), ...toFamily('valid', harmless)];
}

/** Lengths that parsers of numbers read differently; `N` stands for the right one. */
const lengths = [
  '+N', '-N', '0xN', 'N,N', 'N, N', 'N,', ',N', 'N;', 'N N', 'N.0', 'Ne0', 'N\x00', '\x00N', '\x0bN', 'N\x0b',
  'N\xa0', '\xa0N', '"N"', "'N'", 'N_0', '_N', 'N,0', '0,N', '0x', 'x', '', ' ', '-0', '+0', '-1', '1e1', '\xd9\xa3', 'N\r\n ', '\r\n N',
  'N\r', 'N\n', '99999999999999999999', '18446744073709551617', '4294967296000000000000', '9007199254740993000', 'Infinity', 'NaN', '0b11',
]; // prettier-ignore
const lengthNames = [
  'Content-Length ', 'Content-Length\t', ' Content-Length', '\tContent-Length', 'Content-Length\x00', 'Content-Length\x0b', 'Content-Length\xa0',
  'Content Length', 'Content-Length\r\n ', '\x00Content-Length', 'X: y\nContent-Length', 'X: y\rContent-Length', 'Content-\r\nLength',
]; // prettier-ignore

function buildLengths(): BaseRequest[] {
  const withValue = (value: string): Build =>
    post((marks) => `Content-Length: ${value.replaceAll('N', `${message(marks).length}`)}\r\n`, message);
  const rows: (readonly [string, Fate, Build])[] = lengths.map((value) => [
    show(value),
    'refused',
    withValue(value),
  ]);
  for (const name of lengthNames) {
    rows.push([
      `name ${show(name)}`,
      'refused',
      post((marks) => `${name}: ${message(marks).length}\r\n`, message),
    ]);
  }
  const pairs = ['N', '0', '1', '+N', ' N'];
  for (const first of pairs) {
    for (const second of pairs) {
      const fields = (marks: Marks): string =>
        `Content-Length: ${first}\r\ncontent-length: ${second}\r\n`
          .replaceAll('N:', 'N :')
          .replaceAll(/\bN\b/g, `${message(marks).length}`);
      rows.push([`${first} and ${second}`, 'refused', post(fields, withHidden(message))]);
    }
  }
  return [
    ...toFamily('CL.CL', rows),
    ...toFamily('valid', [
      ['right length', 'taken', post(rightLength, message)],
      ['leading zeros', 'taken', post((marks) => `Content-Length: 000${message(marks).length}\r\n`, message)],
      ['short body', 'waits', post('Content-Length: 9999\r\n', message)],
      ['no body', 'taken', post('')],
      ['a request behind it', 'taken', post(rightLength, withHidden(message))],
    ]),
  ];
}

/** Requests whose framing one server reads and another does not. */
export function buildFramingClasses(): readonly BaseRequest[] {
  return [...buildPairs(), ...buildCodings(), ...buildLengths()];
}
