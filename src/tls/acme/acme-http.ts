import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, request as secureRequest } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { isLoopbackHost } from '../../lib/networks.ts';
import { IssueError } from '../automation/issuer.ts';

export interface AcmeHttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A JWS in its JSON form; only with POST. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface AcmeHttpResponse {
  readonly status: number;
  /** Names in lower case; repeated fields are joined with commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** How the client reaches an authority. */
export interface AcmeHttp {
  /** Rejects with an IssueError (E_ACME_UNREACHABLE), or with the signal's reason. Answers of any status resolve. */
  send(request: AcmeHttpRequest): Promise<AcmeHttpResponse>;
  /** Lets go of kept connections. */
  close(): void;
}

export interface AcmeHttpOptions {
  /** The only roots that vouch for the authority's servers, as PEM; those of the runtime when undefined. */
  readonly roots: string | undefined;
  /** Goes into the User-Agent field, which RFC 8555 section 6.1 demands. */
  readonly version: string;
  /** Lets requests go to loopback addresses in the clear. Nothing else is ever asked without TLS. */
  readonly allowPlainLoopback: boolean;
  readonly clock: Clock;
  /** Milliseconds for one whole answer; 30,000 when absent. */
  readonly timeout?: number;
}

/** No certificate chain or directory comes near this. */
const largestBody = 1_048_576;
const defaultTimeout = 30_000;

/** HTTPS without redirects, since each request is signed for its URL. */
export function createAcmeHttp(options: AcmeHttpOptions): AcmeHttp {
  const { roots, version, allowPlainLoopback, clock, timeout = defaultTimeout } = options;
  const secureAgent = new Agent({
    keepAlive: true,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment lets nobody pose as the authority.
    rejectUnauthorized: true,
    ...(roots === undefined ? {} : { ca: roots }),
  });
  const plainAgent = new PlainAgent({ keepAlive: true });

  function open(url: URL, request: AcmeHttpRequest): ClientRequest {
    const headers = {
      'user-agent': `breakwater/${version}`,
      'accept-language': 'en',
      ...(request.body === undefined
        ? {}
        : {
            'content-type': 'application/jose+json',
            'content-length': String(Buffer.byteLength(request.body)),
          }),
    };
    return url.protocol === 'https:'
      ? secureRequest(url, { method: request.method, headers, agent: secureAgent })
      : plainRequest(url, { method: request.method, headers, agent: plainAgent });
  }

  return {
    async send(request) {
      request.signal.throwIfAborted();
      const url = parseTarget(request.url, allowPlainLoopback);
      const outgoing = open(url, request);
      let given: Error | undefined;
      const stop = (reason: string): void => {
        given ??= new Error(reason);
        outgoing.destroy(given);
      };
      const onAbort = (): void => stop('no longer wanted');
      request.signal.addEventListener('abort', onAbort, { once: true });
      const timer = clock.setTimeout(() => stop(`no answer within ${Math.round(timeout / 1000)} s`), timeout);
      try {
        return await exchange(outgoing, request.body);
      } catch (cause) {
        request.signal.throwIfAborted();
        throw toUnreachable(url, given ?? cause);
      } finally {
        timer.cancel();
        request.signal.removeEventListener('abort', onAbort);
      }
    },
    close() {
      secureAgent.destroy();
      plainAgent.destroy();
    },
  };
}

/** An authority names the URLs of its objects itself; none of them may lead to something that is not HTTPS (SSRF). */
function parseTarget(text: string, allowPlainLoopback: boolean): URL {
  const url = URL.parse(text);
  if (url === null) {
    throw new IssueError('E_ACME_UNREACHABLE', `\`${text.slice(0, 200)}\` is not a URL`);
  }
  const plain = url.protocol === 'http:' && allowPlainLoopback && isLoopbackHost(url.hostname);
  if (url.protocol === 'https:' || plain) return url;
  throw new IssueError('E_ACME_UNREACHABLE', `\`${url.href.slice(0, 200)}\` is not an https:// URL`, {
    hint: 'a certificate authority is asked over HTTPS only: correct `tls.acme.directory`',
  });
}

async function exchange(outgoing: ClientRequest, body: string | undefined): Promise<AcmeHttpResponse> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  const text = await readBody(response);
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: response.statusCode ?? 0, headers, body: text };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestBody) throw new Error('the answer is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toUnreachable(url: URL, cause: unknown): IssueError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  const untrusted = code !== undefined && /CERT|SIGNATURE|ISSUER|CRL|ALTNAME/.test(code);
  const reason = untrusted
    ? `its HTTPS certificate is not trusted here (${code})`
    : (code ?? (cause instanceof Error ? cause.message : 'unknown reason'));
  return new IssueError('E_ACME_UNREACHABLE', `cannot reach \`${url.host}\`: ${reason}`, {
    cause,
    ...(untrusted
      ? { hint: "give the root of the authority's HTTPS certificate as `tls.acme.ca`, and check the clock" }
      : {}),
  });
}
