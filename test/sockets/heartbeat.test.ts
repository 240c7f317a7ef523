import { createParser } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { buildCall, buildGet } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost, type RawClient } from '../support/raw-client.ts';
import { receive, settle, startRig, streamed, type Rig, type RigOptions } from '../support/rig.ts';
import { eventStreamHead, toChunk } from '../support/scripted-upstream.ts';

const comment = ': keepalive\n\n';
/** A comment is due after this much silence, and the sweep looks twice a second. */
const silence = 15_500;

interface Stream {
  readonly rig: Rig;
  readonly client: RawClient;
  readonly clock: ManualClock;
  /** Writes a chunk to the stream. */
  write(bytes: Buffer): void;
  /** The same, and waits until the client has it. */
  push(text: string | Buffer): Promise<void>;
  /** Lets time pass and returns what the client has got until then. */
  pass(milliseconds: number): Promise<string>;
}

async function openStream(
  options: RigOptions & { readonly head?: string } = {},
): Promise<Stream & AsyncDisposable> {
  const clock = new ManualClock();
  const { head = eventStreamHead, ...rest } = options;
  const rig = await startRig({ clock, ...rest });
  const client = await rig.connect();
  client.send(buildGet({ fields: 'Mcp-Session-Id: s\r\n' }));
  const { socket } = await rig.upstream.next();
  socket.write(head);
  await client.until((text) => text.includes('\r\n\r\n'));
  const write = (bytes: Buffer): void => {
    socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    socket.write('\r\n');
  };
  let pushed = 0;
  return {
    write,
    rig,
    client,
    clock,
    async push(text) {
      const bytes = Buffer.from(text);
      pushed += bytes.length;
      write(bytes);
      await streamed(client, (body) => body.replaceAll(comment, '').length >= pushed);
    },
    async pass(milliseconds) {
      clock.advance(milliseconds);
      await settle();
      return streamed(client, () => true);
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

describe('the heartbeat of an event stream', () => {
  it('is a comment after 15 seconds of silence, and after each further 15', async () => {
    await using stream = await openStream();
    await stream.push('data: 1\n\n');
    expect(await stream.pass(14_000)).toBe('data: 1\n\n');
    expect(await stream.pass(1500)).toBe(`data: 1\n\n${comment}`);
    expect(await stream.pass(silence)).toBe(`data: 1\n\n${comment}${comment}`);
    await stream.push('data: 2\n\n');
    expect(await stream.pass(14_000)).toBe(`data: 1\n\n${comment}${comment}data: 2\n\n`);
  });

  it('waits for the end of the event under way and comes within two seconds of it', async () => {
    await using stream = await openStream();
    const pieces = ['data: {"a":', '1}', '\n', 'id: 7', '\r', '\n'];
    let sent = '';
    for (const piece of pieces) {
      await stream.push(piece);
      sent += piece;
      expect(await stream.pass(60_000)).toBe(sent);
    }
    await stream.push('\r\n');
    expect(await stream.pass(silence)).toBe(`${sent}\r\n${comment}`);
    expect(await stream.pass(2000)).toBe(`${sent}\r\n${comment}`);
  });

  it('starts before the first byte of the stream', async () => {
    await using stream = await openStream();
    expect(await stream.pass(silence)).toBe(comment);
    await stream.push('data: 1\n\n');
    expect(await stream.pass(0)).toBe(`${comment}data: 1\n\n`);
  });

  it.each([
    ['in one piece', [Buffer.from('\ufeffdata: 1\n\n')]],
    ['byte by byte', [...Buffer.from('\ufeffdata: 1\n\n')].map((byte) => Buffer.from([byte]))],
  ])('does not spoil the first field when a byte order mark comes later, %s', async (_name, pieces) => {
    await using stream = await openStream();
    await stream.pass(silence);
    for (const piece of pieces) {
      stream.write(piece);
      await settle();
    }
    const body = await streamed(stream.client, (text) => text.endsWith('\n\n') && text.includes('data: 1'));
    const events: string[] = [];
    createParser({ onEvent: ({ data }) => void events.push(data) }).feed(
      Buffer.from(body, 'latin1').toString(),
    );
    expect(events).toEqual(['1']);
  });

  it('control: a byte order mark passes when no comment went before it', async () => {
    await using stream = await openStream();
    await stream.push('\ufeffdata: 1\n\n');
    expect(Buffer.from(await stream.pass(0), 'latin1').toString()).toBe('\ufeffdata: 1\n\n');
  });

  it('control: without one the stream stays silent for a day', async () => {
    await using stream = await openStream({ changes: { timeouts: { heartbeat: 1e12 } } });
    await stream.push('data: 1\n\n');
    expect(await stream.pass(24 * 3_600_000)).toBe('data: 1\n\n');
  });

  it('carries a quiet stream through a day, one comment in 15 seconds, and the events stay whole', async () => {
    await using stream = await openStream();
    const beat = toChunk(comment);
    for (let hour = 1; hour <= 24; hour++) {
      stream.client.clear();
      for (let beats = 1; beats <= 240; beats++) {
        stream.clock.advance(15_000);
        await stream.client.until((text) => text.length >= beats * beat.length);
      }
      const event = toChunk(`id: ${hour}\ndata: {"hour":${hour}}\n\n`);
      stream.rig.upstream.requests[0]?.socket.write(event);
      expect(await stream.client.until((text) => text.endsWith('}\n\n\r\n'))).toBe(beat.repeat(240) + event);
    }
  });

  it('leaves a compressed stream alone', async () => {
    const head = eventStreamHead.replace('\r\n\r\n', '\r\nContent-Encoding: gzip\r\n\r\n');
    await using stream = await openStream({ head });
    expect(await stream.pass(600_000)).toBe('');
  });

  it('is no part of a JSON answer, nor of the time before an answer', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    const { socket } = await rig.upstream.next();
    clock.advance(600_000);
    await settle();
    expect(client.received).toBe('');
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{');
    await client.until((text) => text.endsWith('{'));
    clock.advance(600_000);
    socket.write('}');
    expect((await receive(client)).body).toBe('{}');
  });

  it('ends with the stream', async () => {
    await using stream = await openStream();
    stream.rig.upstream.requests[0]?.socket.write(`${toChunk('data: 1\n\n')}0\r\n\r\n`);
    await receive(stream.client);
    const { received } = stream.client;
    await stream.pass(60_000);
    expect(stream.client.received).toBe(received);
  });
});
