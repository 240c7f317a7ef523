import { fieldValue, type Fields, type RequestHandler } from '../http/exchange.ts';
import { toHostOnly } from '../http/grammar.ts';
import { errorCodes } from '../lib/error-codes.ts';
import type { HostNames } from './host-names.ts';
import { alive, type Readiness } from './readiness.ts';

export interface PlainHttpOptions {
  /** Host names without port that redirects may name; any other would make us an open redirector. */
  readonly hostNames: Pick<HostNames, 'has'>;
  /** Port of the TLS listener. */
  readonly securePort: () => number;
  readonly readiness: () => Readiness;
  /** What the validator of a certificate authority that brings this token is to be answered. */
  readonly answerChallenge: (token: string) => string | undefined;
}

const CHALLENGE_PATH = '/.well-known/acme-challenge/';

/**
 * Answers on the plain-HTTP port: pages are redirected to https, calls are refused. A redirect would teach a
 * client to send its token in the clear first, each time.
 */
export function createPlainHttpHandler(options: PlainHttpOptions): RequestHandler {
  return (request, sink) => {
    const { method, path, query, authority, fields } = request;
    if (path === '/healthz' || path === '/readyz') {
      const { status, body } = path === '/readyz' ? options.readiness() : alive;
      sink.send(status, ['content-type', 'application/json'], body);
      return;
    }
    if (path.startsWith(CHALLENGE_PATH)) {
      // Before the host is looked at: a validator may come by address, and only an authority knows the token.
      const answer = options.answerChallenge(path.slice(CHALLENGE_PATH.length));
      if (answer === undefined) sink.send(404, plainText, 'no such challenge\n', true);
      else sink.send(200, ['content-type', 'application/octet-stream', 'cache-control', 'no-store'], answer);
      return;
    }
    const name = toHostOnly(authority);
    if (!options.hostNames.has(name)) {
      sink.send(421, plainText, `E_HOST_UNKNOWN: ${errorCodes.E_HOST_UNKNOWN.title}\n`, true);
      return;
    }
    const isPage =
      (method === 'GET' || method === 'HEAD') &&
      fieldValue(fields, 'authorization') === undefined &&
      !acceptsEventStream(fields);
    if (!isPage) {
      sink.send(403, plainText, `E_PLAIN_HTTP: ${errorCodes.E_PLAIN_HTTP.title}\n`, true);
      return;
    }
    const securePort = options.securePort();
    const port = securePort === 443 ? '' : `:${securePort}`;
    sink.send(308, ['location', `https://${name}${port}${path}${query}`], '');
  };
}

const plainText = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'];

function acceptsEventStream(fields: Fields): boolean {
  return fields.some((name, index) => {
    const value = index % 2 === 0 && name === 'accept' ? fields[index + 1] : undefined;
    return value?.toLowerCase().includes('text/event-stream') === true;
  });
}
