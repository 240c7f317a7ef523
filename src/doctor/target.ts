import { toHostName } from '../auth/fetch/target-policy.ts';
import { isLoopbackHost } from '../lib/networks.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Target } from './facts.ts';

/** Reads the address of an endpoint; a name without a scheme is HTTPS. Fails with a sentence that says what is wrong. */
export function parseTarget(text: string): Result<Target, string> {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null) return fail(`\`${text}\` is no address`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fail(`\`${url.protocol}\` is not HTTP`);
  // token-leak: the address stands in every report.
  const names = [...url.searchParams.keys()];
  const hasSecret = names.some((name) => /key|token|secret|passw|auth|sig|code/i.test(name));
  if (url.username !== '' || url.password !== '' || hasSecret) {
    return fail('a credential in the address ends up in logs: name it with `--token-env` instead');
  }
  const secure = url.protocol === 'https:';
  const host = toHostName(url);
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const path = `${url.pathname}${url.search}`;
  const loopback = isLoopbackHost(host) || host.endsWith('.localhost');
  return ok({ url: `${url.origin}${path}`, secure, host, port, path, loopback });
}
