import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost, isPublicHost } from '../upstream-host.ts';
import { findWord, mentions } from './corrections.ts';
import { type HaproxyEndpoint, type HaproxyModel, bothSides, conditionOf, lineOf, linesOf } from './model.ts';

/** Who may call, and over what. */
export const haproxyGuardRules: readonly LintRule<HaproxyModel>[] = [
  {
    id: 'haproxy-upstream-unverified',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: 'the certificate of the server is not checked',
    breaks: 'whoever is on the way to the server can answer in its place, and gets every token',
    check: atEndpoints(({ servers }) => {
      const server = servers.find((line) => {
        const words = argTexts(line);
        return (
          words.includes('ssl') &&
          words[words.indexOf('verify') + 1] === 'none' &&
          !isLocalHost(words[1] ?? '')
        );
      });
      if (server === undefined) return undefined;
      const kept = argTexts(server).filter((word, at, all) => word !== 'verify' && all[at - 1] !== 'verify');
      return {
        at: findWord([server], 'verify') ?? server,
        message: '`verify none` takes any certificate',
        lines: [`server ${kept.join(' ')} verify required ca-file @system-ca`],
      };
    }),
  },
  {
    id: 'haproxy-upstream-in-clear',
    severity: 'error',
    requirement: 'upstream-hidden',
    title: 'plain HTTP to a server elsewhere',
    breaks: 'tokens and what tools answer cross other networks in clear text',
    check: atEndpoints(({ servers }) => {
      const server = servers.find(
        (line) => !argTexts(line).includes('ssl') && isPublicHost(argTexts(line)[1] ?? ''),
      );
      return server === undefined
        ? undefined
        : {
            at: server.args[1] ?? server,
            message: `\`${argTexts(server)[1] ?? ''}\` is reached over plain HTTP`,
            lines: [
              `server ${argTexts(server).slice(0, 2).join(' ')} ssl verify required ca-file @system-ca`,
            ],
          };
    }),
  },
  {
    id: 'haproxy-no-access-control',
    severity: 'warning',
    requirement: 'access-control',
    title: 'nothing asks who calls',
    check: atEndpoints((endpoint) => {
      const lines = bothSides(endpoint);
      const asks =
        /authorization|jwt_|http_auth|ssl_c_|x-api-key|auth_response|^lua\.|\bsrc\b|send-spoe-group/i;
      const refuses = lines.some(
        (line) =>
          line.name === 'http-request' &&
          (/^(?:auth|lua\.|send-spoe-group)/.test(firstArg(line)) ||
            (/^(?:deny|return|reject|tarpit)$/.test(firstArg(line)) &&
              asks.test(`${conditionOf(line, endpoint.frontend)} ${conditionOf(line, endpoint.backend)}`))),
      );
      const certificates = linesOf(endpoint.frontend, 'bind').some((bind) =>
        lineOf(bind).includes('verify required'),
      );
      if (refuses || certificates) return undefined;
      return {
        at: headOf(endpoint.backend),
        message: 'nothing before the server asks who calls',
        lines: ['http-request deny deny_status 401 unless { req.hdr(authorization) -m beg "Bearer " }'],
      };
    }),
  },
  {
    id: 'haproxy-auth-basic',
    severity: 'warning',
    requirement: 'access-control',
    title: 'Basic authentication before an MCP endpoint',
    breaks:
      'MCP clients send `Authorization: Bearer` and can ask nobody for a password: they give up with 401',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find(
        ({ name, args }) => name === 'http-request' && args[0]?.text === 'auth',
      );
      return line === undefined
        ? undefined
        : {
            at: line,
            message: 'MCP clients cannot answer a Basic challenge',
            lines: ['http-request deny deny_status 401 unless { req.hdr(authorization) -m beg "Bearer " }'],
          };
    }),
  },
  {
    id: 'haproxy-no-origin-guard',
    severity: 'warning',
    requirement: 'origin-guard',
    title: 'the Origin of browsers is not looked at',
    check: atEndpoints((endpoint) =>
      decidesOn(endpoint, /hdr(?:_\w+)?\(origin/i)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: 'requests of web pages of any origin reach the endpoint',
            lines: [
              'http-request deny if { req.hdr(origin) -m found } !{ req.hdr(origin) https://mcp.example.com }',
            ],
          },
    ),
  },
  {
    id: 'haproxy-no-host-guard',
    severity: 'warning',
    requirement: 'host-guard',
    title: 'requests for any host reach the endpoint',
    check: atEndpoints((endpoint) =>
      mentions(bothSides(endpoint), /hdr(?:_\w+)?\(host|strict-sni/i)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: 'this frontend answers for names that are not its own',
            lines: [
              'http-request deny deny_status 421 unless { req.hdr(host),host_only -i mcp.example.com }',
            ],
          },
    ),
  },
  {
    id: 'haproxy-no-rate-limit',
    severity: 'info',
    requirement: 'rate-limit',
    title: 'no limit on calls',
    check: atEndpoints((endpoint) =>
      mentions(bothSides(endpoint), /^(?:track-sc\d|sc\d?_|src_)|\bsc_?\d?_|\bsrc_(?:conn|http)/)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: 'one caller may call as often, and hold as many streams, as it likes',
            lines: [
              'stick-table type ip size 100k expire 1m store http_req_rate(10s)',
              'http-request track-sc0 src',
              'http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 }',
            ],
          },
    ),
  },
  {
    id: 'haproxy-old-tls',
    severity: 'error',
    requirement: 'tls-policy',
    title: 'old TLS versions are accepted',
    check: ({ global, endpoints }) => {
      const lines = [...global, ...endpoints.flatMap(({ frontend }) => linesOf(frontend, 'bind'))];
      return [...new Set(lines)].flatMap((line) => {
        const words = argTexts(line);
        const at = words.indexOf('ssl-min-ver');
        if (
          at === -1 ||
          !/^(?:SSLv3|TLSv1\.0|TLSv1\.1)$/.test(words[at + 1] ?? '') ||
          line.name === 'ssl-default-server-options'
        )
          return [];
        const lines2 = [[line.name, ...words.with(at + 1, 'TLSv1.2')].join(' ')];
        return [
          { at: line.args[at + 1] ?? line, message: `\`${words[at + 1] ?? ''}\` is accepted`, lines: lines2 },
        ];
      });
    },
  },
  {
    id: 'haproxy-token-in-log',
    severity: 'error',
    requirement: 'secret-free-logs',
    title: 'tokens are logged',
    breaks: 'whoever reads the log can call every tool as its users',
    check: atEndpoints((endpoint, { effective }) => {
      const line = [endpoint.frontend, endpoint.backend]
        .flatMap((side) =>
          ['capture request header', 'http-request capture', 'log-format', 'log-format-sd'].flatMap((words) =>
            effective(side, words),
          ),
        )
        .find((found) =>
          /authorization|cookie|x-api-key|mcp-session-id|urlp?_?\w*\((?:access_)?token/i.test(lineOf(found)),
        );
      return line === undefined
        ? undefined
        : { at: line, message: `\`${line.name}\` writes a secret to the log`, lines: [] };
    }),
  },
  {
    id: 'haproxy-stats-open',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: 'the statistics page is open',
    breaks: 'anyone sees names, addresses and load of all servers',
    check: ({ sections, endpoints, effective }) =>
      endpoints.length === 0
        ? []
        : sections.flatMap((section) => {
            const line = ['stats enable', 'stats uri', 'stats admin'].flatMap((words) =>
              linesOf(section, words),
            )[0];
            const guarded =
              effective(section, 'stats auth').length > 0 || mentions(section.block ?? [], /^src$|http_auth/);
            const local =
              linesOf(section, 'bind').every((bind) => isLocalHost(firstArg(bind))) &&
              linesOf(section, 'bind').length > 0;
            return line === undefined || guarded || local
              ? []
              : [
                  {
                    at: line,
                    message: 'the statistics page asks for no password',
                    lines: ['stats auth ops:a-long-password'],
                  },
                ];
          }),
  },
];

/** Whether requests are refused, or led elsewhere, by a condition that fits; what answers are told guards nothing. */
function decidesOn(endpoint: HaproxyEndpoint, pattern: RegExp): boolean {
  const { frontend, backend } = endpoint;
  return bothSides(endpoint).some((line) => {
    const refuses =
      line.name === 'http-request' && /^(?:deny|return|reject|tarpit|silent-drop)$/.test(firstArg(line));
    if (!refuses && line.name !== 'use_backend') return false;
    return pattern.test(`${conditionOf(line, frontend)} ${conditionOf(line, backend)}`);
  });
}
