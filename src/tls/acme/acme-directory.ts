import type { Clock } from '../../lib/clock.ts';
import type { AcmeHttp } from './acme-http.ts';
import { directorySchema, type AcmeDirectory } from './acme-objects.ts';
import { toResponseError } from './problem.ts';
import { parseObject } from './signed-requests.ts';

/** Fetches the directory of an authority (RFC 8555 section 7.1.1). Rejects with an IssueError. */
export async function fetchDirectory(options: {
  readonly http: AcmeHttp;
  readonly url: string;
  /** The authority, for people. */
  readonly title: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<AcmeDirectory> {
  const { http, url, title, clock, signal } = options;
  const response = await http.send({ method: 'GET', url, signal });
  if (response.status >= 300) {
    throw toResponseError(response, { title, verdict: 'does not show its directory' }, clock.now());
  }
  return parseObject(title, directorySchema, response);
}
