/** A program: an upstream that sends on each stream as fast as it is taken, but for the timed one. */
import type { Socket } from 'node:net';
import { eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import { TIMED_SESSION, type FloodState } from './flood-source-protocol.ts';

const EVENT_BYTES = 16 * 1024;
const TIMED_MILLISECONDS = 20;
const event = Buffer.from(toChunk(`data: ${'x'.repeat(EVENT_BYTES)}\n\n`));

let open = 0;
let bytes = 0;

const upstream = await startScriptedUpstream(({ head, socket }) => {
  socket.write(eventStreamHead);
  if (head.toLowerCase().includes(`mcp-session-id: ${TIMED_SESSION}`)) tellTime(socket);
  else flood(socket);
});

function tellTime(socket: Socket): void {
  const timer = setInterval(() => {
    socket.write(toChunk(`data: ${performance.timeOrigin + performance.now()}\n\n`));
  }, TIMED_MILLISECONDS);
  socket.on('close', () => clearInterval(timer));
}

function flood(socket: Socket): void {
  open++;
  const send = (): void => {
    for (let more = true; more && !socket.destroyed;) {
      more = socket.write(event);
      bytes += event.length;
    }
  };
  socket.on('drain', send);
  socket.on('close', () => open--);
  send();
}

process.on('message', () => {
  process.send?.({ port: upstream.port, open, bytes } satisfies FloodState);
});
