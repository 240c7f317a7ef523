import {
  buildFrame,
  buildSettings,
  encodeIndexedField,
  encodeInteger,
  flags,
  settingNumbers,
  toNumberPayload,
} from '../../support/h2-frames.ts';
import {
  buildHpack,
  endsConnection,
  endsStream,
  get,
  isServed,
  isTolerated,
  openPost,
  type ConformanceCase,
} from './conformance-case.ts';

const cancel = toNumberPayload(8);
const most = 0x7fffffff;

function buildWindowUpdate(stream: number, increment: number): Buffer {
  return buildFrame('windowUpdate', { stream, payload: toNumberPayload(increment) });
}

/** The frames that rule a connection (sections 6.3 to 6.9), and HPACK. */
export const controlCases: readonly ConformanceCase[] = [
  {
    ...isTolerated('6.3 PRIORITY on stream 0', buildFrame('priority', { payload: Buffer.alloc(5) })),
    exception:
      'ignored where the section wants a connection error; priorities of RFC 7540 have no effect any more',
  },
  endsStream(
    '6.3 PRIORITY of four bytes',
    [get, buildFrame('priority', { stream: 1, payload: Buffer.alloc(4) })],
    'frameSize',
  ),
  endsConnection('6.4 RST_STREAM on stream 0', [buildFrame('reset', { payload: cancel })], 'protocol'),
  endsConnection(
    '6.4 RST_STREAM of three bytes',
    [openPost, buildFrame('reset', { stream: 1, payload: Buffer.alloc(3) })],
    'frameSize',
  ),
  endsConnection(
    '6.5 an acknowledgement of SETTINGS with content',
    [buildFrame('settings', { flags: flags.ack, payload: Buffer.alloc(6) })],
    'frameSize',
  ),
  endsConnection('6.5 SETTINGS on a stream', [buildFrame('settings', { stream: 1 })], 'protocol'),
  endsConnection(
    '6.5 SETTINGS of three bytes',
    [buildFrame('settings', { payload: Buffer.alloc(3) })],
    'frameSize',
  ),
  endsConnection('6.5.2 ENABLE_PUSH of 2', [buildSettings([settingNumbers.enablePush, 2])], 'protocol'),
  endsConnection(
    '6.5.2 INITIAL_WINDOW_SIZE over the maximum',
    [buildSettings([settingNumbers.initialWindowSize, 0x80000000])],
    'flowControl',
  ),
  endsConnection(
    '6.5.2 MAX_FRAME_SIZE under 16,384',
    [buildSettings([settingNumbers.maxFrameSize, 16_383])],
    'protocol',
  ),
  endsConnection(
    '6.5.2 MAX_FRAME_SIZE over the maximum',
    [buildSettings([settingNumbers.maxFrameSize, 2 ** 24])],
    'protocol',
  ),
  isServed('6.5.2 a setting nobody defined', buildSettings([0xfe, 1]), get),
  isServed('6.5.3 SETTINGS with the same number twice', buildSettings([4, 1], [4, 65_535]), get),
  isServed('6.7 PING before a request', buildFrame('ping', { payload: Buffer.from('conforms') }), get),
  {
    ...endsConnection(
      '6.7 an acknowledgement nobody asked for',
      [buildFrame('ping', { flags: flags.ack, payload: Buffer.alloc(8) })],
      'internal',
      'protocol',
    ),
    exception: 'ends the session where the section says nothing; no client does this',
  },
  endsConnection(
    '6.7 PING on a stream',
    [buildFrame('ping', { stream: 1, payload: Buffer.alloc(8) })],
    'protocol',
  ),
  endsConnection('6.7 PING of six bytes', [buildFrame('ping', { payload: Buffer.alloc(6) })], 'frameSize'),
  endsConnection(
    '6.8 GOAWAY on a stream',
    [buildFrame('goaway', { stream: 1, payload: Buffer.alloc(8) })],
    'protocol',
  ),
  endsConnection(
    '6.8 GOAWAY of four bytes',
    [buildFrame('goaway', { payload: Buffer.alloc(4) })],
    'frameSize',
  ),
  endsConnection('6.9 WINDOW_UPDATE of zero for the connection', [buildWindowUpdate(0, 0)], 'protocol'),
  endsStream('6.9 WINDOW_UPDATE of zero for a stream', [openPost, buildWindowUpdate(1, 0)], 'protocol'),
  endsConnection(
    '6.9 WINDOW_UPDATE of three bytes',
    [buildFrame('windowUpdate', { payload: Buffer.alloc(3) })],
    'frameSize',
  ),
  endsConnection(
    '6.9.1 the window of the connection over the maximum',
    [buildWindowUpdate(0, most), buildWindowUpdate(0, most)],
    'flowControl',
  ),
  endsStream(
    '6.9.1 the window of a stream over the maximum',
    [openPost, buildWindowUpdate(1, most), buildWindowUpdate(1, most)],
    'flowControl',
  ),
  endsConnection(
    '6.9.2 SETTINGS that take an open window over the maximum',
    [openPost, buildWindowUpdate(1, most - 65_535), buildSettings([settingNumbers.initialWindowSize, most])],
    'flowControl',
  ),
  isServed(
    '6.9.2 a window that becomes negative and opens again',
    buildSettings([4, 0]),
    get,
    buildSettings([4, 65_535]),
  ),
  endsConnection(
    'HPACK 2.3.3 an index beyond both tables',
    [buildHpack(encodeInteger(200, 7, 0x80))],
    'compression',
  ),
  endsConnection('HPACK 5.1 an integer without an end', [buildHpack(Buffer.alloc(20, 0xff))], 'compression'),
  endsConnection(
    'HPACK 5.2 a text longer than its block',
    [buildHpack(Buffer.from([0, 1, 0x78, 0x7f, 0xff, 0x7f]))],
    'compression',
  ),
  endsConnection(
    'HPACK 5.2 Huffman padding of more than seven bits',
    [buildHpack(Buffer.from('00850f d0ff ff ff 0179'.replaceAll(' ', ''), 'hex'))],
    'compression',
  ),
  endsConnection(
    'HPACK 5.2 Huffman padding of zeros',
    [buildHpack(Buffer.from([0, 1, 0x78, 0x81, 0b00011000]))],
    'compression',
  ),
  endsConnection(
    'HPACK 5.2 the end-of-string symbol',
    [buildHpack(Buffer.from([0, 1, 0x78, 0x84, 0xff, 0xff, 0xff, 0xff]))],
    'compression',
  ),
  endsConnection('HPACK 6.1 index 0', [buildHpack(Buffer.from([0x80]))], 'compression'),
  endsConnection(
    'HPACK 6.3 a table larger than agreed',
    [buildHpack(Buffer.alloc(0), encodeInteger(65_536, 5, 0x20))],
    'compression',
  ),
  endsConnection('HPACK 4.2 a table size behind a field', [buildHpack(Buffer.from([0x20]))], 'compression'),
  isServed('HPACK 6.3 a table of size 0', buildHpack(Buffer.alloc(0), Buffer.from([0x20]))),
  isServed(
    'HPACK 6.2.1 a field entered into the table and used from it',
    buildHpack(Buffer.concat([encodeIndexedField('x-again', 'y'), Buffer.from([0x80 | 62])])),
  ),
];
