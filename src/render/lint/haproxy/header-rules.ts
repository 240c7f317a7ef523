import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { mentions } from './corrections.ts';
import { bothSides, lineOf, linesOf, type HaproxyEndpoint, type HaproxyModel } from './model.ts';

/** What either side is told of the other. */
export const haproxyHeaderRules: readonly LintRule<HaproxyModel>[] = [
  {
    id: 'haproxy-forwarded-for-appended',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`X-Forwarded-For` keeps what the client wrote',
    check: atEndpoints((endpoint, { effective }) => {
      const option = [endpoint.frontend, endpoint.backend].flatMap((side) =>
        effective(side, 'option forwardfor'),
      )[0];
      if (option === undefined || deletes(endpoint, /^x-forwarded-for$/i)) return undefined;
      return {
        at: option,
        message: '`option forwardfor` adds a line to that of the client, and many servers read the first',
        lines: ['http-request del-header X-Forwarded-For', 'option forwardfor'],
      };
    }),
  },
  {
    id: 'haproxy-forwarded-for-missing',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`X-Forwarded-For` of clients passes',
    check: atEndpoints((endpoint, { effective }) => {
      const option = [endpoint.frontend, endpoint.backend].flatMap((side) =>
        effective(side, 'option forwardfor'),
      )[0];
      if (option !== undefined || deletes(endpoint, /^x-forwarded-for$/i)) return undefined;
      return {
        at: headOf(endpoint.frontend),
        message: '`X-Forwarded-For` is not set, so that of the client reaches the server',
        lines: ['http-request set-header X-Forwarded-For %[src]'],
      };
    }),
  },
  {
    id: 'haproxy-forwarded-proto-missing',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: 'the server does not know of HTTPS',
    breaks: 'redirects and OAuth metadata of the server name `http://`, and clients send their token there',
    check: atEndpoints((endpoint) =>
      deletes(endpoint, /^x-forwarded-proto$/i)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: '`X-Forwarded-Proto` is not set',
            lines: ['http-request set-header X-Forwarded-Proto https'],
          },
    ),
  },
  {
    id: 'haproxy-identity-headers',
    severity: 'info',
    requirement: 'identity-headers',
    title: 'headers that name a user pass',
    check: atEndpoints((endpoint) =>
      deletes(endpoint, /^(?:x-forwarded-user|x-remote-|remote-|x-auth-request-|x-forwarded-$|x-$)/i)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: '`X-Forwarded-User` of the client reaches the server',
            lines: ['http-request del-header X-Forwarded-User', 'http-request del-header Remote- -m beg'],
          },
    ),
  },
  {
    id: 'haproxy-header-withheld',
    severity: 'error',
    requirement: 'header-names',
    title: 'a header that MCP needs is taken away',
    breaks: 'sessions and logins fail: every later call is answered with 400 or 401',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find(
        ({ name, args }) =>
          /^http-(?:request|response)$/.test(name) &&
          args[0]?.text === 'del-header' &&
          /^(?:mcp-|www-authenticate$|last-event-id$)/i.test(args[1]?.text ?? ''),
      );
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`${line.args[1]?.text ?? ''}\` does not pass`,
            lines: [],
          };
    }),
  },
  {
    id: 'haproxy-header-room',
    severity: 'warning',
    requirement: 'header-room',
    title: 'a small `tune.bufsize`',
    check: ({ global, endpoints }) => {
      const line = global.findLast(({ name }) => name === 'tune.bufsize');
      const size = Number(firstArg(line));
      if (line === undefined || endpoints.length === 0 || !(size < 16_384)) return [];
      return [
        {
          at: line,
          message: `a request head may have ${size} bytes less a reserve`,
          lines: ['tune.bufsize 32768'],
        },
      ];
    },
  },
  {
    id: 'haproxy-no-hsts',
    severity: 'warning',
    requirement: 'hsts',
    title: 'no `Strict-Transport-Security`',
    check: atEndpoints((endpoint) => {
      const secure = linesOf(endpoint.frontend, 'bind').some((bind) => argTexts(bind).includes('ssl'));
      if (!secure || mentions(bothSides(endpoint), /^strict-transport-security$/i)) return undefined;
      return {
        at: headOf(endpoint.frontend),
        message: 'answers carry no `Strict-Transport-Security`',
        lines: ['http-response set-header Strict-Transport-Security max-age=31536000'],
      };
    }),
  },
  {
    id: 'haproxy-cors-any-origin',
    severity: 'warning',
    requirement: 'cors',
    title: 'any web page may read answers',
    check: atEndpoints((endpoint) => {
      const lines = bothSides(endpoint);
      const line = lines.find(
        (found) =>
          mentions([found], /^access-control-allow-origin$/i) && mentions([found], /^\*$|req\.hdr\(origin/i),
      );
      if (line === undefined || argTexts(line).includes('if')) return undefined;
      const credentials = mentions(lines, /^access-control-allow-credentials$/i);
      return {
        at: line,
        message: `\`Access-Control-Allow-Origin\` lets pages of every origin read what tools answer${credentials ? ', with credentials' : ''}`,
        ...(credentials ? { severity: 'error' as const } : {}),
        lines: ['http-response set-header Access-Control-Allow-Origin https://app.example.com'],
      };
    }),
  },
  {
    id: 'haproxy-cors-not-exposed',
    severity: 'warning',
    requirement: 'cors',
    title: 'browsers may not read the headers of MCP',
    check: atEndpoints((endpoint) => {
      const lines = bothSides(endpoint);
      const origin = lines.find((line) => mentions([line], /^access-control-allow-origin$/i));
      const exposed = lines.find((line) => mentions([line], /^access-control-expose-headers$/i));
      if (origin === undefined || (exposed !== undefined && /mcp-session-id|\s\*/i.test(lineOf(exposed))))
        return undefined;
      return {
        at: exposed ?? origin,
        message: '`Access-Control-Expose-Headers` does not name `Mcp-Session-Id`',
        lines: ['http-response set-header Access-Control-Expose-Headers "Mcp-Session-Id, WWW-Authenticate"'],
      };
    }),
  },
  {
    id: 'haproxy-body-unlimited',
    severity: 'info',
    requirement: 'body-limit',
    title: 'bodies of any size are taken',
    breaks: 'one call can fill the memory of the server',
    check: atEndpoints((endpoint) =>
      mentions(bothSides(endpoint), /req\.body_size|content-length/i)
        ? undefined
        : {
            at: headOf(endpoint.frontend),
            message: 'bodies of any size are passed on',
            lines: ['http-request deny deny_status 413 if { req.body_size gt 16777216 }'],
          },
    ),
  },
];

/** Whether a request header is set or deleted before the server sees it. */
function deletes(endpoint: HaproxyEndpoint, name: RegExp): boolean {
  return bothSides(endpoint).some(
    (line) =>
      line.name === 'http-request' &&
      /^(?:del-header|set-header)$/.test(firstArg(line)) &&
      name.test(line.args[1]?.text ?? ''),
  );
}
