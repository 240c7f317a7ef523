import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';

/** Asks an identity provider, as `fetch` does. Answers of any status resolve. */
export type ProviderFetch = (url: string, init: RequestInit) => Promise<Response>;

/** No answer of a provider comes near this. */
const largestBody = 1_048_576;
/** Statuses of answers without a body (https://fetch.spec.whatwg.org/#null-body-status). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A `fetch` for what goes to identity providers: HTTPS alone, no redirects, which would carry secrets elsewhere, no compression, and bodies
 * of at most 1 MiB. That of the runtime leaves it to the environment whether certificates are checked, and cannot be told otherwise.
 * Rejects with a TypeError, or with the signal's reason.
 */
export function createProviderFetch({ version }: { readonly version: string }): ProviderFetch {
  return async (url, init) => {
    const { signal } = init;
    const asked = new Request(url, init);
    const { protocol, host } = new URL(asked.url);
    if (protocol !== 'https:') throw new TypeError('secrets are only sent over TLS');
    const body = Buffer.from(await asked.arrayBuffer());
    signal?.throwIfAborted();
    const outgoing = request(asked.url, {
      method: asked.method,
      headers: {
        // GitHub refuses who does not name itself.
        'user-agent': `breakwater/${version}`,
        ...Object.fromEntries(asked.headers),
        'accept-encoding': 'identity',
      },
      agent: false,
      // token-leak: said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment changes nothing.
      rejectUnauthorized: true,
    });
    const onAbort = (): void => void outgoing.destroy(new Error('no longer wanted'));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await exchange(outgoing, body);
    } catch (cause) {
      signal?.throwIfAborted();
      throw new TypeError(`no answer from \`${host}\``, { cause });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  };
}

async function exchange(outgoing: ClientRequest, body: Buffer): Promise<Response> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body.length === 0 ? undefined : body);
  });
  const content = await readBody(incoming);
  const { statusCode: status = 0 } = incoming;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  return new Response(bodiless.has(status) ? undefined : content, { status, headers });
}

async function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    // endless-body: counted as it comes, whatever the head promised.
    if (length > largestBody) throw new Error('the answer is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
