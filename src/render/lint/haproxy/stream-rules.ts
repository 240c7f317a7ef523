import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { findWord, mentions } from './corrections.ts';
import { bothSides, lineOf, linesOf, toMilliseconds, type HaproxyModel } from './model.ts';

const fiveMinutes = 300_000;

/** Answers that stream, and connections that stay. */
export const haproxyStreamRules: readonly LintRule<HaproxyModel>[] = [
  {
    id: 'haproxy-client-timeout-short',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a short `timeout client`',
    check: atEndpoints(({ frontend }, { effective }) =>
      shortTimeout(effective(frontend, 'timeout client').at(-1)),
    ),
  },
  {
    id: 'haproxy-server-timeout-short',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a short `timeout server`',
    check: atEndpoints(({ backend }, { effective }) =>
      shortTimeout(effective(backend, 'timeout server').at(-1)),
    ),
  },
  {
    id: 'haproxy-connections-closed',
    severity: 'warning',
    requirement: 'client-keep-alive',
    title: 'each answer ends its connection',
    check: atEndpoints(({ frontend, backend }, { effective }) => {
      const line = [frontend, backend].flatMap((side) =>
        ['option httpclose', 'option forceclose'].flatMap((words) => effective(side, words)),
      )[0];
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`${lineOf(line)}\` ends the connections of both sides`,
            lines: ['option http-keep-alive'],
          };
    }),
  },
  {
    id: 'haproxy-server-connections-closed',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: 'connections to servers are not kept',
    check: atEndpoints(({ backend, frontend }, { effective }) => {
      const closing = [backend, frontend].flatMap((side) => effective(side, 'option http-server-close'));
      const line = closing[0] ?? effective(backend, 'http-reuse never')[0];
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`${lineOf(line)}\`: each call opens a connection`,
            lines: ['option http-keep-alive', 'http-reuse safe'],
          };
    }),
  },
  {
    id: 'haproxy-affinity-missing',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'several servers without affinity',
    check: atEndpoints(({ backend, servers }, { effective }) => {
      const count = activeServers(servers).length;
      const balance = effective(backend, 'balance').at(-1);
      const isHashed = /^(?:source|hdr|url_param|hash)/.test(firstArg(balance));
      if (count < 2 || isHashed || ['stick', 'cookie'].some((words) => effective(backend, words).length > 0))
        return undefined;
      return {
        at: balance ?? headOf(backend),
        message: `the calls of one session go to ${count} servers in turn`,
        label: 'only one of them knows the session',
        lines: [
          'stick-table type string len 128 size 100k expire 1d',
          'stick store-response res.hdr(mcp-session-id)',
          'stick match req.hdr(mcp-session-id)',
        ],
      };
    }),
  },
  {
    id: 'haproxy-affinity-by-cookie',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'affinity by a cookie',
    breaks: 'MCP clients keep no cookies: later calls of a session go to other servers, which answer 404',
    check: atEndpoints(({ backend, servers }, { effective }) => {
      const cookie = effective(backend, 'cookie').at(-1);
      if (cookie === undefined || activeServers(servers).length < 2 || effective(backend, 'stick').length > 0)
        return undefined;
      return {
        at: cookie,
        message: `\`${lineOf(cookie)}\` does not hold a session together`,
        lines: ['stick store-response res.hdr(mcp-session-id)', 'stick match req.hdr(mcp-session-id)'],
      };
    }),
  },
  {
    id: 'haproxy-affinity-by-address',
    severity: 'info',
    requirement: 'session-affinity',
    title: 'affinity by the address of the client',
    breaks: 'everyone behind one proxy or company is one client, and who changes networks loses its session',
    check: atEndpoints(({ backend, servers }, { effective }) => {
      const line = [...effective(backend, 'balance source'), ...effective(backend, 'stick on src')][0];
      if (
        line === undefined ||
        activeServers(servers).length < 2 ||
        effective(backend, 'stick store-response').length > 0
      )
        return undefined;
      return {
        at: line,
        message: `\`${lineOf(line)}\` sends sessions by address`,
        lines: ['stick store-response res.hdr(mcp-session-id)', 'stick match req.hdr(mcp-session-id)'],
      };
    }),
  },
  {
    id: 'haproxy-compression',
    severity: 'error',
    requirement: 'no-compression',
    title: 'event streams are compressed',
    check: atEndpoints(({ frontend, backend }, { effective }) => {
      const sides = [backend, frontend];
      const algorithm = sides.flatMap((side) =>
        ['compression algo', 'compression algo-res'].flatMap((words) => effective(side, words)),
      )[0];
      if (algorithm === undefined) return undefined;
      const types = sides.flatMap((side) =>
        ['compression type', 'compression type-res'].flatMap((words) => effective(side, words)),
      );
      const listed = types.flatMap((line) => argTexts(line).slice(1));
      if (listed.length > 0 && !listed.some((type) => type === 'text/event-stream' || type === 'text/'))
        return undefined;
      return {
        at: types[0] ?? algorithm,
        message:
          listed.length === 0
            ? '`compression algo` without `compression type` covers every answer'
            : '`compression type` covers event streams',
        lines: ['compression type text/html text/css application/javascript'],
      };
    }),
  },
  {
    id: 'haproxy-cache',
    severity: 'error',
    requirement: 'no-cache',
    title: 'answers are cached',
    check: atEndpoints((endpoint) => {
      const line = bothSides(endpoint).find(
        (found) =>
          /^http-(?:request|response)$/.test(found.name) &&
          /^cache-(?:use|store)$/.test(firstArg(found)) &&
          !argTexts(found).includes('if') &&
          !argTexts(found).includes('unless'),
      );
      return line === undefined
        ? undefined
        : {
            at: line,
            message: `\`${lineOf(line)}\` keeps answers for others`,
            lines: [`${line.name} ${argTexts(line).join(' ')} unless { path /mcp /mcp/ }`],
          };
    }),
  },
  {
    id: 'haproxy-calls-retried',
    severity: 'error',
    requirement: 'no-retries',
    title: 'calls are sent again',
    check: atEndpoints((endpoint, { effective }) => {
      const retry = effective(endpoint.backend, 'retry-on').at(-1);
      const again = argTexts(retry ?? endpoint.backend).find(
        (word) => !/^(?:none|conn-failure|empty-response|0rtt-rejected)$/.test(word),
      );
      if (retry === undefined || again === undefined) return undefined;
      if (bothSides(endpoint).some((line) => firstArg(line) === 'disable-l7-retry')) return undefined;
      return {
        at: retry,
        message: `\`retry-on ${again}\` sends a POST a second time after it has reached a server`,
        lines: ['retry-on conn-failure'],
      };
    }),
  },
  {
    id: 'haproxy-no-socket-keepalive',
    severity: 'warning',
    requirement: 'socket-keep-alive',
    title: 'no `option srvtcpka`',
    check: atEndpoints(({ backend }, { effective }) =>
      ['option srvtcpka', 'option tcpka'].some((words) => effective(backend, words).length > 0)
        ? undefined
        : {
            at: headOf(backend),
            message: 'quiet connections to servers are not probed',
            lines: ['option srvtcpka', 'option clitcpka'],
          },
    ),
  },
  {
    id: 'haproxy-server-maxconn-low',
    severity: 'warning',
    requirement: 'long-streams',
    title: 'few connections to a server',
    breaks:
      'each open stream takes one of them for as long as it lives; further calls wait in the queue and end with 503',
    check: atEndpoints(({ servers }) => {
      const server = servers.find((line) => numberBehind(line, 'maxconn') < 50);
      return server === undefined
        ? undefined
        : {
            at: findWord([server], 'maxconn') ?? server,
            message: `\`${argTexts(server)[0] ?? ''}\` takes ${numberBehind(server, 'maxconn')} connections, streams included`,
            lines: [`server ${argTexts(server).slice(0, 2).join(' ')} maxconn 1000`],
          };
    }),
  },
  {
    id: 'haproxy-no-request-timeout',
    severity: 'warning',
    requirement: 'slow-clients',
    title: 'no `timeout http-request`',
    check: atEndpoints(({ frontend }, { effective }) => {
      const line = effective(frontend, 'timeout http-request').at(-1);
      const time = line === undefined ? Infinity : (toMilliseconds(line.args[1]?.text ?? '') ?? 0);
      if (time <= 120_000) return undefined;
      return {
        at: line ?? headOf(frontend),
        message: 'clients may take as long as `timeout client` to send the head of a request',
        lines: ['timeout http-request 10s'],
      };
    }),
  },
  {
    id: 'haproxy-no-http2',
    severity: 'info',
    requirement: 'http2',
    title: 'HTTP/2 is not offered',
    check: atEndpoints(({ frontend }, { global }) => {
      const bind = linesOf(frontend, 'bind').find((line) => argTexts(line).includes('ssl'));
      const words = bind === undefined ? [] : argTexts(bind);
      if (bind === undefined || words.some((word) => /^alpn$/.test(word)) || mentions(global, /^alpn$/))
        return undefined;
      return {
        at: bind,
        message: '`bind` names no `alpn`, and releases before 2.8 then speak HTTP/1.1 alone',
        lines: [`${lineOf(bind)} alpn h2,http/1.1`],
      };
    }),
  },
  {
    id: 'haproxy-old-workers-linger',
    severity: 'info',
    requirement: 'short-reload',
    title: 'no `hard-stop-after`',
    check: ({ global, endpoints, anchor }) =>
      endpoints.length === 0 || global.some(({ name }) => name === 'hard-stop-after')
        ? []
        : [
            {
              at: anchor,
              message: 'old processes stay as long as their streams after a reload',
              lines: ['hard-stop-after 10m'],
            },
          ],
  },
];

function shortTimeout(
  line: Directive | undefined,
): ReturnType<LintRule<HaproxyModel>['check']>[number] | undefined {
  const value = line?.args[1]?.text ?? '';
  const time = toMilliseconds(value);
  if (line === undefined || time === undefined || time >= fiveMinutes) return undefined;
  return {
    at: line,
    message: `a side that says nothing is cut off after \`${value}\``,
    lines: [`timeout ${firstArg(line)} 1d`],
  };
}

function activeServers(servers: readonly Directive[]): readonly Directive[] {
  return servers.filter((server) => !mentions([server], /^(?:backup|disabled)$/));
}

function numberBehind(line: Directive, word: string): number {
  const words = argTexts(line);
  const at = words.indexOf(word);
  return at === -1 ? Infinity : Number(words[at + 1] ?? Infinity);
}
