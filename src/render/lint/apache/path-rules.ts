import { buildNoEndpointRule } from '../reading-rules.ts';
import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import { looksLikeEndpoint, withoutSlash } from '../endpoint-path.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost } from '../upstream-host.ts';
import { portOf } from './corrections.ts';
import { type ApacheModel, allOf, lineOf, pathOf } from './model.ts';

/** Which paths reach the upstream, and how. */
export const apachePathRules: readonly LintRule<ApacheModel>[] = [
  {
    id: 'apache-proxypass-path',
    severity: 'error',
    requirement: 'path-kept',
    title: 'the paths of `ProxyPass` do not go together',
    check: atEndpoints(({ path, isPattern, target, pass, members }) => {
      const asked = pathOf(target.text);
      if (isPattern || members.length > 0 || !looksLikeEndpoint(path)) return undefined;
      const hasSlash = (text: string): boolean => text.endsWith('/');
      if (looksLikeEndpoint(asked) && hasSlash(path) === hasSlash(asked)) return undefined;
      const root = target.text.slice(0, target.text.length - asked.length);
      return {
        at: target,
        message: `\`${path}\` reaches the upstream as \`${asked === '' ? '/' : asked}\``,
        lines: [
          pass.args.length > 1 && pass.args[0] !== target
            ? `ProxyPass ${path} ${root}${path}`
            : `ProxyPass ${root}${path}`,
        ],
      };
    }),
  },
  {
    id: 'apache-regex-unanchored',
    severity: 'warning',
    requirement: 'exact-path',
    title: 'a pattern that matches other paths too',
    check: atEndpoints(({ path, isPattern, pass }) => {
      if (!isPattern || (path.startsWith('^') && path.endsWith('$')) || path === '~') return undefined;
      return {
        at: pass.args[0] ?? pass,
        message: `\`${path}\` is a part of other paths as well`,
        lines: [`${pass.head.text} ^/mcp/?$ http://127.0.0.1:8000/mcp`],
      };
    }),
  },
  {
    id: 'apache-paths-below-open',
    severity: 'info',
    requirement: 'exact-path',
    title: '`ProxyPass` opens everything below its path',
    check: atEndpoints(({ path, isPattern, pass }) =>
      isPattern
        ? undefined
        : {
            at: headOf(pass),
            message: `everything below \`${withoutSlash(path)}${path === '/' ? '' : '/'}\` of the upstream is open as well`,
            lines: ['ProxyPassMatch ^/mcp/?$ http://127.0.0.1:8000/mcp'],
          },
    ),
  },
  {
    id: 'apache-endpoint-redirected',
    severity: 'error',
    requirement: 'no-slash-redirect',
    title: 'the endpoint answers with a redirect',
    check: atEndpoints((endpoint) => {
      const line = [
        ...allOf(endpoint, 'redirect'),
        ...allOf(endpoint, 'redirectmatch'),
        ...allOf(endpoint, 'rewriterule'),
      ].find(
        (found) =>
          redirects(found) &&
          argTexts(found)
            .slice(0, -1)
            .some((word) => looksLikeEndpoint(word)) &&
          !argTexts(found).some((word) => /30[78]/.test(word)),
      );
      return line === undefined
        ? undefined
        : {
            at: headOf(line),
            message:
              'calls are sent to another address, and most clients follow with GET and without the token',
            lines: [],
          };
    }),
  },
  {
    id: 'apache-methods-blocked',
    severity: 'error',
    requirement: 'methods',
    title: 'methods that MCP uses are refused',
    check: atEndpoints((endpoint) => {
      const limit = endpoint.scopes.flat().find((directive) => {
        const words = argTexts(directive).map((word) => word.toUpperCase());
        const missing = ['POST', 'GET', 'DELETE'].some((method) => !words.includes(method));
        if (directive.name === 'allowmethods') return missing && !words.includes('RESET');
        const denies = (directive.block ?? []).some((line) => /denied|from all/i.test(lineOf(line)));
        return (
          denies &&
          ((directive.name === 'limitexcept' && missing) ||
            (directive.name === 'limit' && words.some((word) => /^(?:POST|GET|DELETE|OPTIONS)$/.test(word))))
        );
      });
      return limit === undefined
        ? undefined
        : {
            at: headOf(limit),
            message: `\`${lineOf(limit)}\` keeps methods of MCP out`,
            lines: ['AllowMethods GET POST DELETE OPTIONS'],
          };
    }),
  },
  {
    id: 'apache-plain-http-endpoint',
    severity: 'error',
    requirement: 'http-redirect',
    title: 'the endpoint is open on plain HTTP',
    check: atEndpoints(({ host, scopes }) => {
      if (host === undefined || isLocalHost(firstArg(host)) || portOf(host) === '443') return undefined;
      if (scopes.flat().some(({ name, args }) => name === 'sslengine' && /^on$/i.test(args[0]?.text ?? '')))
        return undefined;
      return {
        at: headOf(host),
        message: 'calls are answered on plain HTTP, with whatever token they carry',
        lines: ['<VirtualHost *:443>', '    SSLEngine on'],
      };
    }),
  },
  {
    id: 'apache-http-redirect-post',
    severity: 'warning',
    requirement: 'http-redirect',
    title: 'plain HTTP redirects calls',
    breaks:
      'the token has been sent in clear text before the redirect, and 301 or 302 turns the POST into a GET',
    check: ({ hosts, endpoints }) =>
      hosts
        .filter(
          (host) =>
            endpoints.some((endpoint) => endpoint.host !== host && endpoint.host !== undefined) &&
            portOf(host) !== '443',
        )
        .flatMap((host) => {
          const lines = host.block ?? [];
          const line = lines.find(
            (found) =>
              redirects(found) &&
              argTexts(found).some((word) => /^https:/i.test(word)) &&
              !argTexts(found).some((word) => /30[78]/.test(word)),
          );
          const tells = lines.some(
            ({ name, args }) =>
              /^(?:rewritecond|limitexcept|if)$/.test(name) &&
              args.some(({ text }) => /REQUEST_METHOD|GET|HTTP:Authorization/.test(text)),
          );
          return line === undefined || tells
            ? []
            : [
                {
                  at: headOf(line),
                  message: `\`${lineOf(line)}\` redirects calls as it does pages`,
                  lines: [
                    'RewriteEngine On',
                    'RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$',
                    'RewriteRule ^ - [F]',
                  ],
                },
              ];
        }),
  },
  {
    id: 'apache-include-unread',
    severity: 'info',
    requirement: 'current-directives',
    title: 'an included file was not read',
    breaks: 'what it says is not checked; Apache does not start where it is missing on the server too',
    check: ({ unread }) =>
      unread
        .filter(({ directive }) => directive.name === 'include')
        .map(({ directive, reason }) => ({
          at: headOf(directive),
          message: `\`${firstArg(directive)}\` ${reason}`,
          lines: [lineOf(directive)],
        })),
  },
  buildNoEndpointRule('apache', 'no `ProxyPass` leads to what looks like an MCP server'),
];

/** Whether a line redirects. */
function redirects(line: Directive): boolean {
  if (line.name.startsWith('redirect')) return true;
  return line.name === 'rewriterule' && /\[(?:[^\]]*,)?(?:R|redirect)\b/i.test(line.args[2]?.text ?? '');
}
