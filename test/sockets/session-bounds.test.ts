import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ReceivedAnswer } from '../support/answers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventStreamHead, toChunk } from '../support/scripted-upstream.ts';
import { startSessionRig } from '../support/session-rig.ts';
import { until } from '../support/until.ts';

const idHead = 'HTTP/1.1 200 OK\r\nMcp-Session-Id: new\r\nContent-Type: application/json\r\n';

/** Lets time pass, half a second at a time, until the answer is there; resolves with it and with the time that it took. */
async function passUntil(
  clock: ManualClock,
  asked: Promise<ReceivedAnswer>,
): Promise<{ readonly answer: ReceivedAnswer; readonly milliseconds: number }> {
  let answer: ReceivedAnswer | undefined;
  void asked.then((each) => (answer = each));
  let milliseconds = 0;
  await until(async () => {
    clock.advance(500);
    milliseconds += 500;
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    return answer !== undefined;
  });
  return { answer: await asked, milliseconds };
}

describe('a server that does not let a session begin again', () => {
  it.each([
    ['is silent', ''],
    ['stops in the middle', `${idHead}Content-Length: 1000\r\n\r\n{`],
    [
      'has a stream without the answer',
      `${eventStreamHead}${toChunk('data: {"jsonrpc":"2.0","method":"x"}\n\n')}`,
    ],
  ])('and %s keeps the client waiting for some seconds, and then it gets the 404', async (_what, text) => {
    const clock = new ManualClock();
    await using revival = await startSessionRig({ clock });
    const { server, rig } = revival;
    const id = await revival.begin();
    let replays = 0;
    server.intercept = ({ body, socket }) => {
      if (!body.includes('initialize')) return false;
      replays++;
      if (text !== '') socket.write(text);
      return true;
    };
    server.lose();
    const asked = revival.call(id, 1);
    await until(() => replays > 0);
    const { answer, milliseconds } = await passUntil(clock, asked);
    expect(answer.status).toBe(404);
    expect(milliseconds).toBeGreaterThanOrEqual(5000);
    expect(replays).toBe(1);
    // Nothing of it is left open.
    await rig.idle({ upstreamSockets: 'any' });
    expect(rig.gateway.gateway.load.exchanges).toBe(0);
  });

  it('and never ends its answer has it cut at a mebibyte', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    let isCut = false;
    server.intercept = ({ body, socket }) => {
      if (!body.includes('initialize')) return false;
      socket.on('close', () => (isCut = true));
      socket.write(`${idHead}Content-Length: 900000000\r\n\r\n`);
      const piece = 'x'.repeat(64 * 1024);
      const pour = (): void => {
        while (!socket.destroyed && socket.write(piece));
        if (!socket.destroyed) socket.once('drain', pour);
      };
      pour();
      return true;
    };
    server.lose();
    expect((await revival.call(id, 1)).status).toBe(404);
    await until(() => isCut);
    expect(isCut).toBe(true);
  });
});
