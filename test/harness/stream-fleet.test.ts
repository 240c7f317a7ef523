import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/rig.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';

describe('stream fleet', () => {
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;
  let fleet: StreamFleet;

  beforeEach(async () => {
    upstream = await startScriptedUpstream(({ socket }) => void socket.write(eventStreamHead));
    gateway = await startTestGateway({ upstreamPort: upstream.port });
    fleet = await startStreamFleet();
  });
  afterEach(async () => {
    await fleet[Symbol.asyncDispose]();
    await gateway.stop();
    await upstream.stop();
  });

  const open = async (era: 'legacy' | 'modern'): Promise<void> => {
    const opened = await fleet.open({ port: gateway.port, ca: gateway.ca, streams: 20, era });
    expect(opened).toEqual({ kind: 'opened', opened: 20, failures: [] });
  };
  const send = (text: string): void => {
    for (const { socket } of upstream.requests) socket.write(toChunk(text));
  };

  it.each(['legacy', 'modern'] as const)('counts events and comments of %s streams', async (era) => {
    await open(era);
    send('data: 0\n\n');
    send('data: 1\n\n: quiet\n\n');
    await eventually(async () => (await fleet.report()).comments, 20);
    expect(await fleet.report()).toMatchObject({ running: 20, events: 40, disorder: 0, dropped: {} });
  });

  it('notices events in disorder', async () => {
    await open('legacy');
    send('data: 0\n\ndata: 2\n\n');
    await eventually(async () => (await fleet.report()).events, 40);
    expect((await fleet.report()).disorder).toBe(20);
  });

  it('notices streams that end, and tells them from those it left', async () => {
    await open('legacy');
    for (const { socket } of upstream.requests.slice(0, 5)) socket.end('0\r\n\r\n');
    await eventually(async () => (await fleet.report()).dropped, { 'the answer ended': 5 });
    await fleet.leave('reset');
    await eventually(async () => (await fleet.report()).running, 0);
    expect((await fleet.report()).dropped).toEqual({ 'the answer ended': 5 });
  });

  it('tells why a stream did not open', async () => {
    const opened = await fleet.open({ port: 1, ca: gateway.ca, streams: 1 });
    expect(opened.opened).toBe(0);
    expect(opened.failures[0]).toContain('ECONNREFUSED');
  });
});
