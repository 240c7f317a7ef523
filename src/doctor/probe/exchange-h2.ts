import { toHostName } from '../../auth/fetch/target-policy.ts';
import { connect as connectH2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import {
  readAnswerBody,
  secureOptions,
  type Failed,
  type Fields,
  type Peer,
  type Question,
  type Received,
} from './question.ts';
import { toFailure } from './failure.ts';

/** Fields that are of a connection of HTTP/1.1, which HTTP/2 forbids (RFC 9113 section 8.2.2), or that it names otherwise. */
const forbidden = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The same over HTTP/2, on a connection of its own. */
export function exchangeH2(peer: Peer, question: Question): Promise<Received | Failed> {
  const url = new URL(question.origin);
  const host = toHostName(url);
  const { promise, resolve } = Promise.withResolvers<Received | Failed>();
  const started = performance.now();
  let since = started;
  const took = (): number => Math.round(performance.now() - started);
  const session: ClientHttp2Session = connectH2(question.origin, {
    settings: { enablePush: false },
    createConnection: () =>
      connectTls({
        host: host === peer.host ? peer.address : host,
        port: url.port === '' ? 443 : Number(url.port),
        ALPNProtocols: ['h2'],
        ...secureOptions(peer, host),
      }),
  });
  const settle = (outcome: Received | Failed): void => {
    clearTimeout(timer);
    resolve(outcome);
    session.destroy();
  };
  const timer = setTimeout(
    () => settle({ failure: 'timeout', code: 'ETIMEDOUT', took: took() }),
    question.deadline,
  );
  const giveUp = (error: Error): void => settle({ ...toFailure(error), took: took() });
  session.on('error', giveUp);
  session.once('connect', () => (since = performance.now()));
  const stream = session.request({
    ':method': question.method,
    ':path': question.path,
    ':authority': question.fields['Host'] ?? url.host,
    ...toH2Fields(question),
  });
  stream.on('error', giveUp);
  stream.once('close', () => giveUp(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })));
  stream.once('response', (headers: IncomingHttpHeaders & { readonly ':status'?: number }) => {
    clearTimeout(timer);
    const head = Math.round((performance.now() - since) * 10) / 10;
    const fields: Fields = headers;
    stream.removeAllListeners('close');
    void readAnswerBody(stream, fields, { since, question }).then((body) =>
      settle({
        http: '2',
        status: headers[':status'] ?? 0,
        fields,
        closes: false,
        reused: false,
        head,
        body,
      }),
    );
  });
  stream.end(question.body);
  return promise;
}

function toH2Fields({ fields }: Question): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]): [string, string] => [name.toLowerCase(), value])
      .filter(([name]) => !forbidden.has(name)),
  );
}
