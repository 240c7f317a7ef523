/** A program: clients in another network, which `distant-client.ts` runs there. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { buildGet } from '../support/messages.ts';
import type { DistantCommand, DistantReport } from './distant-client-protocol.ts';

type Command<Kind extends DistantCommand['kind']> = Extract<DistantCommand, { kind: Kind }>;

const AT_ONCE = 100;
const sockets = new Set<Socket>();
const ended: string[] = [];
let refused: number[] = [];
let open = 0;
let comments = 0;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void obey(message as DistantCommand).then(() =>
    process.send?.({ open, comments, ended, refused } satisfies DistantReport),
  );
});

async function obey(command: DistantCommand): Promise<void> {
  switch (command.kind) {
    case 'open':
      await Promise.all(Array.from({ length: command.streams }, () => openStream(command)));
      return;
    case 'flood':
      await flood(command);
      return;
    case 'leave':
      for (const socket of sockets) socket.destroy();
      return;
    case 'report':
  }
}

function openStream({ host, port, ca }: Command<'open'>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    let reason = 'closed';
    let isOpen = false;
    sockets.add(socket);
    socket.on('secureConnect', () => void socket.write(buildGet()));
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      comments += text.split(': keepalive').length - 1;
      if (isOpen || !text.includes('HTTP/1.1 200')) return;
      isOpen = true;
      open++;
      resolve();
    });
    socket.on('error', (error) => (reason = error.message));
    socket.on('close', () => {
      sockets.delete(socket);
      ended.push(reason);
      if (isOpen) open--;
      resolve();
    });
  });
}

async function flood({ host, port, connections, patience }: Command<'flood'>): Promise<void> {
  refused = [];
  let left = connections;
  const openOneByOne = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = connectTcp({ host, port });
      sockets.add(socket);
      let connectedAt = performance.now();
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        refused.push(performance.now() - connectedAt);
      });
      socket.resume();
      // A refusal may overtake the news of the connection.
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
      connectedAt = performance.now();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openOneByOne));
  await new Promise((resolve) => void setTimeout(resolve, patience));
}
