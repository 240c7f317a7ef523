import { describe, expect, it } from 'vitest';
import {
  beginAgain,
  type SendToServer,
  type ServerAnswer,
  type ServerRequest,
} from '../../src/sessions/begin-again.ts';
import { SharedWork } from '../../src/sessions/shared-work.ts';

const wanted = {
  initializeParams:
    '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1.0"}}',
  protocolVersion: '2025-11-25',
  level: undefined,
  subscriptions: [],
};

function toAnswer(values: Partial<ServerAnswer> = {}): ServerAnswer {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 'breakwater-initialize',
    result: { protocolVersion: '2025-11-25', capabilities: {} },
  });
  return { status: 200, sessionId: 'new', isEventStream: false, body, ...values };
}

/** Answers one after the other; then 202. */
function script(...answers: readonly (ServerAnswer | undefined)[]) {
  const requests: ServerRequest[] = [];
  const left = [...answers];
  const send: SendToServer = async (request) => {
    requests.push(request);
    return left.length > 0 ? left.shift() : toAnswer({ status: 202, body: '' });
  };
  return { requests, send };
}

describe('a session that begins again', () => {
  it('is told what the client had told, in its words, and then what it had set', async () => {
    const { requests, send } = script(toAnswer());
    const result = await beginAgain({ ...wanted, level: 'debug', subscriptions: ['a:1', 'a:"2'] }, send);
    expect(result).toEqual({ kind: 'begun', sessionId: 'new' });
    expect(requests[0]?.body).toContain(`"method":"initialize","params":${wanted.initializeParams}}`);
    expect(requests.map(({ sessionId }) => sessionId)).toEqual([undefined, 'new', 'new', 'new', 'new']);
    expect(requests.map(({ protocolVersion }) => protocolVersion).slice(0, 2)).toEqual([
      undefined,
      '2025-11-25',
    ]);
    expect(requests.slice(1).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 'breakwater-level', method: 'logging/setLevel', params: { level: 'debug' } },
      {
        jsonrpc: '2.0',
        id: 'breakwater-subscription-0',
        method: 'resources/subscribe',
        params: { uri: 'a:1' },
      },
      {
        jsonrpc: '2.0',
        id: 'breakwater-subscription-1',
        method: 'resources/subscribe',
        params: { uri: 'a:"2' },
      },
    ]);
  });

  it.each([
    ['no answer', [undefined], { mayRetry: true }, 1],
    ['refused', [toAnswer({ status: 503, sessionId: undefined })], { mayRetry: true }, 1],
    ['refused', [toAnswer({ status: 404, sessionId: undefined, body: 'Not Found' })], { mayRetry: false }, 1],
    ['no session', [toAnswer({ sessionId: undefined })], { mayRetry: false }, 1],
    ['no answer', [toAnswer(), undefined], { mayRetry: true }, 3],
    ['refused', [toAnswer(), toAnswer({ status: 500 })], { mayRetry: true }, 3],
  ])('does not when there is: %s', async (reason, answers, expected, count) => {
    const { requests, send } = script(...answers);
    await expect(beginAgain(wanted, send)).resolves.toEqual({ kind: 'failed', reason, ...expected });
    // A session that is of no use is not left behind.
    expect(requests).toHaveLength(count);
    if (count === 3) expect(requests[2]).toMatchObject({ method: 'DELETE', sessionId: 'new' });
  });

  it('does not at a server that speaks another revision than the client, and leaves nothing there', async () => {
    const { requests, send } = script(toAnswer());
    const result = await beginAgain({ ...wanted, protocolVersion: '2025-06-18' }, send);
    expect(result).toEqual({ kind: 'failed', mayRetry: false, reason: 'another revision' });
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
  });

  it('is good without a level or subscription that the server refuses', async () => {
    const { requests, send } = script(
      toAnswer(),
      toAnswer({ status: 202 }),
      toAnswer({ status: 400 }),
      undefined,
    );
    const result = await beginAgain({ ...wanted, level: 'debug', subscriptions: ['a:1', 'a:2'] }, send);
    expect(result.kind).toBe('begun');
    // It does not make the client wait for a server that does not answer.
    expect(requests).toHaveLength(4);
  });
});

describe('work that is shared', () => {
  it('is done once for all who ask while it is under way, and anew afterwards', async () => {
    const work = new SharedWork<number>({ most: 2, mostWaiting: 2 });
    let count = 0;
    const one = async (): Promise<number> => ++count;
    expect(await Promise.all([work.do('a', one), work.do('a', one), work.do('b', one)])).toEqual([1, 1, 2]);
    expect(await work.do('a', one)).toBe(3);
  });

  it('waits for its turn, and is refused when too much waits', async () => {
    const work = new SharedWork<string>({ most: 1, mostWaiting: 1 });
    const gate = Promise.withResolvers<undefined>();
    const first = work.do('a', async () => {
      await gate.promise;
      return 'a';
    });
    const second = work.do('b', async () => 'b');
    expect(await work.do('c', async () => 'c')).toBeUndefined();
    gate.resolve(undefined);
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
    expect(await work.do('c', async () => 'c')).toBe('c');
  });

  it('gives its place back when it fails', async () => {
    const work = new SharedWork<string>({ most: 1, mostWaiting: 0 });
    await expect(work.do('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await work.do('a', async () => 'a')).toBe('a');
  });
});
