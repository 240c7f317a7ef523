import { Agent as PlainAgent, request as requestPlainly, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Clock } from '../../lib/clock.ts';
import { isLoopbackHost } from '../../lib/networks.ts';

export interface FormRequest {
  /** A URL that `isTokenEndpoint` holds for. */
  readonly url: string;
  /** The form, encoded. */
  readonly body: string;
  /** Value of the Authorization field. */
  readonly authorization: string;
}

export interface FormAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends a form to a token endpoint. Answers of any status resolve; rejects when there is none, or it is too large or late. */
export type PostForm = (form: FormRequest) => Promise<FormAnswer>;

export interface PostFormOptions {
  readonly clock: Clock;
  /** The only roots that vouch for the endpoint, as PEM; those of the runtime when absent. */
  readonly roots?: string;
}

const timeout = 5000;
/** No token answer comes near this. */
const largestBody = 65_536;
const mostConnections = 32;

/** Whether tokens may be sent to a URL: over TLS, or to a server on this machine. */
export function isTokenEndpoint(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** Creates the way to token endpoints: 5 s for the whole answer, 64 KiB, and no redirects, which would carry tokens elsewhere. */
export function createPostForm(options: PostFormOptions): PostForm {
  const { clock, roots } = options;
  const limits = { keepAlive: true, maxSockets: mostConnections };
  const plainAgent = new PlainAgent(limits);
  const agent = new Agent({
    ...limits,
    // token-leak: said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment changes nothing.
    rejectUnauthorized: true,
    ...(roots === undefined ? {} : { ca: roots }),
  });
  return async ({ url, body, authorization }) => {
    if (!isTokenEndpoint(url)) throw new Error('tokens are only sent over TLS');
    const headers = {
      accept: 'application/json',
      authorization,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    };
    const outgoing = /^https:/i.test(url)
      ? request(url, { method: 'POST', agent, headers })
      : requestPlainly(url, { method: 'POST', agent: plainAgent, headers });
    const timer = clock.setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${timeout / 1000} s`)),
      timeout,
    );
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once('response', resolve);
        outgoing.on('error', reject);
        outgoing.end(body);
      });
      return { status: response.statusCode ?? 0, body: await readBody(response) };
    } finally {
      timer.cancel();
    }
  };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestBody) throw new Error('the answer is larger than 64 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
