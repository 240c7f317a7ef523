/** A program: the upstream of the soak tests. It answers calls at once and sends numbered events when told. */
import type { Socket } from 'node:net';
import { answerJson, eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import type { SourceCommand, SourceState } from './event-source-protocol.ts';

/** The upstream keeps what it receives, for tests that look at it; here it would grow for hours. */
const KEPT_REQUESTS = 1000;

const answerCall = answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
const streams = new Set<Socket>();
let next = 0;

const upstream = await startScriptedUpstream((request) => {
  if (upstream.requests.length > KEPT_REQUESTS) upstream.forget();
  const isStream = request.head.startsWith('GET ') || request.body.includes('"subscriptions/listen"');
  if (!isStream) {
    answerCall(request);
    return;
  }
  const { socket } = request;
  socket.write(eventStreamHead);
  streams.add(socket);
  socket.on('close', () => streams.delete(socket));
});

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  obey(message as SourceCommand);
  process.send?.({ port: upstream.port, streams: streams.size, next } satisfies SourceState);
});

function obey(command: SourceCommand): void {
  switch (command.kind) {
    case 'report':
      return;
    case 'send': {
      const event = toChunk(`data: ${next}\n\n`);
      for (const socket of streams) socket.write(event);
      next++;
      return;
    }
    case 'skip':
      next++;
      return;
    case 'end':
      for (const socket of [...streams].slice(0, command.streams)) socket.write('0\r\n\r\n');
  }
}
