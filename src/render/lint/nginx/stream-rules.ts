import { atEndpoints } from '../at-endpoints.ts';
import { type Directive, argTexts, firstArg, headOf } from '../directive.ts';
import { insertBehind, insertInto, replaceWith } from '../edits.ts';
import type { LintRule } from '../finding.ts';
import { requestHeader, setAt, setRequestHeader, toMilliseconds } from './corrections.ts';
import { type NginxEndpoint, type NginxModel, effective, effectiveAll, valueOf } from './model.ts';

const fiveMinutes = 300_000;

/** Answers that stream, and connections that stay. */
export const nginxStreamRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-chunked-off',
    severity: 'warning',
    requirement: 'client-keep-alive',
    title: '`chunked_transfer_encoding off`',
    check: atEndpoints(({ scope, pass }) => {
      const directive = effective(scope, 'chunked_transfer_encoding');
      if (directive === undefined || firstArg(directive) !== 'off') return undefined;
      const isOwn = scope.directives.includes(directive);
      const line = 'chunked_transfer_encoding on;';
      return {
        at: directive,
        message: 'streamed answers have no length and no chunks, so each ends its connection',
        ...(isOwn ? replaceWith(directive, [line]) : insertBehind(pass, [line])),
      };
    }),
  },
  {
    id: 'nginx-buffering-on',
    severity: 'error',
    requirement: 'unbuffered',
    title: 'answers are buffered',
    check: atEndpoints((endpoint) => {
      if (valueOf(endpoint.scope, 'proxy_buffering', 'on') === 'off') return undefined;
      const isSaid = effective(endpoint.scope, 'proxy_buffering') !== undefined;
      return {
        message: `\`proxy_buffering\` is on${isSaid ? '' : ', which is its default'}`,
        ...setAt(endpoint, 'proxy_buffering off;'),
      };
    }),
  },
  {
    id: 'nginx-request-buffering-off',
    severity: 'info',
    requirement: 'slow-clients',
    title: '`proxy_request_buffering off`',
    breaks: 'a slow client holds a connection to the upstream while its call trickles in',
    check: atEndpoints((endpoint) =>
      valueOf(endpoint.scope, 'proxy_request_buffering', 'on') === 'off'
        ? {
            message: 'bodies of requests are passed on before they are whole',
            ...setAt(endpoint, 'proxy_request_buffering on;'),
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-gzip-event-stream',
    severity: 'error',
    requirement: 'no-compression',
    title: 'event streams are compressed',
    check: atEndpoints((endpoint) => {
      const types = effective(endpoint.scope, 'gzip_types');
      const isWide =
        types !== undefined &&
        argTexts(types).some((type) => /^(?:\*|text\/event-stream|text\/\*)$/i.test(type));
      if (!isWide || valueOf(endpoint.scope, 'gzip', 'off') !== 'on') return undefined;
      return {
        message: `\`gzip_types\` includes \`${argTexts(types).find((type) => /event-stream|\*/i.test(type)) ?? '*'}\``,
        at: types,
        ...insertBehind(endpoint.pass, ['gzip off;']),
      };
    }),
  },
  {
    id: 'nginx-cache',
    severity: 'error',
    requirement: 'no-cache',
    title: 'answers are cached',
    check: atEndpoints((endpoint) => {
      if (valueOf(endpoint.scope, 'proxy_cache', 'off') === 'off') return undefined;
      return {
        message: `answers go into the cache \`${firstArg(effective(endpoint.scope, 'proxy_cache'))}\``,
        ...setAt(endpoint, 'proxy_cache off;'),
      };
    }),
  },
  {
    id: 'nginx-read-timeout-short',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a short `proxy_read_timeout`',
    check: atEndpoints((endpoint) => {
      const directive = effective(endpoint.scope, 'proxy_read_timeout');
      const silence = directive === undefined ? 60_000 : toMilliseconds(argTexts(directive).join(' '));
      if (silence === undefined || silence >= fiveMinutes) return undefined;
      const value = directive === undefined ? 'its default of 60 s' : `\`${firstArg(directive)}\``;
      return {
        message: `an upstream that says nothing is cut off: \`proxy_read_timeout\` is ${value}`,
        ...setAt(endpoint, 'proxy_read_timeout 1d;'),
      };
    }),
  },
  {
    id: 'nginx-send-timeout-short',
    severity: 'warning',
    requirement: 'long-streams',
    title: 'a short `send_timeout` or `proxy_send_timeout`',
    breaks: 'a client on a slow line, or an upstream that is busy, loses its stream in the middle',
    check: atEndpoints((endpoint) => {
      const short = ['send_timeout', 'proxy_send_timeout'].find((name) => {
        const directive = effective(endpoint.scope, name);
        const time = directive === undefined ? undefined : toMilliseconds(argTexts(directive).join(' '));
        return time !== undefined && time < 30_000;
      });
      if (short === undefined) return undefined;
      return {
        message: `\`${short}\` is \`${firstArg(effective(endpoint.scope, short))}\``,
        ...setAt(endpoint, `${short} 60s;`),
      };
    }),
  },
  {
    id: 'nginx-no-socket-keepalive',
    severity: 'warning',
    requirement: 'socket-keep-alive',
    title: 'no `proxy_socket_keepalive`',
    breaks:
      'nothing is sent on a quiet stream: firewalls forget it, and clients give up after 300 s, load balancers after 60 s, Cloudflare after 100 s',
    check: atEndpoints((endpoint) => {
      if (valueOf(endpoint.scope, 'proxy_socket_keepalive', 'off') === 'on') return undefined;
      return {
        message: 'quiet connections to the upstream are not probed, and nothing sends heartbeats',
        ...setAt(endpoint, 'proxy_socket_keepalive on;'),
      };
    }),
  },
  {
    id: 'nginx-upstream-http10',
    severity: 'error',
    requirement: 'upstream-keep-alive',
    title: 'the upstream is spoken to in HTTP/1.0',
    check: atEndpoints((endpoint) => {
      const version = valueOf(endpoint.scope, 'proxy_http_version', '1.0');
      if (version !== '1.0') return undefined;
      const isSaid = effective(endpoint.scope, 'proxy_http_version') !== undefined;
      return {
        message: `\`proxy_http_version\` is 1.0${isSaid ? '' : ', which is its default'}: each call opens a connection`,
        ...setAt(endpoint, 'proxy_http_version 1.1;'),
      };
    }),
  },
  {
    id: 'nginx-connection-close',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: 'the upstream is told `Connection: close`',
    check: atEndpoints((endpoint) => {
      const header = requestHeader(endpoint, 'Connection');
      const value = header?.args[1]?.text;
      const fromMap = value === undefined ? undefined : mappedForNothing(endpoint, value);
      if (value !== undefined && value !== 'close' && fromMap?.args[0]?.text !== 'close') return undefined;
      return {
        at: header ?? endpoint.pass,
        message: `the upstream is told \`Connection: close\`${header === undefined ? ', which is the default' : ''}`,
        ...(fromMap === undefined ? {} : { label: 'by its `map`, where the client asks for no upgrade' }),
        ...setRequestHeader(endpoint, 'Connection', '""'),
      };
    }),
  },
  {
    id: 'nginx-connection-upgrade',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: '`Connection: upgrade` on every request',
    breaks:
      'every call asks for a protocol switch: connections are not kept, and some servers answer 400 or 426',
    check: atEndpoints((endpoint) => {
      const header = requestHeader(endpoint, 'Connection');
      if (header === undefined || !/^upgrade$/i.test(header.args[1]?.text ?? '')) return undefined;
      return {
        at: header,
        message: '`Connection: upgrade` is for WebSocket; Streamable HTTP and SSE do not use it',
        ...setRequestHeader(endpoint, 'Connection', '""'),
      };
    }),
  },
  {
    id: 'nginx-no-upstream-keepalive',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: 'no connections to the upstream are kept',
    check: atEndpoints(({ upstream, pass, target }) => {
      if (target.hasVariables) return undefined;
      if (upstream === undefined) {
        return {
          at: pass.args[0] ?? pass,
          message: 'connections are kept for `upstream` blocks alone',
          lines: ['upstream mcp_backend {', `    server ${target.host};`, '    keepalive 32;', '}'],
        };
      }
      const keepalive = upstream.block?.findLast(({ name }) => name === 'keepalive');
      if (keepalive !== undefined && firstArg(keepalive) !== '0') return undefined;
      return {
        at: headOf(upstream),
        message: `\`upstream ${target.host}\` keeps no connections`,
        ...(keepalive === undefined
          ? insertBehind(upstream.block?.at(-1) ?? upstream, ['keepalive 32;'])
          : replaceWith(keepalive, ['keepalive 32;'])),
      };
    }),
  },
  {
    id: 'nginx-keepalive-requests-low',
    severity: 'info',
    requirement: 'upstream-keep-alive',
    title: 'connections end after a few requests',
    check: atEndpoints(({ upstream, scope }) => {
      const inner = upstream?.block?.findLast(({ name }) => name === 'keepalive_requests');
      const directive = [inner, effective(scope, 'keepalive_requests')].find(
        (found) => found !== undefined && Number(firstArg(found)) < 100,
      );
      if (directive === undefined) return undefined;
      return {
        at: directive,
        message: `a connection ends after ${firstArg(directive)} requests`,
        ...replaceWith(directive, ['keepalive_requests 1000;']),
      };
    }),
  },
  {
    id: 'nginx-client-keepalive-off',
    severity: 'warning',
    requirement: 'client-keep-alive',
    title: '`keepalive_timeout 0`',
    breaks: 'each call pays a new TLS handshake',
    check: atEndpoints(({ scope, server }) => {
      const directive = effective(scope, 'keepalive_timeout');
      if (directive === undefined || toMilliseconds(firstArg(directive)) !== 0) return undefined;
      const isNear = server.directives.includes(directive) || scope.directives.includes(directive);
      const line = 'keepalive_timeout 75s;';
      return {
        at: directive,
        message: 'connections of clients end after one request',
        ...(isNear || server.directive === undefined
          ? replaceWith(directive, [line])
          : insertInto(server.directive, [line])),
      };
    }),
  },
];

/** What a `map` gives for an empty value, where a value is such a variable. */
function mappedForNothing({ server }: NginxEndpoint, value: string): Directive | undefined {
  const map = effectiveAll(server.parent, 'map').find(({ args }) => args[1]?.text === value);
  const isEmpty = ({ name }: Directive): boolean => name === '' || name === '~^$';
  return map?.block?.find(isEmpty) ?? map?.block?.find(({ name }) => name === 'default');
}
