import { connect } from 'node:net';
import { readFinalAnswers } from '../../support/answers.ts';
import { toEcho } from './compare.ts';

/** How long an origin may be silent before a client takes it that nothing more comes, in milliseconds. */
const QUIET_MILLISECONDS = 250;

/** Sends bytes straight to an origin, without the gateway, and tells what it read: one line a request. */
export function askDirectly(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setTimeout(QUIET_MILLISECONDS, () => socket.destroy());
    socket.on('connect', () => socket.write(Buffer.from(bytes, 'latin1')));
    socket.on('data', (piece: Buffer) => (received += piece.toString('latin1')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const seen = readFinalAnswers(received).map((answer) =>
        answer.status >= 400 ? 'refused' : JSON.stringify(toEcho(answer)),
      );
      resolve(seen.join('\n'));
    });
  });
}
