import type { AcmeHttp } from './acme-http.ts';

/**
 * Asks the service at `ask` whether a certificate may be obtained for a name that a client came with: `GET ask?domain=NAME`, and
 * only 200 is a yes. Without this question anyone could make the gateway order certificates without end. Rejects with an
 * IssueError (E_ACME_UNREACHABLE) when the service does not answer.
 */
export function createPermission(
  ask: string,
  http: AcmeHttp,
): (name: string, signal: AbortSignal) => Promise<boolean> {
  return async (name, signal) => {
    const url = new URL(ask);
    url.searchParams.set('domain', name);
    const { status } = await http.send({ method: 'GET', url: url.href, signal });
    return status === 200;
  };
}
