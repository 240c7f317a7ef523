import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import { insertBehind, replaceWith } from '../edits.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost } from '../upstream-host.ts';
import { atServers, remove, requestHeader, setRequestHeader } from './corrections.ts';
import { effective, effectiveAll, valueOf, type NginxModel, type NginxScope } from './model.ts';

const identityHeaders = ['X-Forwarded-User', 'X-Auth-Request-User', 'X-Remote-User', 'Remote-User'];

/** What the upstream is told, and what of its answers arrives. */
export const nginxHeaderRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-forwarded-for-appended',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`X-Forwarded-For` keeps what the client wrote',
    check: atEndpoints((endpoint) => {
      const header = requestHeader(endpoint, 'X-Forwarded-For');
      if (
        header === undefined ||
        !/proxy_add_x_forwarded_for|http_x_forwarded_for/.test(header.args[1]?.text ?? '')
      ) {
        return undefined;
      }
      if (effective(endpoint.scope, 'set_real_ip_from') !== undefined) return undefined;
      return {
        at: header.args[1] ?? header,
        message: '`X-Forwarded-For` begins with whatever the client claims',
        ...setRequestHeader(endpoint, 'X-Forwarded-For', '$remote_addr'),
      };
    }),
  },
  {
    id: 'nginx-forwarded-for-missing',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`X-Forwarded-For` of clients passes',
    check: atEndpoints((endpoint) =>
      requestHeader(endpoint, 'X-Forwarded-For') === undefined
        ? {
            at: endpoint.pass,
            message: '`X-Forwarded-For` is not set, so that of the client reaches the upstream',
            ...setRequestHeader(endpoint, 'X-Forwarded-For', '$remote_addr'),
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-forwarded-proto-missing',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: 'the upstream does not know of HTTPS',
    breaks: 'redirects and OAuth metadata of the upstream name `http://`, and clients send their token there',
    check: atEndpoints((endpoint) =>
      requestHeader(endpoint, 'X-Forwarded-Proto') === undefined
        ? {
            at: endpoint.pass,
            message: '`X-Forwarded-Proto` is not set',
            ...setRequestHeader(endpoint, 'X-Forwarded-Proto', '$scheme'),
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-forwarded-passed',
    severity: 'info',
    requirement: 'forwarded-headers',
    title: '`Forwarded` of clients passes',
    check: atEndpoints((endpoint) =>
      requestHeader(endpoint, 'Forwarded') === undefined
        ? {
            at: endpoint.pass,
            message: '`Forwarded` is not set, so that of the client reaches the upstream',
            ...setRequestHeader(endpoint, 'Forwarded', '""'),
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-identity-headers',
    severity: 'info',
    requirement: 'identity-headers',
    title: 'headers that name a user pass',
    check: atEndpoints((endpoint) => {
      const passed = identityHeaders.find((name) => requestHeader(endpoint, name) === undefined);
      if (passed === undefined) return undefined;
      // Who writes one of them itself has thought about who names users.
      const isWritten = identityHeaders.some((name) => requestHeader(endpoint, name) !== undefined);
      if (isWritten) return undefined;
      return {
        at: endpoint.pass,
        message: `\`${passed}\` of the client reaches the upstream`,
        ...setRequestHeader(endpoint, passed, '""'),
      };
    }),
  },
  {
    id: 'nginx-host-missing',
    severity: 'error',
    requirement: 'host-header',
    title: 'the upstream is sent the name of the `upstream` block as Host',
    check: atEndpoints((endpoint) => {
      const { pass, target } = endpoint;
      const header = requestHeader(endpoint, 'Host');
      const value = header?.args[1]?.text ?? '$proxy_host';
      if (value !== '$proxy_host' || isLocalHost(target.host) || target.scheme === 'https') return undefined;
      return {
        at: header ?? pass,
        message: `\`Host\` is \`${target.host}\`: the upstream gets a name that it does not know`,
        ...setRequestHeader(endpoint, 'Host', '$host'),
      };
    }),
  },
  {
    id: 'nginx-set-header-dropped',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: '`proxy_set_header` in a location drops those around it',
    breaks: 'the headers that are set further out do not reach the upstream: those of the client do',
    check: atEndpoints((endpoint) => {
      const dropped = droppedBy(endpoint.scope, 'proxy_set_header');
      const own = endpoint.scope.directives.findLast(({ name }) => name === 'proxy_set_header');
      if (dropped.length === 0 || own === undefined) return undefined;
      return {
        at: own,
        message: `${namesOf(dropped)} of the outer level ${dropped.length === 1 ? 'is' : 'are'} not sent`,
        ...insertBehind(own, dropped.map(toLine)),
      };
    }),
  },
  {
    id: 'nginx-add-header-dropped',
    severity: 'warning',
    requirement: 'hsts',
    title: '`add_header` in a location drops those around it',
    breaks: 'answers of the endpoint lack the security and CORS headers that are set further out',
    check: atEndpoints((endpoint) => {
      const dropped = droppedBy(endpoint.scope, 'add_header');
      const own = endpoint.scope.directives.findLast(({ name }) => name === 'add_header');
      if (dropped.length === 0 || own === undefined) return undefined;
      return {
        at: own,
        message: `${namesOf(dropped)} of the outer level ${dropped.length === 1 ? 'is' : 'are'} not sent`,
        ...insertBehind(own, dropped.map(toLine)),
      };
    }),
  },
  {
    id: 'nginx-header-withheld',
    severity: 'error',
    requirement: 'header-names',
    title: 'a header that MCP needs is taken away',
    breaks: 'sessions and logins fail: every later call is answered with 400 or 401',
    check: atEndpoints((endpoint) => {
      const needed = /^(?:mcp-session-id|mcp-protocol-version|www-authenticate|last-event-id|accept)$/i;
      const hidden = effectiveAll(endpoint.scope, 'proxy_hide_header').find((header) =>
        needed.test(firstArg(header)),
      );
      const emptied = effectiveAll(endpoint.scope, 'proxy_set_header').find(
        (header) => needed.test(firstArg(header)) && header.args[1]?.text === '',
      );
      const all = ['proxy_pass_request_headers', 'proxy_pass_request_body'].find(
        (name) => valueOf(endpoint.scope, name, 'on') === 'off',
      );
      const directive = hidden ?? emptied ?? (all === undefined ? undefined : effective(endpoint.scope, all));
      if (directive === undefined) return undefined;
      return {
        at: directive,
        message:
          all === undefined ? `\`${firstArg(directive)}\` does not pass` : `\`${directive.name}\` is off`,
        ...remove(directive),
      };
    }),
  },
  {
    id: 'nginx-underscores-in-headers',
    severity: 'warning',
    requirement: 'identity-headers',
    title: 'headers with underscores, or invalid ones, pass',
    breaks:
      '`X_Forwarded_User` is the same as `X-Forwarded-User` for many Python and CGI servers, and is not deleted',
    check: atServers((server) => {
      const underscores = effective(server, 'underscores_in_headers');
      const invalid = effective(server, 'ignore_invalid_headers');
      if (underscores !== undefined && firstArg(underscores) === 'on') {
        return {
          at: underscores,
          message: 'headers with underscores reach the upstream',
          ...replaceWith(underscores, ['underscores_in_headers off;']),
        };
      }
      if (invalid === undefined || firstArg(invalid) !== 'off') return undefined;
      return {
        at: invalid,
        message: 'headers with invalid names reach the upstream',
        ...replaceWith(invalid, ['ignore_invalid_headers on;']),
      };
    }),
  },
  {
    id: 'nginx-errors-intercepted',
    severity: 'error',
    requirement: 'own-errors',
    title: 'error answers of the upstream are replaced',
    check: atEndpoints((endpoint) => {
      const directive = effective(endpoint.scope, 'proxy_intercept_errors');
      if (directive === undefined || firstArg(directive) !== 'on') return undefined;
      if (effective(endpoint.scope, 'error_page') === undefined) return undefined;
      const isOwn = endpoint.scope.directives.includes(directive);
      const line = 'proxy_intercept_errors off;';
      return {
        at: directive,
        message: '`proxy_intercept_errors` puts pages in place of the answers of the MCP server',
        ...(isOwn ? replaceWith(directive, [line]) : insertBehind(endpoint.pass, [line])),
      };
    }),
  },
  {
    id: 'nginx-error-page-status',
    severity: 'warning',
    requirement: 'own-errors',
    title: 'an error becomes a success',
    breaks:
      'an outage looks like an answer with a page in it: clients fail on its content, and monitors stay green',
    check: atEndpoints(({ scope }) => {
      const page = effectiveAll(scope, 'error_page').find(({ args }) =>
        args.some(({ text }) => /^=2\d\d$/.test(text)),
      );
      if (page === undefined) return undefined;
      const kept = argTexts(page).filter((word) => !word.startsWith('='));
      return {
        at: page,
        message: `\`error_page\` answers with ${page.args.find(({ text }) => text.startsWith('='))?.text.slice(1) ?? '200'} in place of an error`,
        ...replaceWith(page, [`error_page ${kept.join(' ')};`]),
      };
    }),
  },
  {
    id: 'nginx-retry-non-idempotent',
    severity: 'error',
    requirement: 'no-retries',
    title: 'calls are sent again',
    check: atEndpoints(({ scope }) => {
      const directive = effective(scope, 'proxy_next_upstream');
      if (directive === undefined || !argTexts(directive).includes('non_idempotent')) return undefined;
      const kept = argTexts(directive).filter((word) => word !== 'non_idempotent');
      return {
        at: directive.args.find(({ text }) => text === 'non_idempotent') ?? directive,
        message: 'a POST that broke off goes to the next server a second time',
        ...replaceWith(directive, [`proxy_next_upstream ${kept.length === 0 ? 'off' : kept.join(' ')};`]),
      };
    }),
  },
  {
    id: 'nginx-affinity-missing',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'several servers without affinity',
    check: atEndpoints(({ upstream, replicas }) => {
      const ways = new Set(['ip_hash', 'hash', 'sticky', 'sticky_cookie_insert']);
      if (upstream === undefined || replicas < 2 || upstream.block?.some(({ name }) => ways.has(name)))
        return undefined;
      return {
        at: headOf(upstream),
        message: `the calls of one session go to ${replicas} servers in turn`,
        label: 'only one of them knows the session',
        ...insertBefore(upstream, 'hash $remote_addr consistent;'),
      };
    }),
  },
  {
    id: 'nginx-affinity-by-address',
    severity: 'info',
    requirement: 'session-affinity',
    title: 'affinity by the address of the client',
    breaks: 'everyone behind one proxy or company is one client, and who changes networks loses its session',
    check: atEndpoints(({ upstream, replicas }) => {
      const way = upstream?.block?.find(
        ({ name, args }) =>
          name === 'ip_hash' || (name === 'hash' && /remote_addr/.test(args[0]?.text ?? '')),
      );
      if (way === undefined || replicas < 2) return undefined;
      return {
        at: way,
        message: `\`${way.name}\` sends sessions by address; nginx cannot learn the session id of an answer`,
        lines: ['breakwater render haproxy'],
      };
    }),
  },
];

/** Directives of the nearest outer level that an inner one puts out of effect without naming their headers again. */
function droppedBy(scope: NginxScope, name: string): readonly Directive[] {
  const own = scope.directives.filter((directive) => directive.name === name);
  if (own.length === 0) return [];
  const names = new Set(own.map((directive) => firstArg(directive).toLowerCase()));
  return effectiveAll(scope.parent, name).filter(
    (directive) => !names.has(firstArg(directive).toLowerCase()),
  );
}

function namesOf(directives: readonly Directive[]): string {
  const shown = directives.slice(0, 3).map((directive) => `\`${firstArg(directive)}\``);
  return directives.length > 3
    ? `${shown.join(', ')} and ${directives.length - 3} more`
    : shown.join(' and ');
}

function toLine(directive: Directive): string {
  return directive.source.text.slice(directive.start, directive.end);
}

function insertBefore(block: Directive, line: string): ReturnType<typeof insertBehind> {
  const at = block.open ?? block.end;
  return { lines: [line], edits: [{ source: block.source, start: at, end: at, text: `\n    ${line}` }] };
}
