import { atEndpoints } from '../at-endpoints.ts';
import { firstArg, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost } from '../upstream-host.ts';
import { headerLines, hostOrPass } from './corrections.ts';
import { authorityOf, effective, type ApacheEndpoint, type ApacheModel } from './model.ts';

/** What either side is told of the other. */
export const apacheHeaderRules: readonly LintRule<ApacheModel>[] = [
  {
    id: 'apache-host-missing',
    severity: 'error',
    requirement: 'host-header',
    title: 'the upstream is sent its own name as Host',
    check: atEndpoints((endpoint) => {
      const address = authorityOf(endpoint.target.text);
      const isPreserved = /^on$/i.test(firstArg(effective(endpoint, 'proxypreservehost')));
      const isBalancer = endpoint.target.text.startsWith('balancer:');
      if (isPreserved || isBalancer || isLocalHost(address) || /^https:/i.test(endpoint.target.text))
        return undefined;
      return {
        at: endpoint.target,
        message: `\`Host\` is \`${address}\`: \`ProxyPreserveHost\` is off, which is its default`,
        lines: ['ProxyPreserveHost On'],
      };
    }),
  },
  {
    id: 'apache-errors-replaced',
    severity: 'error',
    requirement: 'own-errors',
    title: 'error answers of the upstream are replaced',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'proxyerroroverride');
      return line === undefined || !/^on$/i.test(firstArg(line))
        ? undefined
        : {
            at: line,
            message: '`ProxyErrorOverride` puts pages in place of the answers of the MCP server',
            lines: ['ProxyErrorOverride Off'],
          };
    }),
  },
  {
    id: 'apache-forwarded-for-appended',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`X-Forwarded-For` keeps what the client wrote',
    check: atEndpoints((endpoint) => {
      if (requestHeader(endpoint, /^x-forwarded-for$/) || effective(endpoint, 'remoteipheader') !== undefined)
        return undefined;
      return {
        at: hostOrPass(endpoint),
        message: 'mod_proxy adds the address to the `X-Forwarded-For` of the client',
        lines: ['RequestHeader unset X-Forwarded-For early'],
      };
    }),
  },
  {
    id: 'apache-forwarded-proto-missing',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: 'the upstream does not know of HTTPS',
    breaks: 'redirects and OAuth metadata of the upstream name `http://`, and clients send their token there',
    check: atEndpoints((endpoint) =>
      requestHeader(endpoint, /^x-forwarded-proto$/)
        ? undefined
        : {
            at: hostOrPass(endpoint),
            message: '`X-Forwarded-Proto` is not set',
            lines: ['RequestHeader set X-Forwarded-Proto https'],
          },
    ),
  },
  {
    id: 'apache-identity-headers',
    severity: 'info',
    requirement: 'identity-headers',
    title: 'headers that name a user pass',
    check: atEndpoints((endpoint) =>
      requestHeader(endpoint, /^(?:x-forwarded-user|x-remote-user|remote-user|x-auth-request-user)$/)
        ? undefined
        : {
            at: hostOrPass(endpoint),
            message: '`X-Forwarded-User` of the client reaches the upstream',
            lines: ['RequestHeader unset X-Forwarded-User', 'RequestHeader unset Remote-User'],
          },
    ),
  },
  {
    id: 'apache-header-withheld',
    severity: 'error',
    requirement: 'header-names',
    title: 'a header that MCP needs is taken away',
    breaks: 'sessions and logins fail: every later call is answered with 400 or 401',
    check: atEndpoints((endpoint) => {
      const found = [...headerLines(endpoint, 'header'), ...headerLines(endpoint, 'requestheader')].find(
        ({ action, name }) =>
          action === 'unset' && /^(?:mcp-|www-authenticate$|last-event-id$|authorization$)/.test(name),
      );
      return found === undefined
        ? undefined
        : {
            at: headOf(found.line),
            message: `\`${found.name}\` does not pass`,
            lines: [],
          };
    }),
  },
  {
    id: 'apache-no-hsts',
    severity: 'warning',
    requirement: 'hsts',
    title: 'no `Strict-Transport-Security`, or not with errors',
    check: atEndpoints((endpoint) => {
      const found = headerLines(endpoint, 'header').find(({ name }) => name === 'strict-transport-security');
      if (found?.isAlways === true) return undefined;
      return {
        at: found === undefined ? hostOrPass(endpoint) : headOf(found.line),
        message:
          found === undefined
            ? 'answers carry no `Strict-Transport-Security`'
            : 'without `always` error answers lack the header',
        lines: ['Header always set Strict-Transport-Security max-age=31536000'],
      };
    }),
  },
  {
    id: 'apache-cors-any-origin',
    severity: 'warning',
    requirement: 'cors',
    title: 'any web page may read answers',
    check: atEndpoints((endpoint) => {
      const lines = headerLines(endpoint, 'header');
      const origin = lines.find(
        ({ name, value }) =>
          name === 'access-control-allow-origin' && /^\*$|\{Origin\}|\{HTTP_ORIGIN\}/i.test(value),
      );
      if (origin === undefined || origin.line.args.some(({ text }) => /^env=|^expr=/.test(text)))
        return undefined;
      const credentials = lines.some(({ name }) => name === 'access-control-allow-credentials');
      return {
        at: headOf(origin.line),
        message: `\`Access-Control-Allow-Origin ${origin.value}\` lets pages of every origin read what tools answer${credentials ? ', with credentials' : ''}`,
        ...(credentials ? { severity: 'error' as const } : {}),
        lines: ['Header always set Access-Control-Allow-Origin https://app.example.com'],
      };
    }),
  },
  {
    id: 'apache-cors-not-exposed',
    severity: 'warning',
    requirement: 'cors',
    title: 'browsers may not read the headers of MCP',
    check: atEndpoints((endpoint) => {
      const lines = headerLines(endpoint, 'header');
      const origin = lines.find(({ name }) => name === 'access-control-allow-origin');
      const exposed = lines.find(({ name }) => name === 'access-control-expose-headers');
      if (origin === undefined || /mcp-session-id|^\*$/i.test(exposed?.value ?? '')) return undefined;
      return {
        at: headOf(exposed?.line ?? origin.line),
        message: '`Access-Control-Expose-Headers` does not name `Mcp-Session-Id`',
        lines: ['Header always set Access-Control-Expose-Headers "Mcp-Session-Id, WWW-Authenticate"'],
      };
    }),
  },
  {
    id: 'apache-header-room',
    severity: 'warning',
    requirement: 'header-room',
    title: 'small limits on request headers',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'limitrequestfieldsize');
      const bytes = line === undefined ? 8190 : Number(firstArg(line));
      if (!(bytes <= 8190)) return undefined;
      return {
        at: line ?? hostOrPass(endpoint),
        message: `one header may have ${bytes} bytes${line === undefined ? ', which is the default' : ''}: a long token does not fit`,
        ...(bytes === 8190 ? { severity: 'info' as const } : {}),
        lines: ['LimitRequestFieldSize 16380'],
      };
    }),
  },
];

function requestHeader(endpoint: ApacheEndpoint, name: RegExp): boolean {
  return headerLines(endpoint, 'requestheader').some(
    (line) => name.test(line.name) && /^(?:set|unset)$/.test(line.action),
  );
}
