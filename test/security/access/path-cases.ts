import { buildSpellings } from '../../support/path-spellings.ts';
import { buildRequest, expectForwarded, protectedPath, publicPath, type AccessCase } from './access-case.ts';

/** Bytes of an origin-form target: the path and query characters of RFC 3986. */
const target = /^\/[\w\-.~!$&'()*+,;=:@/?%]*$/;
const queries = ['?', '?x', '?/../admin', '?/../mcp', '??', '?;', '?%2e%2e/admin'];

/** The rule: two paths exist, each with and without one trailing slash, and the health paths; all else does not. */
function toStatus(path: string): number {
  if (!target.test(path)) return 400;
  const [exact = ''] = path.split('?');
  const name = exact.length > 1 && exact.endsWith('/') ? exact.slice(0, -1) : exact;
  if (name === publicPath) return 200;
  if (name === protectedPath) return 401;
  return exact === '/healthz' || exact === '/readyz' ? 405 : 404;
}

function buildCase(path: string, index: number): AccessCase {
  const status = toStatus(path);
  return {
    attack: 'path',
    name: `POST ${JSON.stringify(path)}`,
    request: buildRequest({
      target: Buffer.from(path).toString('latin1'),
      // Half of them with a key that is none.
      fields: index % 2 === 0 ? '' : 'Authorization: Bearer bwk_guessed\r\n',
    }),
    status,
    forwarded:
      status === 200
        ? expectForwarded({ extra: index % 2 === 0 ? [] : ['authorization: Bearer bwk_guessed'] })
        : undefined,
  };
}

/** A8: spellings around the public and the protected path, none with a key. */
export const pathCases: readonly AccessCase[] = [
  ...buildSpellings(publicPath.slice(1)),
  ...buildSpellings(protectedPath.slice(1)),
  ...[publicPath, `${publicPath}/`, protectedPath, `${protectedPath}/`].flatMap((path) =>
    ['', ...queries].map((query) => path + query),
  ),
].map(buildCase);
