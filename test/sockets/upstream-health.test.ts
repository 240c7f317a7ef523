import { describe, expect, it } from 'vitest';
import { answerStatus, beginSession, legacyCopy, startCopies } from '../support/copies.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, settle } from '../support/rig.ts';
import { answerJson, eventStreamHead, type Answer } from '../support/scripted-upstream.ts';

const modern = buildModern('tools/call', { name: 'echo' });
const call = buildPost(modern.body, { fields: modern.fields });
const well = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');
const roundRobin = { route: { balance: 'round_robin' } } as const;
const second = 1000;

describe('a copy that fails', () => {
  it('gets no new work for ten seconds, and then little at first', async () => {
    const clock = new ManualClock();
    let isWell = false;
    const failing = answerStatus('502 Bad Gateway');
    await using set = await startCopies({
      clock,
      answer: (copy) => (request) => (copy === 0 && !isWell ? failing : well)(request),
      ...roundRobin,
    });
    const ask = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count++) await set.rig.ask(call);
    };
    await ask(6);
    expect(set.counts()).toEqual([3, 3]);
    await ask(10);
    expect(set.counts()).toEqual([3, 13]);
    isWell = true;
    clock.advance(10 * second);
    // A tenth of its weight, against the whole of the other.
    await ask(22);
    const [few = 0] = set.counts();
    expect(few - 3).toBeGreaterThanOrEqual(1);
    expect(few - 3).toBeLessThanOrEqual(3);
    clock.advance(30 * second);
    await ask(10);
    expect(set.counts()[0]).toBe(few + 5);
  });

  it('control: with 500, which is an answer, stays', async () => {
    await using set = await startCopies({
      answer: (copy) => (copy === 0 ? answerStatus('500 Oops') : well),
      ...roundRobin,
    });
    for (let count = 0; count < 20; count++) await set.rig.ask(call);
    expect(set.counts()).toEqual([10, 10]);
  });

  it('that is busy once is not taken out, and its answer passes', async () => {
    const busy = answerStatus('503 Service Unavailable', 'Retry-After: 7\r\n');
    let asked = 0;
    const now: Answer = (request) => (asked++ % 2 === 0 ? busy : well)(request);
    await using set = await startCopies({ answer: (copy) => (copy === 0 ? now : well), ...roundRobin });
    const answers = [];
    for (let count = 0; count < 20; count++) answers.push(await set.rig.ask(call));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).toHaveLength(5);
    expect(refused[0]?.field('retry-after')).toBe('7');
    expect(set.counts()).toEqual([10, 10]);
  });

  it('goes on with the sessions that it has', async () => {
    let isWell = true;
    const failing = answerStatus('502 Bad Gateway');
    await using set = await startCopies({
      answer: (copy) => (request) => (isWell || copy === 1 ? legacyCopy(copy) : failing)(request),
    });
    const ids = [await beginSession(set.rig), await beginSession(set.rig)];
    const ask = async (): Promise<number[]> => {
      const statuses = [];
      for (const id of ids)
        statuses.push(
          (await set.rig.ask(buildPost(buildCall(), { fields: `Mcp-Session-Id: ${id}\r\n` }))).status,
        );
      return statuses.toSorted((left, right) => left - right);
    };
    isWell = false;
    for (let count = 0; count < 5; count++) expect(await ask()).toEqual([200, 502]);
    isWell = true;
    expect(await ask()).toEqual([200, 200]);
  });

  it('is still out after a reload that keeps it', async () => {
    await using set = await startCopies({
      answer: (copy) => (copy === 0 ? answerStatus('504 Gateway Timeout') : well),
      ...roundRobin,
    });
    for (let count = 0; count < 6; count++) await set.rig.ask(call);
    await set.reload(roundRobin);
    for (let count = 0; count < 10; count++) expect((await set.rig.ask(call)).status).toBe(200);
    expect(set.counts()).toEqual([3, 13]);
  });

  it('is given little at first where it is new, too', async () => {
    const clock = new ManualClock();
    await using set = await startCopies({
      clock,
      answer: () => well,
      weights: [1, undefined],
      ...roundRobin,
    });
    await set.reload(roundRobin);
    for (let count = 0; count < 22; count++) await set.rig.ask(call);
    const [, few = 0] = set.counts();
    expect(few).toBeGreaterThanOrEqual(1);
    expect(few).toBeLessThanOrEqual(3);
    clock.advance(30 * second);
    for (let count = 0; count < 10; count++) await set.rig.ask(call);
    expect(set.counts()[1]).toBe(few + 5);
  });

  it('that does not take a connection in time loses none of its calls either', async () => {
    const clock = new ManualClock();
    await using set = await startCopies({ clock, answer: () => well, ...roundRobin });
    // A plain server that is spoken to in TLS never ends the handshake.
    const upstreams = set.route().upstreams.map(({ target, ...rest }, copy) => ({
      target: copy === 0 && target.kind === 'tcp' ? { ...target, secure: true } : target,
      ...rest,
    }));
    await set.reload({ route: { ...roundRobin.route, upstreams } });
    const answers = [];
    for (let count = 0; count < 12; count++) {
      const client = await set.rig.connect();
      client.send(call);
      const answer = receive(client);
      await settle();
      clock.advance(5000);
      answers.push((await answer).status);
      client.socket.destroy();
    }
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(set.counts()).toEqual([0, 12]);
    expect(set.copies[0]?.connections).toBeGreaterThanOrEqual(3);
    expect(set.copies[0]?.connections).toBeLessThan(6);
  });

  it('does not take more than half of the copies with it, and none of them is unasked when all are gone', async () => {
    const failing = answerStatus('502 Bad Gateway');
    await using set = await startCopies({ answer: () => failing, ...roundRobin });
    for (let count = 0; count < 30; count++) expect((await set.rig.ask(call)).status).toBe(502);
    expect(set.counts().reduce((sum, one) => sum + one, 0)).toBe(30);
    expect(set.counts().every((count) => count >= 3)).toBe(true);
    for (const copy of set.copies) await copy.stop();
    for (let count = 0; count < 10; count++) {
      const answer = await set.rig.ask(call);
      expect(answer.body).toContain('E_UPSTREAM_');
    }
  });
});

describe('connections to a copy', () => {
  const held: Answer = () => undefined;
  const limits = (connections: number, queue: number) => ({
    route: { upstreamLimits: { connections, queue, queueTimeout: 2 * second } },
  });

  it('are limited: the rest waits in turn, and what the queue has no place for gets 503', async () => {
    await using set = await startCopies({ number: 1, answer: () => held, ...limits(2, 1) });
    const clients = [await set.rig.connect(), await set.rig.connect(), await set.rig.connect()];
    for (const client of clients) {
      client.send(call);
      await settle();
    }
    await eventually(() => set.counts(), [2]);
    const refused = await set.rig.ask(call);
    expect(refused.status).toBe(503);
    expect(refused.field('retry-after')).toBe('5');
    expect(refused.body).toContain('E_UPSTREAM_BUSY');
    const [first] = set.copies[0]?.requests ?? [];
    if (first === undefined) throw new Error('two calls have arrived');
    well(first);
    await eventually(() => set.counts(), [3]);
    expect(set.copies[0]?.connections).toBe(2);
  });

  it('control: are as many as there are calls without a limit', async () => {
    await using set = await startCopies({ number: 1, answer: () => held });
    for (let count = 0; count < 5; count++) (await set.rig.connect()).send(call);
    await eventually(() => set.counts(), [5]);
    expect(set.copies[0]?.connections).toBe(5);
  });

  it('are waited for no longer than the time-out, and not at all by a client that is gone', async () => {
    const clock = new ManualClock();
    await using set = await startCopies({ number: 1, clock, answer: () => held, ...limits(1, 5) });
    const [busy, waiting, gone] = [await set.rig.connect(), await set.rig.connect(), await set.rig.connect()];
    for (const client of [busy, waiting, gone]) {
      client.send(call);
      await settle();
    }
    await eventually(() => set.counts(), [1]);
    gone.socket.destroy();
    await eventually(() => set.rig.gateway.gateway.load.exchanges, 2);
    clock.advance(3 * second);
    expect((await receive(waiting)).status).toBe(503);
    const [first] = set.copies[0]?.requests ?? [];
    if (first !== undefined) well(first);
    await receive(busy);
    await eventually(() => set.rig.gateway.gateway.load.exchanges, 0);
    expect(set.counts()).toEqual([1]);
  });

  it('are taken by streams, too, for as long as they are open', async () => {
    const stream: Answer = ({ head, socket }) =>
      void (head.startsWith('GET') && socket.write(eventStreamHead));
    await using set = await startCopies({ number: 1, answer: () => stream, ...limits(1, 0) });
    const client = await set.rig.connect();
    client.send(buildGet());
    await client.until((text) => text.includes('text/event-stream'));
    expect((await set.rig.ask(call)).status).toBe(503);
    client.socket.destroy();
    await eventually(() => set.rig.gateway.gateway.load.exchanges, 0);
    (await set.rig.connect()).send(call);
    await eventually(() => set.counts(), [2]);
  });

  it('go to a copy that has room before anybody waits', async () => {
    await using set = await startCopies({ answer: () => held, ...limits(2, 5), weights: [9, 1] });
    for (let count = 0; count < 4; count++) {
      (await set.rig.connect()).send(call);
      await eventually(() => set.counts().reduce((sum, one) => sum + one, 0), count + 1);
    }
    expect(set.counts()).toEqual([2, 2]);
  });
});
