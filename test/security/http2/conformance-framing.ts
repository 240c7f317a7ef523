import {
  buildFrame,
  buildHeaders,
  buildSettings,
  encodeFields,
  flags,
  preface,
  toNumberPayload,
} from '../../support/h2-frames.ts';
import {
  call,
  cut,
  endsConnection,
  endsStream,
  get,
  head,
  isDiscarded,
  isServed,
  isTolerated,
  openPost,
  type ConformanceCase,
} from './conformance-case.ts';

const cancel = toNumberPayload(8);
const body = Buffer.from(call);
const ping = buildFrame('ping', { payload: Buffer.alloc(8) });
const data = buildFrame('data', { flags: flags.endStream, stream: 1, payload: body });

/** The connection: preface, frame format, streams and their states (sections 3 to 5). */
export const framingCases: readonly ConformanceCase[] = [
  {
    ...endsConnection('3.4 another protocol in place of the preface', [], 'protocol', 'internal'),
    exception: 'GOAWAY says INTERNAL_ERROR where the section wants PROTOCOL_ERROR',
    opening: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  },
  {
    ...endsConnection('3.4 a frame before SETTINGS', [], 'protocol'),
    opening: Buffer.concat([preface, ping, get]),
  },
  isServed('3.4 a request right behind the preface', get),
  isServed('4.1 a frame of an unknown type', buildFrame(0x16, { payload: Buffer.from('x') }), get),
  isServed('4.1 flags nobody defined', buildFrame('ping', { flags: 0x16, payload: Buffer.alloc(8) }), get),
  isServed(
    '4.1 the reserved bit of a stream number',
    buildFrame('ping', { stream: 0x80000000, payload: Buffer.alloc(8) }),
    get,
  ),
  isServed(
    '4.2 DATA of exactly 16,384 bytes',
    openPost,
    buildFrame('data', { stream: 1, payload: Buffer.alloc(16_384, ' ') }),
    data,
  ),
  endsStream(
    '4.2 DATA of 16,385 bytes',
    [openPost, buildFrame('data', { flags: 1, stream: 1, payload: Buffer.alloc(16_385) })],
    'frameSize',
  ),
  endsConnection(
    '4.2 HEADERS of 16,385 bytes',
    [buildFrame('headers', { flags: 5, stream: 1, payload: Buffer.alloc(16_385) })],
    'frameSize',
  ),
  endsConnection(
    '4.2 SETTINGS of 16,386 bytes',
    [buildFrame('settings', { payload: Buffer.alloc(16_386) })],
    'frameSize',
  ),
  endsConnection(
    '4.3 a field block that is no HPACK',
    [buildFrame('headers', { flags: 5, stream: 1, payload: Buffer.from('ffffffffffff', 'hex') })],
    'compression',
  ),
  endsConnection(
    '4.3 PRIORITY between HEADERS and CONTINUATION',
    [cut.start, buildFrame('priority', { stream: 1, payload: Buffer.alloc(5) }), cut.end],
    'protocol',
  ),
  endsConnection(
    '4.3 HEADERS of another stream inside a field block',
    [cut.start, buildHeaders(3, head)],
    'protocol',
  ),
  endsConnection('4.3 PING inside a field block', [cut.start, ping], 'protocol'),
  endsConnection('5.1 idle: DATA', [data], 'protocol'),
  endsConnection('5.1 idle: RST_STREAM', [buildFrame('reset', { stream: 1, payload: cancel })], 'protocol'),
  endsConnection(
    '5.1 idle: WINDOW_UPDATE',
    [buildFrame('windowUpdate', { stream: 1, payload: toNumberPayload(1) })],
    'protocol',
  ),
  endsConnection('5.1 idle: CONTINUATION', [cut.end], 'protocol'),
  endsStream('5.1 half-closed: DATA', [get, data], 'streamClosed'),
  endsStream('5.1 half-closed: HEADERS', [get, get], 'streamClosed'),
  endsConnection('5.1 half-closed: CONTINUATION', [get, cut.end], 'protocol', 'streamClosed'),
  isDiscarded(
    '5.1 closed: DATA after RST_STREAM',
    openPost,
    buildFrame('reset', { stream: 1, payload: cancel }),
    data,
  ),
  isDiscarded(
    '5.1 closed: HEADERS after RST_STREAM',
    openPost,
    buildFrame('reset', { stream: 1, payload: cancel }),
    get,
  ),
  endsConnection('5.1.1 an even stream number', [buildHeaders(2, head)], 'protocol'),
  {
    ...isDiscarded('5.1.1 a stream number smaller than the last', buildHeaders(5, head), get),
    exception: 'HEADERS are ignored where the section wants a connection error; nobody sees the request',
  },
  endsConnection('5.1.1 stream 0', [buildHeaders(0, head)], 'protocol'),
  isServed('5.1.1 stream numbers that were left out', get, buildHeaders(0x7ffffff1, head)),
  isServed('5.5 an extension frame on an open stream', openPost, buildFrame(0xbe, { stream: 1 }), data),
  endsConnection(
    '5.5 an extension frame inside a field block',
    [cut.start, buildFrame(0xbe, { stream: 1 })],
    'protocol',
  ),
  endsConnection('6.1 DATA on stream 0', [buildFrame('data', { payload: body })], 'protocol'),
  endsConnection(
    '6.1 DATA with more padding than there is',
    [openPost, buildFrame('data', { flags: flags.padded, stream: 1, payload: Buffer.from([9, 1, 2]) })],
    'protocol',
  ),
  isServed(
    '6.1 DATA with padding',
    openPost,
    buildFrame('data', {
      flags: flags.padded | flags.endStream,
      stream: 1,
      payload: Buffer.concat([Buffer.from([4]), body, Buffer.alloc(4)]),
    }),
  ),
  endsConnection(
    '6.2 HEADERS with more padding than there is',
    [buildFrame('headers', { flags: 0xd, stream: 1, payload: Buffer.from([200, 0x82]) })],
    'protocol',
  ),
  isServed(
    '6.2 HEADERS with padding and priority',
    buildFrame('headers', {
      flags: flags.endHeaders | flags.endStream | flags.padded | flags.priority,
      stream: 1,
      payload: Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 15]), encodeFields(head), Buffer.alloc(3)]),
    }),
  ),
  isServed('6.10 a field block in two frames', cut.start, cut.end),
  isServed(
    '6.10 an empty CONTINUATION in the middle',
    cut.start,
    buildFrame('continuation', { stream: 1 }),
    cut.end,
  ),
  endsConnection('6.10 CONTINUATION behind END_HEADERS', [openPost, cut.end], 'protocol'),
  endsConnection('6.10 CONTINUATION on stream 0', [cut.start, buildFrame('continuation')], 'protocol'),
  endsConnection(
    '6.10 CONTINUATION on another stream',
    [cut.start, buildFrame('continuation', { stream: 3 })],
    'protocol',
  ),
  isTolerated('8.1 a stream that never ends its request', openPost),
  endsStream(
    '8.1 a second HEADERS that does not end the stream',
    [openPost, buildHeaders(1, [['x', 'y']], { endStream: false })],
    'protocol',
  ),
  endsStream('8.1 trailers with a pseudo field', [openPost, buildHeaders(1, [[':path', '/x']])], 'protocol'),
  endsConnection(
    '8.4 PUSH_PROMISE from a client',
    [
      openPost,
      buildFrame('pushPromise', {
        flags: flags.endHeaders,
        stream: 1,
        payload: Buffer.concat([toNumberPayload(2), encodeFields(head)]),
      }),
    ],
    'protocol',
  ),
  isServed('9.1 SETTINGS a second time', buildSettings(), get),
];
