import { describe, expect, it } from 'vitest';
import { findDifference } from '../../bench/check-answer.ts';
import { buildCall } from '../../bench/call.ts';
import { toSelfTimes } from '../../bench/cpu-profile.ts';
import { parseH2load, parseWrk } from '../../bench/load.ts';
import { toAnswerLength } from '../../bench/open-loop.ts';
import { parseOptions } from '../../bench/options.ts';
import { readEvents } from '../../bench/stream-fleet.ts';
import { buildWorkTable, countWorkKinds } from '../../bench/work-kinds.ts';

describe('options', () => {
  const ids = ['bare-h1', 'fan-out'];

  it('take rows and peers by comma or again and again', () => {
    const options = parseOptions(['--only', 'bare-h1,fan-out', '--peers', 'nginx', '--peers', 'caddy'], ids);
    expect(options).toMatchObject({
      only: ids,
      peers: ['nginx', 'caddy'],
      rounds: 5,
      seconds: 5,
      isQuick: false,
    });
  });

  it.each([[['--only', 'bare-h3']], [['--rounds', '0']], [['--seconds', '1.5']], [['--unknown']]])(
    'refuse %j',
    (args) => {
      expect(() => parseOptions(args, ids)).toThrow(/./);
    },
  );
});

describe('what load generators print', () => {
  it('gives the number of answers', () => {
    expect(parseWrk('  1234 requests in 5.00s, 1.00MB read')).toBe(1234);
    expect(parseH2load('status codes: 99 2xx, 0 3xx, 0 4xx, 0 5xx')).toBe(99);
  });

  it.each([
    '  10 requests in 1s\n  Non-2xx or 3xx responses: 3',
    '  10 requests in 1s\n  Socket errors: connect 0, read 1, write 0, timeout 0',
    '  0 requests in 1s',
    'unable to connect',
  ])('is refused when any call failed: %j', (text) => {
    expect(() => parseWrk(text)).toThrow(/./);
  });

  it.each(['status codes: 9 2xx, 0 3xx, 1 4xx, 0 5xx', 'status codes: 0 2xx, 0 3xx, 0 4xx, 0 5xx', ''])(
    'is refused of h2load too: %j',
    (text) => {
      expect(() => parseH2load(text)).toThrow(/./);
    },
  );
});

describe('an answer on the wire', () => {
  const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc';
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';

  it.each([sized, chunked])('ends with its last byte and not before: %j', (text) => {
    expect(toAnswerLength(Buffer.from(`${text}HTTP/1.1`))).toBe(text.length);
    for (let size = 0; size < text.length; size++)
      expect(toAnswerLength(Buffer.from(text.slice(0, size)))).toBeUndefined();
  });
});

describe('an event stream on the wire', () => {
  it('gives each event once, however it is cut', () => {
    const text = '9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const events: string[] = [];
      const rest = readEvents(text.slice(0, cut), (data) => events.push(data));
      readEvents(rest + text.slice(cut), (data) => events.push(data));
      expect(events).toEqual(['1', '2']);
    }
  });
});

describe('the check of answers', () => {
  const body = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}]}}';
  const direct = { status: 200, body };

  it('accepts the very same answer, and one written anew with the same content', () => {
    expect(findDifference(direct, direct, false)).toBeUndefined();
    const event = `event: message\ndata: {"result":{"content":[{"text":"hi","type":"text"}]},"id":2}\n\n`;
    expect(findDifference(direct, { status: 200, body: event }, true)).toBeUndefined();
  });

  it('control: tells another status, body or content', () => {
    expect(findDifference(direct, { status: 502, body }, false)).toContain('502');
    expect(findDifference(direct, { status: 200, body: `${body} ` }, false)).toContain('another body');
    const other = body.replace('hi', 'ho');
    expect(findDifference(direct, { status: 200, body: other }, true)).toContain('another body');
  });
});

describe('a profile', () => {
  it('shares time among functions, idle left out', () => {
    const node = (
      id: number,
      functionName: string,
    ): { id: number; callFrame: { functionName: string; url: string; lineNumber: number } } => ({
      id,
      callFrame: { functionName, url: 'file:///x/dist/http/a.js', lineNumber: 9 },
    });
    const profile = {
      nodes: [node(1, 'parse'), node(2, '(idle)'), node(3, 'write'), node(4, 'parse')],
      samples: [1, 2, 3, 4],
      timeDeltas: [10, 1000, 10, 20],
    };
    expect(toSelfTimes(profile, { most: 25, skip: 0 })).toEqual([
      { name: 'parse', place: 'dist/http/a.js:10', share: 0.75 },
      { name: 'write', place: 'dist/http/a.js:10', share: 0.25 },
    ]);
    expect(toSelfTimes(profile, { most: 1, skip: 0 })).toHaveLength(1);
    expect(toSelfTimes(profile, { most: 25, skip: 1010 })).toMatchObject([
      { name: 'parse' },
      { name: 'write' },
    ]);
  });
});

describe('samples of perf', () => {
  const stack = (...frames: readonly string[]): string =>
    `${frames.map((frame) => `\t          1f8a ${frame}\n`).join('')}\n`;
  const loop = 'uv_run (/usr/bin/node)';
  const call = 'entry_SYSCALL_64 ([kernel.kallsyms])';

  it('are sorted by what the processor did', () => {
    const counts = countWorkKinds(
      [
        stack('tcp_ack ([kernel.kallsyms])', 'tcp_sendmsg ([kernel.kallsyms])', call, loop),
        stack('_copy_to_iter ([kernel.kallsyms])', 'tcp_recvmsg ([kernel.kallsyms])', call, loop),
        stack('ep_poll ([kernel.kallsyms])', call, loop),
        stack('ossl_gcm_einit (/usr/bin/node)', 'SSL_write (/usr/bin/node)', loop),
        stack('[unknown] (/usr/lib/x86_64-linux-gnu/libssl.so.3)'),
        stack('v8::internal::Scavenger::Process (/usr/bin/node)'),
        stack('JS:*read file:///x/dist/http/a.js:1:1 (/tmp/perf-1.map)', loop),
        stack('Builtins_CreateTypedArray (/usr/bin/node)', 'JS:*read file:///x/a.js:1:1 (/tmp/perf-1.map)'),
        stack('malloc (/usr/lib/x86_64-linux-gnu/libc.so.6)', loop),
      ].join(''),
    );
    expect([...counts.values()]).toEqual([1, 1, 1, 2, 1, 2, 1]);
    const table = buildWorkTable([{ name: 'breakwater', perCall: 18, counts }]);
    expect(table).toContain('| OpenSSL | 4.0 |');
    expect(table).toContain('| all | 18.0 |');
  });

  it('control: a report without samples has none', () => {
    expect([...countWorkKinds('# no samples\n').values()].every((count) => count === 0)).toBe(true);
  });
});

describe('the calls', () => {
  it('are JSON, and the large one is 1 MiB', () => {
    expect(JSON.parse(buildCall('echo', '7'))).toMatchObject({ id: 7, method: 'tools/call' });
    expect(Buffer.byteLength(buildCall('upload'))).toBe(1024 * 1024);
  });
});
