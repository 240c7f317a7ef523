import { describe, expect, it } from 'vitest';
import type { SessionSeal } from '../../src/sessions/seal.ts';
import { beginSession, initialize, legacyCopy, startCopies } from '../support/copies.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, streamed } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';

const modern = buildModern('tools/call', { name: 'echo' });
const call = buildPost(modern.body, { fields: modern.fields });
const answerOne = () => answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');
const sorted = (answers: readonly { readonly status: number }[]): number[] =>
  answers.map(({ status }) => status).toSorted((left, right) => left - right);
const withSession = (id: string): string => buildPost(buildCall(), { fields: `Mcp-Session-Id: ${id}\r\n` });

describe('calls without a session', () => {
  it.each(['round_robin', 'least_requests'] as const)('are spread by weight with %s', async (balance) => {
    await using set = await startCopies({
      number: 3,
      answer: answerOne,
      weights: [3, 1, 0],
      route: { balance },
    });
    for (let count = 0; count < 16; count++) expect((await set.rig.ask(call)).status).toBe(200);
    expect(set.counts()).toEqual([12, 4, 0]);
  });

  it('go to the copy with the fewest under way', async () => {
    const held: Answer = () => undefined;
    await using set = await startCopies({ answer: (copy) => (copy === 0 ? held : answerOne()) });
    // The first one waits for its answer at the first copy.
    (await set.rig.connect()).send(call);
    await set.copies[0]?.next();
    for (let count = 0; count < 5; count++) expect((await set.rig.ask(call)).status).toBe(200);
    expect(set.counts()).toEqual([1, 5]);
  });

  it('control: go there in turn with round_robin', async () => {
    const held: Answer = () => undefined;
    await using set = await startCopies({
      answer: (copy) => (copy === 0 ? held : answerOne()),
      route: { balance: 'round_robin' },
    });
    for (let count = 0; count < 4; count++) (await set.rig.connect()).send(call);
    await set.copies[0]?.next();
    await set.copies[0]?.next();
    expect(set.counts()[0]).toBe(2);
  });

  it('are told apart in the access log by the copy that answered', async () => {
    await using set = await startCopies({ answer: answerOne });
    await set.rig.ask(call);
    await set.rig.ask(call);
    const named = set.rig.gateway.lines.map(({ upstream }) => upstream);
    expect(new Set(named)).toEqual(new Set(set.copies.map(({ port }) => `127.0.0.1:${port}`)));
    expect(named).toHaveLength(2);
  });
});

describe('a session', () => {
  it('stays with the copy that began it, on every method', async () => {
    await using set = await startCopies({ number: 3, answer: legacyCopy });
    for (let count = 0; count < 6; count++) {
      const id = await beginSession(set.rig);
      expect(id).not.toContain('session-of');
      const fields = `Mcp-Session-Id: ${id}\r\n`;
      for (const request of [
        withSession(id),
        buildGet({ fields }),
        buildGet({ fields: `${fields}Last-Event-ID: 3\r\n` }),
        `DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
      ])
        expect((await set.rig.ask(request)).status).toBe(200);
    }
    expect(set.counts()).toEqual([10, 10, 10]);
  });

  it('control: is lost at another copy under the name that the copy gave it', async () => {
    await using set = await startCopies({ answer: legacyCopy });
    // Sent on as they are, half of the calls would come to the wrong copy; sealed, nobody can name the copy.
    const answer = await set.rig.ask(withSession('session-of-0'));
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('E_SESSION_UNKNOWN');
    expect(set.counts()).toEqual([0, 0]);
    const two = set.copies.map(({ port }) => port);
    for (const [at, expected] of [200, 404].entries()) {
      await using plain = await startRig({ upstreamPort: two[at] ?? 0 });
      expect((await plain.ask(withSession('session-of-0'))).status).toBe(expected);
    }
  });

  it('goes on after a reload that reorders the copies, and with one that gets no new work', async () => {
    await using set = await startCopies({ answer: legacyCopy });
    const ids = [await beginSession(set.rig), await beginSession(set.rig)];
    const { upstreams } = set.route();
    await set.reload({ route: { upstreams: upstreams.toReversed() } });
    for (const id of ids) expect((await set.rig.ask(withSession(id))).status).toBe(200);
    await set.reload({ weights: [0, 1] });
    for (const id of ids) expect((await set.rig.ask(withSession(id))).status).toBe(200);
    const before = set.counts()[0];
    for (let count = 0; count < 4; count++) await set.rig.ask(buildPost(initialize));
    expect(set.counts()[0]).toBe(before);
  });

  it('is unknown once its copy is not configured any more', async () => {
    await using set = await startCopies({ number: 3, answer: legacyCopy });
    const ids = [await beginSession(set.rig), await beginSession(set.rig), await beginSession(set.rig)];
    await set.reload({ weights: [undefined, 1, 1] });
    const answers = await Promise.all(ids.map((id) => set.rig.ask(withSession(id))));
    expect(sorted(answers)).toEqual([200, 200, 404]);
    expect(answers.find(({ status }) => status === 404)?.body).toContain('E_SESSION_UNKNOWN');
  });

  it('is not sent to another copy when its own is down', async () => {
    await using set = await startCopies({ answer: legacyCopy });
    const ids = [await beginSession(set.rig), await beginSession(set.rig)];
    await set.copies[0]?.stop();
    const answers = await Promise.all(ids.map((id) => set.rig.ask(withSession(id))));
    expect(sorted(answers)).toEqual([200, 502]);
    const calls = set.copies[1]?.requests.filter(({ body }) => body.includes('tools/call'));
    expect(calls).toHaveLength(1);
  });
});

describe('a session of the 2024 transport', () => {
  const announce =
    (copy: number): Answer =>
    ({ head, socket }) => {
      const prefix = head.startsWith('GET /b/') ? '/b' : '/a';
      if (head.startsWith('GET'))
        socket.write(eventStreamHead + toChunk(`event: endpoint\ndata: ${prefix}/messages?sid=${copy}\n\n`));
      else socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
    };

  it.each([
    ['the same path', ['/a/sse', '/a/sse']],
    ['paths of their own', ['/a/sse', '/b/sse']],
  ])('posts its messages to the copy that has its stream, at %s', async (_name, paths) => {
    await using set = await startCopies({ answer: announce, paths, route: { path: '/sse' } });
    const endpoints: string[] = [];
    for (let count = 0; count < 4; count++) {
      const client = await set.rig.connect();
      client.send(buildGet({ path: '/sse' }));
      const body = await streamed(client, (text) => text.includes('\n\n'));
      endpoints.push(/data: (.*)\n/.exec(body)?.[1] ?? '');
    }
    for (const endpoint of [...endpoints, ...endpoints.toReversed()]) {
      const [path = '', query = ''] = endpoint.split('?');
      const answer = await set.rig.ask(buildPost(buildCall(), { path: `${path}?${query}` }));
      expect(answer.status).toBe(202);
    }
    for (const [copy, { requests }] of set.copies.entries()) {
      const posts = requests.flatMap(({ head }) => /^POST (\S+)/.exec(head)?.[1] ?? []);
      const prefix = paths[copy]?.replace('/sse', '');
      expect(posts).toEqual(Array.from({ length: 4 }, () => `${prefix}/messages?sid=${copy}`));
    }
  });
});

describe('a copy that is killed', () => {
  it('costs no call that had not reached it', async () => {
    await using set = await startCopies({ answer: answerOne, route: { balance: 'round_robin' } });
    for (let count = 0; count < 4; count++) expect((await set.rig.ask(call)).status).toBe(200);
    await set.copies[0]?.stop();
    await set.rig.idle({ upstreamSockets: 'any' });
    for (let count = 0; count < 20; count++) expect((await set.rig.ask(call)).status).toBe(200);
    expect(set.counts()).toEqual([2, 22]);
  });

  it('control: alone it costs each of them', async () => {
    await using set = await startCopies({ number: 1, answer: answerOne });
    await set.rig.ask(call);
    await set.copies[0]?.stop();
    for (let count = 0; count < 3; count++) expect((await set.rig.ask(call)).status).toBe(502);
  });

  it('double-execution: a call that it may have executed is not sent to another one', async () => {
    const breakOff: Answer = ({ socket }) => void socket.destroy();
    await using set = await startCopies({ number: 3, answer: () => breakOff });
    const answer = await set.rig.ask(call);
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('E_UPSTREAM_CLOSED');
    const sum = (): number => set.counts().reduce((all, count) => all + count, 0);
    expect(sum()).toBe(1);
  });

  it('comes back under load by a reload without a lost call', async () => {
    await using set = await startCopies({ answer: answerOne, weights: [1, undefined] });
    let isOver = false;
    const statuses: number[] = [];
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) statuses.push((await set.rig.ask(call)).status);
    });
    await set.reload({});
    for (let count = 0; count < 8; count++) await set.rig.ask(call);
    await set.reload({ weights: [undefined, 1] });
    for (let count = 0; count < 8; count++) await set.rig.ask(call);
    isOver = true;
    await Promise.all(load);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(set.counts().every((count) => count > 0)).toBe(true);
  });
});

describe('an id that was sealed when a route had but one server', () => {
  it('means the first one', async () => {
    let seal: SessionSeal | undefined;
    await using set = await startCopies({
      number: 3,
      answer: legacyCopy,
      changeAccess(access) {
        ({ seal } = access);
        return access;
      },
    });
    const session = { route: '/mcp', principalId: undefined, sessionId: 'session-of-0' };
    const old = seal?.seal({ ...session, upstream: '0' }) ?? '';
    for (let count = 0; count < 3; count++) expect((await set.rig.ask(withSession(old))).status).toBe(200);
    expect(set.counts()).toEqual([3, 0, 0]);
    // Control: another name leads nowhere.
    const strange = seal?.seal({ ...session, upstream: '1' }) ?? '';
    expect((await set.rig.ask(withSession(strange))).status).toBe(404);
  });
});
