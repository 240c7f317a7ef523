import type { Clock } from '../../../src/lib/clock.ts';
import type { AcmeHttp } from '../../../src/tls/acme/acme-http.ts';
import { IssueError } from '../../../src/tls/automation/issuer.ts';
import type { AcmeStub } from './acme-stub.ts';

/** What the real transport does not read on from. */
const largestBody = 1_048_576;
const timeout = 30_000;

/** The transport of the ACME client, led to a stub without a socket: hundreds of days pass in seconds. */
export function createStubHttp(stub: AcmeStub, clock: Clock): AcmeHttp {
  return {
    async send({ method, url, body, signal }) {
      signal.throwIfAborted();
      const hurry = new AbortController();
      const timer = clock.setTimeout(() => hurry.abort(new Error('no answer within 30 s')), timeout);
      try {
        const response = await stub.handle(
          {
            method,
            url,
            headers: {
              'user-agent': 'breakwater/test',
              ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
            },
            body: body ?? '',
          },
          AbortSignal.any([signal, hurry.signal]),
        );
        if (response.body.length > largestBody) throw new Error('the answer is larger than 1 MiB');
        return method === 'HEAD' ? { ...response, body: '' } : response;
      } catch (cause) {
        signal.throwIfAborted();
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new IssueError('E_ACME_UNREACHABLE', `cannot reach \`${new URL(url).host}\`: ${reason}`, {
          cause,
        });
      } finally {
        timer.cancel();
      }
    },
    close() {},
  };
}
