import { describe, expect, it } from 'vitest';
import { initialize, legacyCopy, startCopies, type Copies } from '../support/copies.ts';
import { buildCall, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, type Answer } from '../support/scripted-upstream.ts';

const CONNECTIONS = 20;

/** Server 0 is what there was, server 1 the canary; both answer modern calls, and legacy ones in their own sessions alone. */
const answer = (copy: number): Answer => {
  const [legacy, modern] = [
    legacyCopy(copy),
    answerJson(`{"jsonrpc":"2.0","id":1,"result":{"copy":${copy}}}`),
  ];
  return (request) => (/\r\nmcp-protocol-version: 2026/i.test(request.head) ? modern : legacy)(request);
};
const message = buildModern('tools/call', { name: 'echo' });
const call = buildPost(message.body, { fields: message.fields });
const inSession = (id: string): string => buildPost(buildCall(), { fields: `Mcp-Session-Id: ${id}\r\n` });

interface Answered {
  readonly statuses: ReadonlySet<number>;
  /** Answers of each server. */
  readonly counts: readonly [number, number];
  readonly sessions: readonly { readonly id: string; readonly server: number }[];
}

/** Sends a request again and again on some connections, as long as `isOver` does not say so. */
async function ask({ rig }: Copies, request: string, isOver: (count: number) => boolean): Promise<Answered> {
  const statuses = new Set<number>();
  const counts: [number, number] = [0, 0];
  const sessions: { id: string; server: number }[] = [];
  let sent = 0;
  const run = async (): Promise<void> => {
    const client = await rig.connect();
    while (!isOver(sent)) {
      sent++;
      client.clear();
      client.send(request);
      const received = await receive(client);
      statuses.add(received.status);
      const server = received.body.includes('"copy":1') ? 1 : 0;
      counts[server]++;
      const id = received.field('mcp-session-id');
      if (id !== undefined) sessions.push({ id, server });
    }
    client.socket.destroy();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, run));
  return { statuses, counts, sessions };
}

describe.each(['least_requests', 'round_robin'] as const)('a canary of ten percent with %s', (balance) => {
  it('gets a tenth of ten thousand calls', async () => {
    await using set = await startCopies({ answer, weights: [90, 10], route: { balance } });
    const { statuses, counts } = await ask(set, call, (count) => count >= 10_000);
    expect([...statuses]).toEqual([200]);
    const share = counts[1] / (counts[0] + counts[1]);
    expect(counts[0] + counts[1]).toBe(10_000);
    expect(share).toBeGreaterThan(0.085);
    expect(share).toBeLessThan(0.115);
  }, 60_000);

  it('gets a tenth of new sessions, which stay where they began', async () => {
    await using set = await startCopies({ answer, weights: [90, 10], route: { balance } });
    const { statuses, counts, sessions } = await ask(set, buildPost(initialize), (count) => count >= 2000);
    expect([...statuses]).toEqual([200]);
    const share = counts[1] / (counts[0] + counts[1]);
    expect(share).toBeGreaterThan(0.085);
    expect(share).toBeLessThan(0.115);
    const ofCanary = sessions.filter(({ server }) => server === 1).slice(0, 5);
    const ofOther = sessions.filter(({ server }) => server === 0).slice(0, 5);
    expect([ofCanary.length, ofOther.length]).toEqual([5, 5]);
    for (const { id, server } of [...ofCanary, ...ofOther]) {
      // A server that does not know the session answers 404.
      const { status, body } = await set.rig.ask(inSession(id));
      expect([status, body.includes(`"copy":${server}`)]).toEqual([200, true]);
    }
  }, 60_000);
});

describe('a canary that grows', () => {
  it('gets half and then all by reloads, without a call that fails, and sessions stay', async () => {
    await using set = await startCopies({ answer, weights: [90, 10] });
    const before = await ask(set, buildPost(initialize), (count) => count >= 20);
    const old = before.sessions.filter(({ server }) => server === 0);
    expect(old.length).toBeGreaterThan(0);
    for (const [weights, share] of [
      [[50, 50], 0.5],
      [[0, 100], 1],
    ] as const) {
      let isOver = false;
      const running = ask(set, call, () => isOver);
      await expect.poll(() => set.counts()[0] ?? 0, { interval: 2 }).toBeGreaterThan(50);
      await set.reload({ weights });
      const [ofOld = 0, ofNew = 0] = set.counts();
      const after = await ask(set, call, (count) => count >= 1000);
      isOver = true;
      const [ofOldThen = 0, ofNewThen = 0] = set.counts();
      expect([...(await running).statuses]).toEqual([200]);
      expect([...after.statuses]).toEqual([200]);
      // Of the calls of both: in turn with those of the others a part of them may meet one server more often.
      expect((ofNewThen - ofNew) / (ofOldThen - ofOld + ofNewThen - ofNew)).toBeCloseTo(share, 1);
      for (const { id } of old) expect((await set.rig.ask(inSession(id))).body).toContain('"copy":0');
    }
    const later = await ask(set, buildPost(initialize), (count) => count >= 20);
    expect(later.counts).toEqual([0, 20]);
  }, 60_000);

  it('control: sessions end where the old server is left out and not given the weight 0', async () => {
    await using set = await startCopies({ answer, weights: [1, undefined] });
    await set.reload({ weights: [1, 1] });
    const { sessions } = await ask(set, buildPost(initialize), (count) => count >= 10);
    const old = sessions.find(({ server }) => server === 0);
    await set.reload({ weights: [undefined, 1] });
    expect((await set.rig.ask(inSession(old?.id ?? ''))).status).toBe(404);
  });
});
