import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import type { Hit, LintRule } from '../finding.ts';
import { hostOrPass, passWith } from './corrections.ts';
import { type ApacheEndpoint, type ApacheModel, allOf, effective, lineOf } from './model.ts';

const fiveMinutes = 300;

/** Answers that stream, and connections that stay. */
export const apacheStreamRules: readonly LintRule<ApacheModel>[] = [
  {
    id: 'apache-timeout-short',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a short time-out towards the upstream',
    check: atEndpoints((endpoint) => {
      const own = endpoint.parameters.get('timeout');
      const directive = effective(endpoint, 'proxytimeout') ?? effective(endpoint, 'timeout');
      const seconds =
        own !== undefined ? Number(own) : directive === undefined ? 60 : Number(firstArg(directive));
      if (!(seconds < fiveMinutes)) return undefined;
      const said =
        own !== undefined
          ? `\`timeout=${own}\``
          : directive === undefined
            ? 'the default of 60 s'
            : `\`${lineOf(directive)}\``;
      return {
        at: own !== undefined || directive === undefined ? headOf(endpoint.pass) : directive,
        message: `an upstream that says nothing is cut off: ${said}`,
        lines: [passWith(endpoint, 'timeout=86400')],
      };
    }),
  },
  {
    id: 'apache-compression',
    severity: 'error',
    requirement: 'no-compression',
    title: 'event streams are compressed',
    check: atEndpoints((endpoint) => {
      const line = [...allOf(endpoint, 'setoutputfilter'), ...allOf(endpoint, 'addoutputfilterbytype')].find(
        (found) => {
          const words = argTexts(found);
          if (!/DEFLATE|BROTLI/i.test(words[0] ?? '')) return false;
          return (
            found.name === 'setoutputfilter' ||
            words.slice(1).some((word) => /^text\/event-stream$|^text\/\*$/i.test(word))
          );
        },
      );
      const isOff = [...allOf(endpoint, 'setenv'), ...allOf(endpoint, 'setenvif')].some((found) =>
        argTexts(found).some((word) => /^no-(?:gzip|brotli)/i.test(word)),
      );
      return line === undefined || isOff
        ? undefined
        : {
            at: headOf(line),
            message: `\`${lineOf(line)}\` covers event streams`,
            lines: ['SetEnvIf Request_URI ^/mcp no-gzip=1 no-brotli=1'],
          };
    }),
  },
  {
    id: 'apache-flushpackets-missing',
    severity: 'info',
    requirement: 'unbuffered',
    title: 'no `flushpackets=on`',
    check: atEndpoints((endpoint) =>
      endpoint.parameters.get('flushpackets') === 'on'
        ? undefined
        : {
            at: headOf(endpoint.pass),
            message: 'small pieces of an answer are collected where more of it is on the way',
            lines: [passWith(endpoint, 'flushpackets=on')],
          },
    ),
  },
  {
    id: 'apache-cache',
    severity: 'error',
    requirement: 'no-cache',
    title: 'answers are cached',
    check: atEndpoints((endpoint) => {
      const line = allOf(endpoint, 'cacheenable').find(({ args }) => {
        const path = args[1]?.text ?? '/';
        return endpoint.path.startsWith(path) || path === '/';
      });
      const isOff = allOf(endpoint, 'cachedisable').length > 0;
      return line === undefined || isOff
        ? undefined
        : {
            at: headOf(line),
            message: `\`${lineOf(line)}\` keeps answers for others`,
            lines: [`CacheDisable ${endpoint.path}`],
          };
    }),
  },
  {
    id: 'apache-upstream-keepalive-off',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: 'connections to the upstream are not kept',
    check: atEndpoints((endpoint) => {
      const env = environment(endpoint, /^(?:proxy-nokeepalive|force-proxy-request-1\.0)/i);
      if (env !== undefined)
        return {
          at: headOf(env),
          message: `\`${lineOf(env)}\`: each call opens a connection`,
          lines: [],
        };
      if (
        endpoint.parameters.get('disablereuse') !== 'on' &&
        endpoint.parameters.get('enablereuse') !== 'off'
      )
        return undefined;
      return {
        at: headOf(endpoint.pass),
        message: '`disablereuse=on`: each call opens a connection',
        lines: [passWith(endpoint, 'disablereuse=off')],
      };
    }),
  },
  {
    id: 'apache-request-spooled',
    severity: 'warning',
    requirement: 'unbuffered',
    title: '`proxy-sendcl` collects requests on disk',
    breaks: 'each body is written to a file before it is passed on: calls with large arguments wait',
    check: atEndpoints((endpoint) => {
      const env = environment(endpoint, /^proxy-sendcl/i);
      return env === undefined
        ? undefined
        : {
            at: headOf(env),
            message: `\`${lineOf(env)}\` collects bodies before they are passed on`,
            lines: ['SetEnv proxy-sendchunked 1'],
          };
    }),
  },
  {
    id: 'apache-no-socket-keepalive',
    severity: 'warning',
    requirement: 'socket-keep-alive',
    title: 'no `keepalive=On` on `ProxyPass`',
    check: atEndpoints((endpoint) =>
      endpoint.parameters.get('keepalive') === 'on'
        ? undefined
        : {
            at: headOf(endpoint.pass),
            message: 'quiet connections to the upstream are not probed',
            lines: [passWith(endpoint, 'keepalive=On')],
          },
    ),
  },
  {
    id: 'apache-upstream-pause',
    severity: 'warning',
    requirement: 'own-errors',
    title: 'one failure takes the upstream away for a minute',
    breaks:
      'after one refused connection, such as during a restart of the server, every call is answered with 503 for 60 s',
    check: atEndpoints((endpoint) => {
      if (endpoint.members.length > 1 || endpoint.parameters.has('retry')) return undefined;
      return {
        at: headOf(endpoint.pass),
        message: '`retry` is its default of 60 s',
        lines: [passWith(endpoint, 'retry=0')],
      };
    }),
  },
  {
    id: 'apache-affinity-missing',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'several members without affinity',
    check: atEndpoints((endpoint) => {
      const sticky = [...endpoint.parameters.keys(), ...settingsOf(endpoint)].some((word) =>
        /^stickysession/i.test(word),
      );
      if (endpoint.members.length < 2 || sticky) return undefined;
      return {
        at: headOf(endpoint.pass),
        message: `the calls of one session go to ${endpoint.members.length} members in turn`,
        label: 'only one of them knows the session',
        lines: ['breakwater render haproxy'],
      };
    }),
  },
  {
    id: 'apache-affinity-by-cookie',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'affinity by a cookie',
    breaks: 'MCP clients keep no cookies: later calls of a session go to other members, which answer 404',
    check: atEndpoints((endpoint) => {
      const isSticky = [...endpoint.parameters.keys(), ...settingsOf(endpoint)].some((word) =>
        /^stickysession/i.test(word),
      );
      if (endpoint.members.length < 2 || !isSticky) return undefined;
      return {
        at: headOf(endpoint.pass),
        message: '`stickysession` reads a cookie or the address, not `Mcp-Session-Id`',
        lines: ['breakwater render haproxy'],
      };
    }),
  },
  {
    id: 'apache-client-keepalive-off',
    severity: 'warning',
    requirement: 'client-keep-alive',
    title: '`KeepAlive Off`',
    breaks: 'each call pays a new TLS handshake',
    check: atEndpoints((endpoint): Hit | undefined => {
      const line = effective(endpoint, 'keepalive');
      return line === undefined || !/^off$/i.test(firstArg(line))
        ? undefined
        : { at: line, message: 'connections of clients end after one request', lines: ['KeepAlive On'] };
    }),
  },
  {
    id: 'apache-no-http2',
    severity: 'info',
    requirement: 'http2',
    title: 'HTTP/2 is not offered',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'protocols');
      if (line !== undefined && argTexts(line).includes('h2')) return undefined;
      return {
        at: line ?? hostOrPass(endpoint),
        message: 'this host speaks HTTP/1.1 alone',
        lines: ['Protocols h2 http/1.1'],
      };
    }),
  },
  {
    id: 'apache-slow-clients',
    severity: 'warning',
    requirement: 'slow-clients',
    title: 'clients may take as long as they like',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'requestreadtimeout');
      const isOff = line !== undefined && argTexts(line).some((word) => /^header=0/i.test(word));
      return isOff
        ? {
            at: line,
            message: `\`${lineOf(line)}\` lets a client hold a connection without sending anything`,
            lines: ['RequestReadTimeout header=10-20,MinRate=500 body=30,MinRate=500'],
          }
        : undefined;
    }),
  },
];

function environment(endpoint: ApacheEndpoint, pattern: RegExp): Directive | undefined {
  const names = ['setenv', 'setenvif', 'browsermatch', 'setenvifnocase'];
  return names
    .flatMap((name) => allOf(endpoint, name))
    .find(
      (line) =>
        argTexts(line).some((word) => pattern.test(word)) &&
        !argTexts(line).some((word) => /MSIE|Mozilla|Java|RealPlayer/.test(word)),
    );
}

function settingsOf(endpoint: ApacheEndpoint): string[] {
  return allOf(endpoint, 'proxyset').flatMap(argTexts);
}
