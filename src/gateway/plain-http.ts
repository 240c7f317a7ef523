import { fieldValue, type Fields, type RequestHandler } from '../http/exchange.ts';
import { toHostOnly } from '../http/grammar.ts';
import { errorCodes } from '../lib/error-codes.ts';

export interface PlainHttpOptions {
  /** Host names without port that redirects may name; any other would make us an open redirector. */
  readonly hostNames: ReadonlySet<string>;
  /** Port of the TLS listener. */
  readonly securePort: number;
  readonly isDraining: () => boolean;
}

/**
 * Answers on the plain-HTTP port: pages are redirected to https, calls are refused. A redirect would teach a
 * client to send its token in the clear first, each time.
 */
export function createPlainHttpHandler(options: PlainHttpOptions): RequestHandler {
  return (request, sink) => {
    const { method, path, query, authority, fields } = request;
    if (path === '/healthz' || path === '/readyz') {
      const draining = path === '/readyz' && options.isDraining();
      sink.send(
        draining ? 503 : 200,
        ['content-type', 'application/json'],
        `{"status":"${draining ? 'draining' : 'ok'}"}\n`,
      );
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
    const port = options.securePort === 443 ? '' : `:${options.securePort}`;
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
