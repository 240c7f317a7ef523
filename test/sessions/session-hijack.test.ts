import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSessionSeal, type SealKey } from '../../src/sessions/seal.ts';

type Method = 'POST' | 'GET' | 'DELETE';

interface Call {
  readonly user: string;
  readonly method: Method;
  readonly sessionId?: string;
  readonly lastEventId?: string;
}

interface Answer {
  readonly status: number;
  readonly sessionId?: string;
  readonly secret?: string;
}

/** An MCP server of 2025-11-25 that takes a session id for a proof, as many do: whoever has one gets its events, and may end it. */
function createServer(): (call: Omit<Call, 'user'> & { readonly user?: string }) => Answer {
  const sessions = new Map<string, string>();
  return ({ method, sessionId, lastEventId }) => {
    if (sessionId === undefined) {
      const id = randomUUID();
      sessions.set(id, `secret of ${id}`);
      return { status: 200, sessionId: id };
    }
    const secret = sessions.get(sessionId);
    if (secret === undefined) return { status: 404 };
    if (method === 'DELETE') sessions.delete(sessionId);
    const replayed = lastEventId === undefined ? secret : `${secret} after ${lastEventId}`;
    return { status: 200, secret: replayed };
  };
}

/** What the gateway does with a session id on the way to the server and back. */
function createFront(isBound: boolean): (call: Call) => Answer {
  const key: SealKey = { id: 1, secret: createSecretKey(randomBytes(32)) };
  const seal = createSessionSeal({ keys: { current: key, find: (id) => (id === 1 ? key : undefined) } });
  const server = createServer();
  if (!isBound) return server;
  return (call) => {
    const holder = { route: '/mcp', principalId: `key:${call.user}` };
    if (call.sessionId === undefined) {
      const { sessionId = '', ...answer } = server(call);
      return { ...answer, sessionId: seal.seal({ ...holder, upstream: 'a', sessionId }) ?? '' };
    }
    const opened = seal.open(call.sessionId, holder);
    return opened.kind === 'ok' ? server({ ...call, sessionId: opened.sessionId }) : { status: 404 };
  };
}

const attacks: readonly (readonly [string, Omit<Call, 'user' | 'sessionId'>])[] = [
  ['POST', { method: 'POST' }],
  ['GET', { method: 'GET' }],
  ['GET with Last-Event-ID', { method: 'GET', lastEventId: '17' }],
  ['POST with Last-Event-ID', { method: 'POST', lastEventId: '17' }],
  ['DELETE', { method: 'DELETE' }],
];

function countStolen(front: (call: Call) => Answer, attack: Omit<Call, 'user' | 'sessionId'>): number {
  let stolen = 0;
  for (const [owner, thief] of [
    ['alice', 'mallory'],
    ['mallory', 'alice'],
  ] as const) {
    for (let count = 0; count < 50; count++) {
      const { sessionId = '' } = front({ user: owner, method: 'POST' });
      const answer = front({ ...attack, user: thief, sessionId });
      if (answer.status !== 404 || answer.secret !== undefined) stolen++;
      else expect(front({ ...attack, user: owner, sessionId })).toMatchObject({ status: 200 });
    }
  }
  return stolen;
}

describe('session-hijack: 50 sessions of each of two users, tried by the other', () => {
  it.each(attacks)('%s gets nothing', (_name, attack) => {
    expect(countStolen(createFront(true), attack)).toBe(0);
  });

  it.each(attacks)('control: %s without the binding gets everything', (_name, attack) => {
    expect(countStolen(createFront(false), attack)).toBe(100);
  });

  it("the server's own id, seen in its log, is none at the front", () => {
    const server = createServer();
    const { sessionId = '' } = server({ method: 'POST' });
    expect(createFront(true)({ user: 'alice', method: 'POST', sessionId })).toEqual({ status: 404 });
  });
});
