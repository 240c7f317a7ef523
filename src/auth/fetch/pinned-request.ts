import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { fail, ok, type Result } from '../../lib/result.ts';
import { toPlainAddress } from './address-policy.ts';
import type { FetchFailure } from './fetch-failure.ts';
import { toHostName } from './target-policy.ts';

export interface PinnedRequest {
  readonly url: URL;
  /** The only address that is dialled, judged by the caller; no name is resolved here. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly body: string | undefined;
  /** The only roots that vouch for the host, as PEM; those of the runtime when undefined. */
  readonly ca: string | undefined;
  /** Bytes of the answer's body. */
  readonly largestBody: number;
  readonly signal: AbortSignal;
}

export interface PinnedAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const largestHead = 16_384;

/** One request to one address, without redirects, kept connections, proxies of the environment or compression. Never rejects. */
export function sendPinned(request: PinnedRequest): Promise<Result<PinnedAnswer, FetchFailure>> {
  const { url, address, signal } = request;
  return new Promise((resolve) => {
    const outgoing = tryOpen(request);
    if (outgoing === undefined) {
      resolve(fail({ kind: 'unsendable' }));
      return;
    }
    let isSent = false;
    const settle = (outcome: Result<PinnedAnswer, FetchFailure>): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(outcome);
      outgoing.destroy();
    };
    const onAbort = (): void => settle(fail({ kind: 'deadline' }));
    signal.addEventListener('abort', onAbort, { once: true });
    outgoing.on('error', (error) => settle(fail(toFailure(error, isSent))));
    outgoing.once('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        if (!isSameAddress(socket.remoteAddress ?? '', address)) {
          settle(fail({ kind: 'address' }));
          return;
        }
        isSent = true;
        outgoing.end(request.body);
      });
    });
    outgoing.once('response', (response) => {
      const refused = judgeHead(response, request.largestBody);
      if (refused === undefined) collect(response, request.largestBody, settle);
      else settle(fail(refused));
    });
  });
}

/** `undefined` when no request can be made: a line break in a secret, or roots that are no certificates. */
function tryOpen(request: PinnedRequest): ClientRequest | undefined {
  try {
    return openRequest(request);
  } catch {
    return undefined;
  }
}

function openRequest({ url, address, headers, body, ca }: PinnedRequest): ClientRequest {
  const name = toHostName(url);
  const options = {
    host: address,
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    method: body === undefined ? 'GET' : 'POST',
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host },
    agent: false,
    maxHeaderSize: largestHead,
  } as const;
  if (url.protocol !== 'https:') return plainRequest(options);
  return secureRequest({
    ...options,
    // An address has no server name (RFC 6066 section 3): its certificate is then compared with the address dialled.
    ...(toPlainAddress(name) === undefined ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca }),
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment changes nothing.
    rejectUnauthorized: true,
  });
}

/** redirected-socket: what was judged must be what is connected, before anything is sent. */
function isSameAddress(reached: string, judged: string): boolean {
  const plain = toPlainAddress(reached);
  return plain !== undefined && plain === toPlainAddress(judged);
}

function judgeHead(response: IncomingMessage, largestBody: number): FetchFailure | undefined {
  const { statusCode: status = 0, headers } = response;
  if (status >= 300 && status < 400) return { kind: 'redirect' };
  if (status !== 200) return { kind: 'status', status };
  // gzip-bomb: what is not unpacked cannot grow.
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) return { kind: 'encoding' };
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
    return { kind: 'type' };
  return Number(headers['content-length'] ?? 0) > largestBody ? { kind: 'too-large' } : undefined;
}

function collect(
  response: IncomingMessage,
  largestBody: number,
  settle: (outcome: Result<PinnedAnswer, FetchFailure>) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    // endless-body: counted as it comes, whatever the head promised.
    if (length > largestBody) settle(fail({ kind: 'too-large' }));
    else chunks.push(chunk);
  });
  response.once('end', () => settle(ok({ headers: response.headers, body: Buffer.concat(chunks) })));
  response.once('error', () => settle(fail({ kind: 'broken' })));
  response.once('close', () => settle(fail({ kind: 'broken' })));
}

/** The code alone decides: messages of errors can hold text of the other side. */
function toFailure(error: Error, isSent: boolean): FetchFailure {
  const code = 'code' in error ? String(error.code) : '';
  if (/CERT|SIGNATURE|ISSUER|CRL|ALTNAME/.test(code)) return { kind: 'certificate' };
  return { kind: isSent ? 'broken' : 'unreachable' };
}
