import {
  buildHidden,
  chunked,
  lastChunk,
  message,
  post,
  rightLength,
  show,
  toFamily,
  type BaseRequest,
  type Build,
  type Fate,
  type Marks,
} from '../base-request.ts';

function withLine(line: string, fields: string, body: (marks: Marks) => string = () => ''): Build {
  return (marks) =>
    `${line}\r\nHost: localhost\r\nX-Mark: OWN\r\n${fields}\r\nBODY`
      .replaceAll('OWN', marks.own)
      .replaceAll('SIZE', `${body(marks).length}`)
      .replace('BODY', () => body(marks));
}

/** A body where none belongs: a server that does not read it takes it for the next request (CL.0, TE.0). */
function buildUnreadBodies(): readonly BaseRequest[] {
  // HEAD is left out: its answers have no body, which a reader of the bytes alone cannot know.
  const methods = ['GET', 'DELETE', 'OPTIONS'];
  const rows: (readonly [string, Fate, Build])[] = methods.flatMap((method) => [
    [
      `${method} with a length`,
      'refused',
      withLine(`${method} /mcp?m=OWN HTTP/1.1`, 'Content-Length: SIZE\r\n', buildHidden),
    ],
    [
      `${method} with a length of one`,
      'refused',
      withLine(`${method} /mcp?m=OWN HTTP/1.1`, 'Content-Length: 1\r\n', () => 'x'),
    ],
    [
      `${method} with chunks`,
      'refused',
      withLine(`${method} /mcp?m=OWN HTTP/1.1`, 'Transfer-Encoding: chunked\r\n', chunked),
    ],
    [
      `${method} with no chunk`,
      'refused',
      withLine(
        `${method} /mcp?m=OWN HTTP/1.1`,
        'Transfer-Encoding: chunked\r\n',
        (marks) => lastChunk + buildHidden(marks),
      ),
    ],
  ]);
  const paths = ['/mcp', '/', '/favicon.ico', '/mcp/x', '/healthz', '/mcp%2f', '/%2e%2e/mcp', '/mcp;x', '//'];
  const taken: (readonly [string, Fate, Build])[] = paths.flatMap((path) => [
    [
      `POST ${path} with a request as body`,
      'taken',
      withLine(`POST ${path}?m=OWN HTTP/1.1`, 'Content-Length: SIZE\r\n', buildHidden),
    ],
    [
      `POST ${path} with a request behind`,
      'taken',
      withLine(`POST ${path}?m=OWN HTTP/1.1`, 'Content-Length: 0\r\n', buildHidden),
    ],
    [
      `PUT ${path} with a request as body`,
      'taken',
      withLine(`PUT ${path}?m=OWN HTTP/1.1`, 'Content-Length: SIZE\r\n', buildHidden),
    ],
  ]);
  taken.push(
    [
      'GET with a length of zero',
      'taken',
      withLine('GET /mcp?m=OWN HTTP/1.1', 'Content-Length: 0\r\n', buildHidden),
    ],
    ['DELETE without a body', 'taken', withLine('DELETE /mcp?m=OWN HTTP/1.1', '')],
  );
  return [...toFamily('CL.0', rows), ...toFamily('CL.0', taken)];
}

/** A length that the gateway does not see and a server behind it might (0.CL). */
function buildUnseenLengths(): readonly BaseRequest[] {
  const lines = [
    'Content-Length\r\n: SIZE',
    'X: y\r\n\r Content-Length: SIZE',
    'X: y\n\nContent-Length: SIZE',
    '\r\nContent-Length: SIZE',
    'X: y\r\n Content-Length: SIZE',
    'Content-Length; x: SIZE',
    'Content-Length[]: SIZE',
    'Content.Length: SIZE',
  ];
  const fates: readonly Fate[] = [
    'refused',
    'refused',
    'refused',
    'refused',
    'refused',
    'refused',
    'refused',
    'taken',
  ];
  return toFamily(
    '0.CL',
    lines.map((line, index) => [
      show(line),
      fates[index] ?? 'refused',
      withLine('POST /mcp?m=OWN HTTP/1.1', `${line}\r\n`, buildHidden),
    ]),
  );
}

function buildExpectations(): readonly BaseRequest[] {
  const harmless = ['100-continue', '100-Continue', '100-CONTINUE', ' 100-continue\t'];
  const others = [
    'y 100-continue',
    '100-continue, 100-continue',
    '100-continue,',
    '100-continue;q=1',
    '"100-continue"',
    '100',
    '200-ok',
    '',
    '\n 100-continue',
    '\r\n 100-continue',
    '100-continue\x00',
    'x',
    '100-continue 100-continue',
    '\xa0100-continue',
  ];
  const line = (value: string): string => `Expect: ${value}\r\n`;
  return [
    ...toFamily(
      'valid',
      harmless.flatMap((value): (readonly [string, Fate, Build])[] => [
        [`Expect ${show(value)}`, 'taken', post((marks) => line(value) + rightLength(marks), message)],
        [
          `Expect ${show(value)}, chunks`,
          'taken',
          post(`${line(value)}Transfer-Encoding: chunked\r\n`, chunked),
        ],
        [`Expect ${show(value)}, no body`, 'taken', post(line(value), buildHidden)],
        [
          `Expect ${show(value)}, a request as body`,
          'taken',
          withLine('POST /mcp?m=OWN HTTP/1.1', `${line(value)}Content-Length: SIZE\r\n`, buildHidden),
        ],
        [`Expect ${show(value)}, body held back`, 'waits', post((marks) => line(value) + rightLength(marks))],
      ]),
    ),
    ...toFamily(
      'Expect',
      others.flatMap((value): (readonly [string, Fate, Build])[] => [
        [show(value), 'refused', post((marks) => line(value) + rightLength(marks), message)],
        [`${show(value)}, a request behind`, 'refused', post(line(value), buildHidden)],
      ]),
    ),
    ...toFamily('Expect', [
      [
        'twice',
        'refused',
        post((marks) => line('100-continue') + line('100-continue') + rightLength(marks), message),
      ],
      [
        'and another',
        'refused',
        post((marks) => line('100-continue') + line('x') + rightLength(marks), message),
      ],
    ]),
  ];
}

/** Requests that can be answered before their body is read: what is left of the body must not become a request. */
function buildEarlyAnswers(): readonly BaseRequest[] {
  const big = 'Content-Length: 900000000\r\n';
  const starts = [
    'POST /mcp?m=OWN HTTP/1.1',
    'POST /nowhere?m=OWN HTTP/1.1',
    'PUT /mcp?m=OWN HTTP/1.1',
    'PATCH /healthz?m=OWN HTTP/1.1',
  ];
  return toFamily(
    'early answer',
    starts.flatMap((line): (readonly [string, Fate, Build])[] => [
      [`${line}, too large`, 'refused', withLine(line, big, buildHidden)],
      [
        `${line}, chunk too large`,
        'waits',
        withLine(line, 'Transfer-Encoding: chunked\r\n', (marks) => `7fffff\r\n${buildHidden(marks)}`),
      ],
      [
        `${line}, body with a request`,
        'taken',
        withLine(line, 'Content-Type: text/plain\r\nContent-Length: SIZE\r\n', buildHidden),
      ],
      [
        `${line}, coded body`,
        'taken',
        withLine(line, 'Content-Encoding: gzip\r\nContent-Length: SIZE\r\n', buildHidden),
      ],
      [
        `${line}, unknown Origin`,
        'taken',
        withLine(line, 'Origin: https://evil.example\r\nContent-Length: SIZE\r\n', buildHidden),
      ],
      [
        `${line}, wrong version`,
        'taken',
        withLine(line, 'MCP-Protocol-Version: 2026-07-28\r\nContent-Length: SIZE\r\n', buildHidden),
      ],
      [`${line}, body still to come`, 'waits', withLine(line, 'Content-Length: 5000\r\n', buildHidden)],
    ]),
  );
}

/** Requests that desynchronise two servers although each of them may be well formed. */
export function buildDesyncClasses(): readonly BaseRequest[] {
  return [...buildUnreadBodies(), ...buildUnseenLengths(), ...buildExpectations(), ...buildEarlyAnswers()];
}
