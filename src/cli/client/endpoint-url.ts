import { fail, ok, type Result } from '../../lib/result.ts';

/**
 * Reads the URL of an MCP endpoint. What comes out is ASCII without spaces, quotes and braces, so that no client finds a
 * variable to fill in: `${env:NAME}` in a URL would send the variable to the server behind it.
 */
export function parseEndpointUrl(text: string): Result<URL, string> {
  // The parser would leave out line breaks and tabs without a word.
  if (/\p{Cc}/u.test(text) || !URL.canParse(text)) return fail('it is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:') return fail('it does not begin with `https://`');
  if (url.username !== '' || url.password !== '') return fail('it holds a user name or a password');
  if (url.hash !== '') return fail('it has a fragment, which no server gets to see');
  // In a path the parser has done so already.
  url.search = url.search.replaceAll('{', '%7B').replaceAll('}', '%7D');
  return ok(url);
}
