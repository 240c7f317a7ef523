import { toHostName } from '../../auth/fetch/target-policy.ts';
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createConnection } from './connection.ts';
import { toFailure } from './failure.ts';
import {
  readAnswerBody,
  secureOptions,
  type Failed,
  type Peer,
  type Question,
  type Received,
} from './question.ts';

/** Largest head of an answer that is taken, in bytes. */
const mostHeadBytes = 64 * 1024;

/** One request over HTTP/1.1. Never rejects. */
export function exchangeH1(peer: Peer, question: Question): Promise<Received | Failed> {
  const url = new URL(question.origin);
  const secure = url.protocol === 'https:';
  const { promise, resolve } = Promise.withResolvers<Received | Failed>();
  const started = performance.now();
  const took = (): number => Math.round(performance.now() - started);
  const connection = question.connection ?? createConnection(secure);
  const host = toHostName(url);
  const request = (secure ? requestSecure : requestPlain)({
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    method: question.method,
    path: question.path,
    headers: { ...question.fields, ...lengthOf(question) },
    agent: connection.agent,
    lookup: pinAddress(peer, host),
    maxHeaderSize: mostHeadBytes,
    ...(secure ? secureOptions(peer, host) : {}),
  });
  let since = started;
  let reused = false;
  request.on('socket', (socket) => {
    reused = request.reusedSocket;
    if (reused) since = performance.now();
    else
      socket.once(
        socket instanceof TLSSocket ? 'secureConnect' : 'connect',
        () => (since = performance.now()),
      );
  });
  const settle = (outcome: Received | Failed): void => {
    clearTimeout(timer);
    resolve(outcome);
    // A kept connection is left to the next question only where this one has been read to its end.
    if (question.connection === undefined || 'failure' in outcome || outcome.body.ended !== 'end')
      request.destroy();
    if (question.connection === undefined) connection.close();
  };
  const timer = setTimeout(
    () => settle({ failure: 'timeout', code: 'ETIMEDOUT', took: took() }),
    question.deadline,
  );
  request.on('error', (error) => settle({ ...toFailure(error), took: took() }));
  request.on('response', (response: IncomingMessage) => {
    clearTimeout(timer);
    const head = Math.round((performance.now() - since) * 10) / 10;
    void readAnswerBody(response, response.headers, { since, question }).then((body) =>
      settle({
        http: response.httpVersion === '1.0' ? '1.0' : '1.1',
        status: response.statusCode ?? 0,
        fields: response.headers,
        closes: isClosing(response),
        reused,
        head,
        body,
      }),
    );
  });
  sendBody(request, question.body);
  return promise;
}

function sendBody(request: ClientRequest, body: string | undefined): void {
  if (body === undefined) request.end();
  else request.end(body);
}

function lengthOf({ body }: Question): Record<string, string> {
  return body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
}

function isClosing({ headers, httpVersion }: IncomingMessage): boolean {
  const connection = headers.connection?.toLowerCase() ?? '';
  return httpVersion === '1.0' ? !connection.includes('keep-alive') : connection.includes('close');
}

function pinAddress(peer: Peer, host: string): LookupFunction | undefined {
  if (host !== peer.host) return undefined;
  const family = isIP(peer.address);
  return (_name, options, callback) => {
    if (options.all === true) callback(null, [{ address: peer.address, family }]);
    else callback(null, peer.address, family);
  };
}
