import { buildNoEndpointRule } from '../reading-rules.ts';
import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import { looksLikeEndpoint } from '../endpoint-path.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost } from '../upstream-host.ts';
import { findWord } from './corrections.ts';
import { bothSides, conditionOf, lineOf, linesOf, type HaproxyModel } from './model.ts';

/** Which paths reach the servers, and how. */
export const haproxyPathRules: readonly LintRule<HaproxyModel>[] = [
  {
    id: 'haproxy-prefix-exposes-siblings',
    severity: 'warning',
    requirement: 'exact-path',
    title: 'a condition that other paths fit too',
    check: atEndpoints(({ frontend, route }) => {
      if (route === undefined) return undefined;
      const condition = conditionOf(route, frontend);
      const wide =
        /(?:path_beg|path,?\s*-m beg|path_sub|path_dir|base_beg|url_beg|path -m sub)\s+(?:-i\s+)?(\/\S+)/.exec(
          condition,
        );
      if (wide === null || !looksLikeEndpoint(wide[1] ?? '') || (wide[1] ?? '').endsWith('/'))
        return undefined;
      const path = wide[1] ?? '';
      return {
        at: findWord([...linesOf(frontend, 'acl'), route], path) ?? route,
        message: `\`${path}\` is matched as a part of the path: \`${path}foo\` and everything below \`${path}/\` fit too`,
        lines: [`acl is_mcp path ${path} ${path}/`],
      };
    }),
  },
  {
    id: 'haproxy-whole-host-proxied',
    severity: 'info',
    requirement: 'exact-path',
    title: 'every path goes to the MCP server',
    check: atEndpoints((endpoint) => {
      const { frontend, route } = endpoint;
      const isLimited = bothSides(endpoint).some(
        (line) =>
          line.name === 'http-request' &&
          /^(?:deny|return|reject|silent-drop)$/.test(firstArg(line)) &&
          /\bpath/.test(conditionOf(line, frontend)),
      );
      if (route?.name === 'use_backend' || isLimited) return undefined;
      return {
        at: route ?? headOf(frontend),
        message: 'every path of the upstream is open to the internet, not the endpoint alone',
        lines: ['acl is_mcp path /mcp /mcp/', 'http-request return status 404 unless is_mcp'],
      };
    }),
  },
  {
    id: 'haproxy-path-rewritten',
    severity: 'error',
    requirement: 'path-kept',
    title: 'the path of the endpoint is changed',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find(
        (found) =>
          (found.name === 'http-request' &&
            /^(?:replace-path|replace-pathq|replace-uri|set-path|set-pathq|set-uri)$/.test(firstArg(found)) &&
            !looksLikeEndpoint(rewriteTarget(found))) ||
          found.name === 'reqrep' ||
          found.name === 'reqirep',
      );
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`${lineOf(line)}\` takes the path of the endpoint away`,
            lines: [],
          };
    }),
  },
  {
    id: 'haproxy-errors-replaced',
    severity: 'error',
    requirement: 'own-errors',
    title: 'error answers of the server are replaced',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find(
        (found) =>
          found.name === 'http-response' &&
          (firstArg(found) === 'set-status' || firstArg(found) === 'return') &&
          /status/.test(conditionOf(found, endpoint.backend) + conditionOf(found, endpoint.frontend)),
      );
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`http-response ${firstArg(line)}\` puts another answer in place of that of the MCP server`,
            lines: [],
          };
    }),
  },
  {
    id: 'haproxy-methods-blocked',
    severity: 'error',
    requirement: 'methods',
    title: 'methods that MCP uses are refused',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find((found) => {
        const words = argTexts(found);
        if (
          found.name !== 'http-request' ||
          !/^(?:deny|return|reject)$/.test(firstArg(found)) ||
          !words.includes('unless')
        )
          return false;
        const condition = `${conditionOf(found, endpoint.frontend)} ${conditionOf(found, endpoint.backend)}`;
        return /\bMETH_(?:POST|GET)\b|\bmethod\b/.test(condition) && !/DELETE/.test(condition);
      });
      return line === undefined
        ? undefined
        : {
            at: line,
            message: '`DELETE` does not reach the endpoint',
            lines: ['http-request deny unless { method GET POST DELETE OPTIONS }'],
          };
    }),
  },
  {
    id: 'haproxy-plain-http-endpoint',
    severity: 'error',
    requirement: 'http-redirect',
    title: 'the endpoint is open on plain HTTP',
    check: atEndpoints(({ frontend }) => {
      const open = linesOf(frontend, 'bind').find(
        (bind) => !argTexts(bind).includes('ssl') && !isLocalHost(firstArg(bind)),
      );
      const redirects = (frontend.block ?? []).some(
        (line) => [line.name, firstArg(line)].includes('redirect') && argTexts(line).includes('scheme'),
      );
      const refuses = linesOf(frontend, 'http-request').some((line) =>
        /ssl_fc/.test(conditionOf(line, frontend)),
      );
      return open === undefined || redirects || refuses
        ? undefined
        : {
            at: open,
            message: 'calls are answered on plain HTTP, with whatever token they carry',
            lines: ['bind :443 ssl crt /etc/haproxy/mcp.pem alpn h2,http/1.1'],
          };
    }),
  },
  {
    id: 'haproxy-http-redirect-post',
    severity: 'warning',
    requirement: 'http-redirect',
    title: 'plain HTTP redirects calls',
    breaks:
      'the token has been sent in clear text before the redirect, and 301 or 302 turns the POST into a GET',
    check: ({ frontends, endpoints }) =>
      endpoints.length === 0
        ? []
        : frontends.flatMap((frontend) => {
            const lines = [
              ...linesOf(frontend, 'redirect scheme'),
              ...linesOf(frontend, 'http-request redirect scheme'),
            ];
            const line = lines.find(
              (found) => !/30[78]/.test(lineOf(found)) && !/METH_|method/.test(conditionOf(found, frontend)),
            );
            const refuses = linesOf(frontend, 'http-request').some(
              (found) =>
                /^(?:deny|return|reject)$/.test(firstArg(found)) &&
                /METH_|method/.test(conditionOf(found, frontend)),
            );
            if (line === undefined || refuses) return [];
            return [
              {
                at: line,
                message: `\`${lineOf(line)}\` redirects calls as it does pages`,
                lines: ['http-request deny unless METH_GET', 'http-request redirect scheme https code 301'],
              },
            ];
          }),
  },
  buildNoEndpointRule('haproxy', 'no `mode http` frontend passes requests to what looks like an MCP server'),
];

function rewriteTarget(line: Directive): string {
  const words = argTexts(line);
  return words[0]?.startsWith('replace') === true ? (words[2] ?? '') : (words[1] ?? '');
}
