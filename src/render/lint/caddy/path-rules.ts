import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, walk, headOf } from '../directive.ts';
import { looksLikeEndpoint } from '../endpoint-path.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost } from '../upstream-host.ts';
import { addressesOf, alongTheWay, isPlain, lineOf, optionOf, type CaddyModel } from './model.ts';

/** Which paths reach the upstream, and how. */
export const caddyPathRules: readonly LintRule<CaddyModel>[] = [
  {
    id: 'caddy-path-stripped',
    severity: 'error',
    requirement: 'path-kept',
    title: '`handle_path` or `uri strip_prefix` takes the path away',
    check: atEndpoints((endpoint) => {
      const stripping = endpoint.around.find(
        ({ name, args }) => name === 'handle_path' && looksLikeEndpoint(args[0]?.text ?? ''),
      );
      const uri = alongTheWay(endpoint, 'uri').find((directive) => {
        const words = argTexts(directive);
        const at = words.findIndex((word) => /^(?:strip_prefix|replace|path_regexp)$/.test(word));
        return at !== -1 && looksLikeEndpoint(words[at + 1] ?? '');
      });
      const at = stripping ?? uri;
      if (at === undefined) return undefined;
      const named = at.args.find(({ text }) => looksLikeEndpoint(text));
      const path = (named?.text ?? '').replace(/\*$/, '');
      return {
        at: headOf(at),
        message: `\`${path}\` is taken away before the call reaches the upstream, which is asked for \`/\``,
        lines: stripping === undefined ? [] : [`handle ${firstArg(at)} {`],
      };
    }),
  },
  {
    id: 'caddy-path-rewritten',
    severity: 'error',
    requirement: 'path-kept',
    title: '`rewrite` changes the path of the endpoint',
    check: atEndpoints((endpoint) => {
      const rewrite = [...alongTheWay(endpoint, 'rewrite'), ...(endpoint.proxy.block ?? [])].find(
        (directive) => {
          if (directive.name !== 'rewrite') return false;
          const target = directive.args.at(-1)?.text ?? '';
          const isOther =
            directive.args.length > 1 &&
            !/^\*$|^@/.test(firstArg(directive)) &&
            !looksLikeEndpoint(firstArg(directive));
          return !isOther && target.startsWith('/') && !looksLikeEndpoint(target) && !target.includes('{');
        },
      );
      if (rewrite === undefined) return undefined;
      return {
        at: headOf(rewrite),
        message: `the upstream is asked for \`${rewrite.args.at(-1)?.text ?? ''}\` in place of the endpoint`,
        lines: [],
      };
    }),
  },
  {
    id: 'caddy-prefix-exposes-siblings',
    severity: 'warning',
    requirement: 'exact-path',
    title: 'a matcher that other paths fit too',
    check: atEndpoints(({ patterns }) => {
      const wide = patterns.find(({ text }) => /[^/]\*$/.test(text));
      if (wide === undefined) return undefined;
      const path = wide.text.slice(0, -1);
      return {
        at: wide,
        message: `\`${wide.text}\` also matches \`${path}foo\` and everything below \`${path}/\``,
        lines: [`@mcp path ${path} ${path}/`, 'reverse_proxy @mcp 127.0.0.1:8000'],
      };
    }),
  },
  {
    id: 'caddy-whole-host-proxied',
    severity: 'info',
    requirement: 'exact-path',
    title: 'every path goes to the MCP server',
    check: atEndpoints(({ patterns, proxy }) =>
      patterns.length > 0
        ? undefined
        : {
            at: headOf(proxy),
            message: 'every path of the upstream is open to the internet, not the endpoint alone',
            lines: ['@mcp path /mcp /mcp/', 'reverse_proxy @mcp 127.0.0.1:8000'],
          },
    ),
  },
  {
    id: 'caddy-bare-path-missed',
    severity: 'error',
    requirement: 'no-slash-redirect',
    title: 'the path without a slash at its end is not matched',
    breaks: '`initialize` at the path without a slash gets an empty 200, which clients cannot read',
    check: atEndpoints((endpoint, { endpoints }) => {
      const [only] = endpoint.patterns;
      const all = endpoints.filter(({ site }) => site === endpoint.site).flatMap(({ patterns }) => patterns);
      if (only === undefined || !/\/\*?$/.test(only.text) || only.text.length < 3) return undefined;
      const bare = only.text.replace(/\/\*?$/, '');
      if (all.some(({ text }) => text === bare || text === `${bare}*`)) return undefined;
      return {
        at: only,
        message: `\`${bare}\` does not match \`${only.text}\``,
        lines: [`@mcp path ${bare} ${bare}/`],
      };
    }),
  },
  {
    id: 'caddy-endpoint-redirected',
    severity: 'error',
    requirement: 'no-slash-redirect',
    title: 'the endpoint answers with a redirect',
    check: atEndpoints((endpoint) => {
      const redirect = alongTheWay(endpoint, 'redir').find(
        ({ args }) => looksLikeEndpoint(args[0]?.text ?? '') && !/^30[78]$/.test(args.at(-1)?.text ?? ''),
      );
      if (redirect === undefined) return undefined;
      return {
        at: headOf(redirect),
        message: 'calls are sent to another address, and most clients follow with GET and without the token',
        lines: ['@mcp path /mcp /mcp/', 'reverse_proxy @mcp 127.0.0.1:8000'],
      };
    }),
  },
  {
    id: 'caddy-plain-http-endpoint',
    severity: 'error',
    requirement: 'http-redirect',
    title: 'the endpoint is open on plain HTTP',
    check: atEndpoints((endpoint, { global }) => {
      const off = optionOf(global?.block, 'auto_https');
      const isOff =
        firstArg(off) === 'off' && !(endpoint.site.block ?? []).some(({ name }) => name === 'tls');
      const open = addressesOf(endpoint.site).find(
        ({ text }) =>
          !isLocalHost(text.replace(/^https?:\/\//, '')) &&
          (isPlain(text) || (isOff && !text.startsWith('https://'))),
      );
      const bound = firstArg(optionOf(endpoint.site.block, 'bind'));
      if (open === undefined || (bound !== '' && isLocalHost(bound))) return undefined;
      return {
        at: open,
        message: 'calls are answered on plain HTTP, with whatever token they carry',
        lines: [`${open.text.replace(/^http:\/\//, '').replace(/:80$/, '') || 'mcp.example.com'} {`],
      };
    }),
  },
  {
    id: 'caddy-http-redirect-post',
    severity: 'warning',
    requirement: 'http-redirect',
    title: 'plain HTTP redirects calls',
    breaks:
      'the token has been sent in clear text before the redirect, and 301 or 302 turns the POST into a GET',
    check: ({ sites, endpoints }) =>
      endpoints.length === 0
        ? []
        : sites
            .filter((site) => addressesOf(site).some(({ text }) => isPlain(text)))
            .flatMap((site) => {
              const redirect = [...walk(site.block ?? [])].find(
                ({ name, args }) =>
                  name === 'redir' &&
                  args.find(({ text }) => text.includes('://'))?.text.startsWith('https:') === true,
              );
              if (
                redirect === undefined ||
                /^@|^30[78]$/.test(redirect.args.at(-1)?.text ?? '') ||
                firstArg(redirect).startsWith('@')
              )
                return [];
              return [
                {
                  at: headOf(redirect),
                  message: `\`${lineOf(redirect)}\` redirects calls as it does pages`,
                  lines: ['@page method GET HEAD', `redir @page https://{host}{uri} 308`, 'respond 403'],
                },
              ];
            }),
  },
  {
    id: 'caddy-methods-blocked',
    severity: 'error',
    requirement: 'methods',
    title: 'methods that MCP uses are refused',
    check: atEndpoints((endpoint) => {
      const used = new Set(
        [...endpoint.around.slice(1), endpoint.proxy]
          .flatMap(argTexts)
          .filter((word) => word.startsWith('@')),
      );
      const lines = endpoint.around
        .flatMap(({ block }) => block ?? [])
        .filter(({ name }) => used.has(name))
        .flatMap((matcher) =>
          firstArg(matcher) === 'method'
            ? [matcher]
            : (matcher.block ?? []).filter(({ name }) => name === 'method'),
        );
      const short = lines.find(
        (line) => !['POST', 'GET', 'DELETE'].every((method) => argTexts(line).includes(method)),
      );
      return short === undefined
        ? undefined
        : {
            at: headOf(short),
            message: `${['POST', 'GET', 'DELETE']
              .filter((method) => !argTexts(short).includes(method))
              .map((method) => `\`${method}\``)
              .join(' and ')} do not reach the endpoint`,
            lines: ['method POST GET DELETE OPTIONS'],
          };
    }),
  },
];
