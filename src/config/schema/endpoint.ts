import { z } from 'zod';
import { isLoopbackHost } from '../../lib/networks.ts';
import { ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

/** The URL of a service that secrets or keys come from or go to: HTTPS, or HTTP on this machine. */
export const endpointSchema: z.ZodType<string> = parsedField(z.string(), parseEndpoint);

/** The identifier of an issuer (RFC 8414 section 2), exactly as it is written, because tokens are compared with it. */
export const issuerSchema: z.ZodType<string> = parsedField(z.string(), (text) => {
  const endpoint = parseEndpoint(text);
  if (!endpoint.ok) return endpoint;
  return text.includes('?')
    ? failValue('has a query', 'write the issuer as its tokens have it in `iss`')
    : ok(text);
});

/** Against keys and secrets that somebody on the way replaces or reads. */
function parseEndpoint(text: string): Result<string, FieldProblem> {
  const url = /^https?:\/\/[^\s\\#]+$/i.test(text) ? URL.parse(text) : null;
  if (url === null) return failValue('is not a URL', 'a URL such as `https://login.example.com/realm`');
  if (url.username !== '' || url.password !== '') {
    return failValue('contains a user name or password', 'credentials do not belong in the address');
  }
  return url.protocol === 'https:' || isLoopbackHost(url.hostname)
    ? ok(text)
    : failValue('is not an HTTPS URL', 'plain HTTP is for this machine alone');
}

/** Schemes that run code, read files or show what the address itself contains, instead of giving it to a program. */
const unsafeSchemes =
  /^(?:about|blob|data|file|filesystem|ftp|intent|jar|javascript|mailto|ms-appx|ms-appx-web|res|vbscript|view-source|wss?):/i;

/** A redirect URI with a private-use scheme (RFC 8252 section 7.1), or with a slash at its end the beginning of some. */
export const redirectSchema: z.ZodType<string> = parsedField(z.string(), (text) => {
  const url = /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(text) && !/[\\#*]/.test(text) ? URL.parse(text) : null;
  if (url === null || unsafeSchemes.test(text)) {
    return failValue(
      'is not a redirect URI',
      'write `com.example.app:/callback`, or `com.example.app:/` for all',
    );
  }
  if (url.username !== '' || url.password !== '') {
    return failValue('contains a user name or password', 'credentials do not belong in the address');
  }
  if (url.protocol === 'https:') return failValue('needs no entry', 'HTTPS addresses are allowed already');
  return url.protocol === 'http:'
    ? failValue('has plain HTTP', 'only addresses of the own machine may, and need no entry')
    : ok(text);
});
