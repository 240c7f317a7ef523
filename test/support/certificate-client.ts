import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { readFinalAnswers } from './answers.ts';

export interface CertificateCall {
  readonly port: number;
  /** PEM of the authority of the gateway. */
  readonly ca: string;
  /** PEM; none is shown when absent. */
  readonly client?: { readonly cert: string; readonly key: string };
  readonly tls?: Pick<ConnectionOptions, 'minVersion' | 'maxVersion' | 'session'>;
  /** Sent before the handshake. */
  readonly preface?: string;
  readonly servername?: string;
  /** Whole requests of HTTP/1.1, sent one after the other on one connection. */
  readonly requests: readonly string[];
}

export interface AnsweredCall {
  readonly status: number;
  readonly body: string;
}

/** The answers that came before the connection ended; none for a client that was refused. Never rejects. */
export async function callWithCertificate(call: CertificateCall): Promise<readonly AnsweredCall[]> {
  const { port, ca, client, servername = 'localhost' } = call;
  const tcp = connectTcp({ host: '127.0.0.1', port });
  tcp.on('error', () => tcp.destroy());
  if (call.preface !== undefined) tcp.write(call.preface);
  const socket = connect({
    socket: tcp,
    ca,
    servername,
    ALPNProtocols: ['http/1.1'],
    ...client,
    ...call.tls,
  });
  const closed = new Promise<void>((resolve) => void socket.once('close', resolve));
  socket.on('error', () => socket.destroy());
  let received = '';
  let sent = 0;
  const sendNext = (): void => {
    const request = call.requests[sent++];
    if (request === undefined) socket.destroy();
    else socket.write(request);
  };
  socket.on('secureConnect', sendNext);
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    const answers = readFinalAnswers(received);
    if (answers.length === sent && answers.at(-1)?.complete === true) sendNext();
  });
  await closed;
  return readFinalAnswers(received).map(({ status, body }) => ({ status, body }));
}

/** The status of one POST to `/mcp` over HTTP/2; `undefined` for a client that was refused. */
export async function callOverHttp2(
  call: Pick<CertificateCall, 'port' | 'ca' | 'client'> & { readonly body: string },
): Promise<number | undefined> {
  const { port, ca, client } = call;
  const session = connectHttp2(`https://localhost:${port}`, { ca, host: '127.0.0.1', ...client });
  session.on('error', () => session.destroy());
  try {
    await once(session, 'connect');
    const stream = session.request({
      ':method': 'POST',
      ':path': '/mcp',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    });
    stream.end(call.body);
    stream.resume();
    // A session that is cut closes its streams without an error.
    const closed = once(stream, 'close').then(() => []);
    const [head]: { ':status'?: number }[] = await Promise.race([once(stream, 'response'), closed]);
    return head?.[':status'];
  } catch {
    // The gateway has cut the connection, before or after the handshake looked done.
    return undefined;
  } finally {
    session.destroy();
  }
}
