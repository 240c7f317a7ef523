import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, headOf } from '../directive.ts';
import { replaceWith } from '../edits.ts';
import { looksLikeEndpoint, withoutSlash } from '../endpoint-path.ts';
import type { LintRule } from '../finding.ts';
import { atServers, remove } from './corrections.ts';
import { bestMatch, scopesIn, type NginxEndpoint, type NginxModel, type NginxScope } from './model.ts';

/** Which paths reach the upstream, and under which name. */
export const nginxPathRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-proxy-pass-uri',
    severity: 'error',
    requirement: 'path-kept',
    title: '`proxy_pass` with a path behind a prefix location',
    check: atEndpoints((endpoint) => {
      const { modifier, path, pass, target } = endpoint;
      if (target.uri === undefined || target.hasVariables || !isPrefix(modifier)) return undefined;
      const isMounted = path.endsWith('/') && target.uri.endsWith('/') && !looksLikeEndpoint(path);
      if (target.uri === path || isMounted || path === '/') return undefined;
      return {
        at: pass.args[0] ?? pass,
        message: `the path of \`proxy_pass\` replaces that of the location: \`${path}\` reaches the upstream as \`${target.uri}\``,
        label: `\`${path}foo\` becomes \`${target.uri}foo\``,
        ...replaceWith(pass, [`proxy_pass ${target.scheme}://${target.host};`]),
      };
    }),
  },
  {
    id: 'nginx-path-rewrite',
    severity: 'error',
    requirement: 'path-kept',
    title: '`rewrite` changes the path of the endpoint',
    check: atEndpoints((endpoint) => {
      const rewrite = endpoint.scope.directives.find(
        (directive) =>
          directive.name === 'rewrite' &&
          ['break', 'last', undefined].includes(directive.args[2]?.text) &&
          !looksLikeEndpoint(directive.args[1]?.text ?? ''),
      );
      if (rewrite === undefined) return undefined;
      return {
        at: rewrite,
        message: `\`rewrite\` takes the path of the endpoint away before \`proxy_pass\``,
        ...remove(rewrite),
      };
    }),
  },
  {
    id: 'nginx-prefix-exposes-siblings',
    severity: 'warning',
    requirement: 'exact-path',
    title: 'a prefix location without a slash at its end',
    check: atEndpoints(({ location, modifier, path }) => {
      if (!isPrefix(modifier) || path.endsWith('/')) return undefined;
      const [last = location.head] = location.args.slice(-1);
      const first = location.args[0] ?? last;
      return {
        at: headOf(location),
        message: `\`location ${argTexts(location).join(' ')}\` also matches \`${path}foo\` and everything below \`${path}/\``,
        lines: [`location = ${path} {`],
        edits: [{ source: location.source, start: first.start, end: last.end, text: `= ${path}` }],
      };
    }),
  },
  {
    id: 'nginx-whole-host-proxied',
    severity: 'info',
    requirement: 'exact-path',
    title: '`location /` passes every path to the MCP server',
    check: atEndpoints(({ location, modifier, path }) =>
      isPrefix(modifier) && path === '/'
        ? {
            at: headOf(location),
            message: 'every path of the upstream is open to the internet, not the endpoint alone',
            lines: ['location = /mcp {'],
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-regex-unanchored',
    severity: 'warning',
    requirement: 'exact-path',
    title: 'a regular expression that matches other paths too',
    check: atEndpoints(({ location, modifier, path }) => {
      if (!modifier.startsWith('~') || (path.startsWith('^') && path.endsWith('$'))) return undefined;
      const anchored = `${path.startsWith('^') ? '' : '^'}${path}${path.endsWith('$') ? '' : '$'}`;
      const [pattern = location.head] = location.args.slice(-1);
      return {
        at: pattern,
        message: `\`${path}\` matches anywhere in a path, such as \`/other${path.replaceAll(/[\\^$]/g, '')}foo\``,
        label: 'neither begins with `^` nor ends with `$`',
        lines: [`location ${modifier} ${anchored} {`],
        edits: [{ source: location.source, start: pattern.start, end: pattern.end, text: anchored }],
      };
    }),
  },
  {
    id: 'nginx-slash-redirect',
    severity: 'error',
    requirement: 'no-slash-redirect',
    title: 'only the path with a slash is proxied',
    check: atEndpoints((endpoint, model) => {
      const { location, modifier, path, server } = endpoint;
      const bare = withoutSlash(path);
      if (modifier.startsWith('~') || path === bare) return undefined;
      const others = model.locationsOf(server).flatMap(toMatch);
      const found = bestMatch(others, bare);
      if (found !== undefined && (found.path === bare || found.modifier.startsWith('~'))) return undefined;
      return {
        at: headOf(location),
        message: `\`${bare}\` is answered by nginx itself, with 301 to \`${path}\``,
        lines: [`location = ${bare} {`, `    proxy_pass ${firstArg(endpoint.pass)};`, '}'],
      };
    }),
  },
  {
    id: 'nginx-endpoint-redirected',
    severity: 'error',
    requirement: 'no-slash-redirect',
    title: 'the endpoint answers with a redirect',
    check: atServers((server) => {
      const redirect = scopesIn(server, 'location')
        .filter(({ directive }) => looksLikeEndpoint(directive?.args.at(-1)?.text ?? ''))
        .flatMap(({ directives }) => directives)
        .concat(
          server.directives.filter(
            ({ name, args }) => name === 'rewrite' && looksLikeEndpoint(args[0]?.text ?? ''),
          ),
        )
        .find(
          ({ name, args }) =>
            (name === 'return' && /^30[123]$/.test(args[0]?.text ?? '')) ||
            (name === 'rewrite' && /^(?:permanent|redirect)$/.test(args[2]?.text ?? '')),
        );
      if (redirect === undefined) return undefined;
      return {
        at: redirect,
        message: 'calls are sent to another address, and most clients follow with GET and without the token',
        lines: [],
      };
    }),
  },
  {
    id: 'nginx-proxy-in-if',
    severity: 'warning',
    requirement: 'path-kept',
    title: '`proxy_pass` inside of `if`',
    breaks:
      'what else the location says does not hold inside of `if`: headers and time-outs are not those that are written',
    check: atEndpoints(({ scope, pass, location }) => {
      if (scope.directives.includes(pass)) return undefined;
      const outer = scope.directives.find(({ name, block }) => name === 'if' && block?.includes(pass));
      if (outer === undefined) return undefined;
      return {
        at: pass,
        message: '`proxy_pass` stands inside of `if`',
        lines: [`location ${argTexts(location).join(' ')} {`, `    proxy_pass ${firstArg(pass)};`],
      };
    }),
  },
  {
    id: 'nginx-methods-blocked',
    severity: 'error',
    requirement: 'methods',
    title: 'methods that MCP uses are refused',
    check: atEndpoints((endpoint) => {
      const blocking = [...endpoint.scope.directives, ...endpoint.server.directives].find(
        (directive) => missingMethods(directive.name, argTexts(directive)).length > 0,
      );
      if (blocking === undefined) return undefined;
      const missing = missingMethods(blocking.name, argTexts(blocking));
      const first = blocking.args[0] ?? blocking.head;
      const last = blocking.args.at(-1) ?? first;
      const text =
        blocking.name === 'if'
          ? '($request_method !~ ^(GET|POST|DELETE|OPTIONS)$)'
          : 'GET POST DELETE OPTIONS';
      return {
        at: headOf(blocking),
        message: `${missing.map((method) => `\`${method}\``).join(' and ')} do not reach the endpoint`,
        lines: [`${blocking.name} ${text} {`],
        edits: [{ source: blocking.source, start: first.start, end: last.end, text }],
      };
    }),
  },
  {
    id: 'nginx-well-known-swallowed',
    severity: 'warning',
    requirement: 'metadata-path',
    title: '`/.well-known/` is answered from files, or refused',
    check: atServers((server) => {
      const locations = scopesIn(server, 'location').flatMap(toMatch);
      const found = bestMatch(locations, '/.well-known/oauth-protected-resource');
      if (found === undefined || found.path === '/') return undefined;
      const { directive, directives } = found.scope;
      const swallows = new Set(['root', 'alias', 'deny', 'try_files']);
      const refuses = directives.some(
        ({ name, args }) => name === 'return' && args[0]?.text.startsWith('4') === true,
      );
      if (directive === undefined || !(refuses || directives.some(({ name }) => swallows.has(name))))
        return undefined;
      return {
        at: headOf(directive),
        message: `\`/.well-known/oauth-protected-resource\` is taken by \`location ${argTexts(directive).join(' ')}\``,
        lines: [
          'location ^~ /.well-known/oauth-protected-resource {',
          '    proxy_pass http://mcp_backend;',
          '}',
        ],
      };
    }),
  },
];

interface LocationMatch {
  readonly scope: NginxScope;
  readonly modifier: string;
  readonly path: string;
}

function toMatch(scope: NginxScope): LocationMatch[] {
  const words = scope.directive === undefined ? [] : argTexts(scope.directive);
  const path = words.at(-1);
  return path === undefined ? [] : [{ scope, path, modifier: words.length > 1 ? (words[0] ?? '') : '' }];
}

function isPrefix(modifier: NginxEndpoint['modifier']): boolean {
  return modifier === '' || modifier === '^~';
}

/** The methods of MCP that `limit_except`, or an `if` over the method that ends in a refusal, lets through no more. */
function missingMethods(name: string, words: readonly string[]): string[] {
  const wanted = ['POST', 'GET', 'DELETE'];
  if (name === 'limit_except') return wanted.filter((method) => !words.includes(method));
  const condition = words.join(' ');
  if (name !== 'if' || !/^\(\s*\$request_method\s+(?:!~\*?|!=)\s/.test(condition)) return [];
  return wanted.filter((method) => !new RegExp(`\\b${method}\\b`).test(condition));
}
