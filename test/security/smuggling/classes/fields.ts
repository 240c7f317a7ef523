import {
  get,
  message,
  post,
  rightLength,
  show,
  toFamily,
  type BaseRequest,
  type Build,
  type Fate,
} from '../base-request.ts';

const controls = [...Array.from({ length: 32 }, (_, byte) => byte).filter((byte) => byte !== 9), 0x7f];
const separators = Buffer.from('"(),/;<=>?@[\\]{}');
const highBytes = [0x80, 0x85, 0xa0, 0xad, 0xc0, 0xe9, 0xff];

/** Line ends that some parsers take for one, and some do not. */
const lineEnds = [
  '\n', '\r', '\n\r', '\r\r\n', '\r\n\r', '\x0b', '\x0c', '\x1c', '\x85', '\u00e2\u0080\u00a8', '\r\x00\n', '\r \n', '\x00\r\n', '\n\n', '\r\r',
]; // prettier-ignore
/** Of those, bytes that may stand in a value, so that the two lines are one. */
const harmlessLineEnds = new Set(['\x85', '\u00e2\u0080\u00a8']);

export function buildFieldClasses(): readonly BaseRequest[] {
  return [
    ...buildNames(),
    ...buildValues(),
    ...buildLineEnds(),
    ...buildFolds(),
    ...buildConnections(),
    ...buildAmounts(),
  ];
}

function buildNames(): readonly BaseRequest[] {
  const bytes = [
    ...controls.filter((byte) => byte !== 0x0a && byte !== 0x0d),
    0x09,
    0x20,
    ...separators,
    ...highBytes,
  ];
  const rows = bytes.flatMap((byte) => {
    const character = String.fromCharCode(byte);
    return [
      [`${show(character)} in a name`, 'refused', get(`X${character}Y: z\r\n`)] as const,
      [
        `${show(character)} ends a name`,
        'refused',
        post((marks) => `Content-Length${character}: 0\r\n${rightLength(marks)}`, message),
      ] as const,
    ];
  });
  const twins = [
    'Content_Length: 0',
    'Transfer_Encoding: chunked',
    'X_Forwarded_For: 1.1.1.1',
    '__proto__: x',
    '_: y',
  ];
  return [
    ...toFamily('field name', rows),
    ...toFamily('field name', [
      ['empty', 'refused', get(': z\r\n')],
      ['no colon', 'refused', get('Transfer-Encoding\r\n')],
      ['no colon, blank', 'refused', get('Transfer-Encoding chunked\r\n')],
      ['a request line as field', 'refused', get('GET /mcp HTTP/1.1\r\n')],
    ]),
    ...toFamily(
      'valid',
      twins.map((line) => [
        `underscore ${line}`,
        'taken',
        post((marks) => `${line}\r\n${rightLength(marks)}`, message),
      ]),
    ),
  ];
}

function buildValues(): readonly BaseRequest[] {
  const withByte = (byte: number): Build =>
    post((marks) => `X-Value: a${String.fromCharCode(byte)}b\r\n${rightLength(marks)}`, message);
  const name = (byte: number): string => `byte 0x${byte.toString(16)}`;
  return [
    ...toFamily(
      'field value',
      controls.map((byte) => [name(byte), 'refused', withByte(byte)]),
    ),
    ...toFamily(
      'valid',
      [0x09, ...highBytes].map((byte) => [name(byte), 'taken', withByte(byte)]),
    ),
    ...toFamily('field value', [
      ['NUL alone', 'refused', get('X-Value: \x00\r\n')],
      ['NUL before the line end', 'refused', get('X-Value: a\x00\r\n')],
      ['NUL after the head', 'taken', (marks) => `${get('')(marks)}\x00`],
    ]),
  ];
}

function buildLineEnds(): readonly BaseRequest[] {
  const rows: (readonly [string, Fate, Build])[] = lineEnds.flatMap((end) => {
    const fate: Fate = harmlessLineEnds.has(end) ? 'taken' : 'refused';
    const inHead = (text: string): string => text.replace('\r\nX-Mark', `${end}X-Mark`);
    // The mark would not be a field, and two lines would be one that is too many for Host.
    const first: Build = (marks) => inHead(post(rightLength, message)(marks));
    return [
      [
        `${show(end)} between fields`,
        fate,
        post((marks) => `X: y${end}Z: z\r\n${rightLength(marks)}`, message),
      ],
      [
        `${show(end)} before a hidden length`,
        fate,
        post((marks) => `X: y${end}Content-Length: 0\r\n${rightLength(marks)}`, message),
      ],
      [
        `${show(end)} before a hidden coding`,
        fate,
        post((marks) => `X: y${end}Transfer-Encoding: chunked\r\n${rightLength(marks)}`, message),
      ],
      [`${show(end)} before the mark`, fate, first],
      [`${show(end)} ends the first line`, 'refused', (marks) => get('')(marks).replace('\r\n', end)],
    ];
  });
  const all: Build = (marks) => post(rightLength, message)(marks).replaceAll('\r\n', '\n');
  rows.push(
    ['line feeds alone', 'refused', all],
    ['the head ends with line feeds', 'refused', (marks) => get('')(marks).replace('\r\n\r\n', '\n\n')],
    ['the head ends with LF CR LF', 'refused', (marks) => get('')(marks).replace('\r\n\r\n', '\n\r\n')],
    ['CR X ends the head (CVE-2025-23167)', 'refused', get('\rX: y\r\n')],
  );
  return toFamily('line end', rows);
}

function buildFolds(): readonly BaseRequest[] {
  const lines = [
    'X: a\r\n b', 'X: a\r\n\tb', 'X:\r\n b', 'X: a\r\n ', 'X: a\r\n \r\n', 'X: a\r\n Content-Length: 0', 'X: a\r\n\tTransfer-Encoding: chunked', 'X: a\r\n : b',
    ' X: a', '\tX: a', ' ', '\t', ' \r\nX: a', 'X: a\r\n \t b', 'Host:\r\n localhost', 'Content-Length:\r\n 0', 'X: a\r\n\x0bb', 'X: a\r\n\x0cb', 'X: a\r\n\xa0b',
  ]; // prettier-ignore
  return toFamily('obs-fold', [
    ...lines.map(
      (line) =>
        [show(line), 'refused', post((marks) => `${line}\r\n${rightLength(marks)}`, message)] as const,
    ),
    ['blank before the first field', 'refused', (marks) => get('')(marks).replace('\r\nHost', '\r\n Host')],
    ['tab before the first field', 'refused', (marks) => get('')(marks).replace('\r\nHost', '\r\n\tHost')],
    [
      'blank line before the first field',
      'refused',
      (marks) => get('')(marks).replace('\r\nHost', '\r\n \r\nHost'),
    ],
  ]);
}

/** Fields that rule a connection: read, obeyed or dropped, and never passed on. */
function buildConnections(): readonly BaseRequest[] {
  const lines = [
    'Connection: keep-alive', 'Connection: close', 'Connection: Content-Length', 'Connection: Transfer-Encoding', 'Connection: Host', 'Connection: X-Mark, close',
    'Connection: Content-Type, X-Forwarded-For', 'Connection: \xe9', 'Connection:', 'Connection: ,,', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: trailers', 'TE: chunked',
    'Trailer: Content-Length', 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk', 'Connection: Upgrade\r\nUpgrade: websocket',
    'Proxy-Authorization: Basic eDp5', 'Connection: close\r\nConnection: keep-alive',
  ]; // prettier-ignore
  return toFamily(
    'valid',
    lines.map((line) => [show(line), 'taken', post((marks) => `${line}\r\n${rightLength(marks)}`, message)]),
  );
}

function buildAmounts(): readonly BaseRequest[] {
  const many = (count: number): Build => get('a: b\r\n'.repeat(count));
  return [
    ...toFamily('amount', [
      ['101 fields', 'refused', many(99)],
      ['2,001 fields', 'refused', many(1999)],
      ['a head of 16 KiB and a byte', 'refused', get(`X: ${'a'.repeat(16_384)}\r\n`)],
      ['a name of 17 KiB', 'refused', get(`${'a'.repeat(17_000)}: b\r\n`)],
    ]),
    ...toFamily('valid', [
      ['100 fields', 'taken', many(98)],
      ['a value of 15 KiB', 'taken', get(`X: ${'a'.repeat(15_000)}\r\n`)],
    ]),
  ];
}
