import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import { looksLikeEndpoint } from '../endpoint-path.ts';
import type { LintRule } from '../finding.ts';
import {
  alongTheWay,
  isMatcher,
  lineOf,
  optionOf,
  toMilliseconds,
  transportOf,
  type CaddyEndpoint,
  type CaddyModel,
} from './model.ts';

const fiveMinutes = 300_000;

/** Answers that stream, and connections that stay. */
export const caddyStreamRules: readonly LintRule<CaddyModel>[] = [
  {
    id: 'caddy-compression',
    severity: 'warning',
    requirement: 'no-compression',
    title: '`encode` covers event streams',
    check: atEndpoints((endpoint) => {
      const encode = alongTheWay(endpoint, 'encode').find((directive) => coversEventStreams(directive));
      if (encode === undefined) return undefined;
      return {
        at: headOf(encode),
        message: '`encode` compresses `text/*` by default, and event streams are `text/event-stream`',
        lines: [
          '@pages not path /mcp /mcp/',
          `encode @pages ${argTexts(encode)
            .filter((word) => !isMatcher(word))
            .join(' ')}`.trimEnd(),
        ],
      };
    }),
  },
  {
    id: 'caddy-flush-interval',
    severity: 'warning',
    requirement: 'unbuffered',
    title: '`flush_interval` holds answers back',
    check: atEndpoints(({ proxy }) => {
      const option = optionOf(proxy.block, 'flush_interval');
      const time = toMilliseconds(firstArg(option));
      if (option === undefined || time === undefined || time <= 0) return undefined;
      return {
        at: option,
        message: `answers that are no event streams are passed on every \`${firstArg(option)}\``,
        lines: [],
      };
    }),
  },
  {
    id: 'caddy-response-buffered',
    severity: 'error',
    requirement: 'unbuffered',
    title: 'answers are buffered',
    check: atEndpoints(({ proxy }) => {
      const option = ['buffer_responses', 'response_buffers']
        .map((name) => optionOf(proxy.block, name))
        .find((found) => found !== undefined);
      return option === undefined
        ? undefined
        : {
            at: option,
            message: `\`${option.name}\` holds answers until a buffer is full`,
            lines: [],
          };
    }),
  },
  {
    id: 'caddy-read-timeout-short',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a short time-out towards the upstream',
    check: atEndpoints((endpoint) => {
      const option = transportOf(endpoint).find(
        ({ name, args }) =>
          (name === 'read_timeout' || name === 'response_header_timeout') &&
          isBelow(args[0]?.text, fiveMinutes),
      );
      return option === undefined
        ? undefined
        : {
            at: option,
            message: `\`${lineOf(option)}\` ends calls that take longer`,
            lines: [`${option.name} 24h`],
          };
    }),
  },
  {
    id: 'caddy-write-timeout',
    severity: 'error',
    requirement: 'long-streams',
    title: 'a time-out for whole answers',
    breaks: 'a stream ends when its time is up, however busy it is',
    check: ({ global, endpoints }) => {
      const servers = global?.block?.filter(({ name }) => name === 'servers') ?? [];
      const options = servers.flatMap(({ block }) => optionOf(block, 'timeouts')?.block ?? []);
      const write = options.find(({ name, args }) => name === 'write' && isBelow(args[0]?.text, 86_400_000));
      if (write === undefined || endpoints.length === 0) return [];
      return [{ at: write, message: `every answer ends after \`${firstArg(write)}\``, lines: ['write 0'] }];
    },
  },
  {
    id: 'caddy-slow-clients',
    severity: 'info',
    requirement: 'slow-clients',
    title: 'no time-out for request heads',
    check: ({ global, endpoints, anchor }) => {
      const servers = global?.block?.filter(({ name }) => name === 'servers') ?? [];
      const options = servers.flatMap(({ block }) => optionOf(block, 'timeouts')?.block ?? []);
      if (endpoints.length === 0 || options.some(({ name }) => name === 'read_header')) return [];
      return [
        {
          at: anchor,
          message: 'clients may take as long as they like to send the head of a request',
          lines: [
            '{',
            '    servers {',
            '        timeouts {',
            '            read_header 10s',
            '        }',
            '    }',
            '}',
          ],
        },
      ];
    },
  },
  {
    id: 'caddy-upstream-keepalive-off',
    severity: 'warning',
    requirement: 'upstream-keep-alive',
    title: 'connections to the upstream are not kept',
    check: atEndpoints((endpoint) => {
      const option = transportOf(endpoint).find(
        ({ name, args }) =>
          (name === 'keepalive' && /^(?:off|0)$/.test(args[0]?.text ?? '')) ||
          (name === 'versions' && args[0]?.text === '1.0'),
      );
      return option === undefined
        ? undefined
        : {
            at: option,
            message: `\`${lineOf(option)}\`: each call opens a connection`,
            lines: ['keepalive 90s'],
          };
    }),
  },
  {
    id: 'caddy-affinity-missing',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'several upstreams without affinity',
    check: atEndpoints(({ proxy, upstreams }) => {
      const policy = optionOf(proxy.block, 'lb_policy');
      const spread = [
        '',
        'random',
        'random_choose',
        'round_robin',
        'weighted_round_robin',
        'least_conn',
        'uri_hash',
        'query',
      ];
      if (upstreams.length < 2 || !spread.includes(firstArg(policy))) return undefined;
      return {
        at: policy ?? headOf(proxy),
        message: `the calls of one session go to ${upstreams.length} servers in turn`,
        label: 'only one of them knows the session',
        lines: ['lb_policy ip_hash'],
      };
    }),
  },
  {
    id: 'caddy-affinity-by-cookie',
    severity: 'warning',
    requirement: 'session-affinity',
    title: 'affinity by a cookie, or by the session id',
    breaks:
      'MCP clients keep no cookies, and the session id is made by the upstream after the first call: later calls go elsewhere',
    check: atEndpoints(({ proxy, upstreams }) => {
      const policy = optionOf(proxy.block, 'lb_policy');
      const isSession = firstArg(policy) === 'header' && /mcp-session-id/i.test(policy?.args[1]?.text ?? '');
      if (policy === undefined || upstreams.length < 2 || (firstArg(policy) !== 'cookie' && !isSession))
        return undefined;
      return {
        at: policy,
        message: `\`${lineOf(policy)}\` does not hold a session together`,
        lines: ['lb_policy ip_hash'],
      };
    }),
  },
  {
    id: 'caddy-calls-retried',
    severity: 'error',
    requirement: 'no-retries',
    title: 'calls are sent again',
    check: atEndpoints(({ proxy }) => {
      const match = optionOf(proxy.block, 'lb_retry_match');
      if (match === undefined) return undefined;
      const lines = [match.args, ...(match.block ?? []).map((line) => [line.head, ...line.args])].flat();
      const methods = lines.filter(({ text }) => /^[A-Z]+$/.test(text)).map(({ text }) => text);
      if (methods.length > 0 && !methods.includes('POST')) return undefined;
      return {
        at: headOf(match),
        message: '`lb_retry_match` covers POST: a call that broke off is sent a second time',
        lines: ['lb_retry_match method GET'],
      };
    }),
  },
  {
    id: 'caddy-errors-replaced',
    severity: 'error',
    requirement: 'own-errors',
    title: 'error answers of the upstream are replaced',
    check: atEndpoints((endpoint) => {
      const inside = (endpoint.proxy.block ?? []).find(
        ({ name, block }) =>
          name === 'replace_status' ||
          (name === 'handle_response' && block?.some((line) => isAnswer(line)) === true),
      );
      const intercept = alongTheWay(endpoint, 'intercept').at(0);
      const at = inside ?? intercept;
      return at === undefined
        ? undefined
        : {
            at: headOf(at),
            message: `\`${at.name}\` puts other answers in place of those of the MCP server`,
            lines: [],
          };
    }),
  },
  {
    id: 'caddy-body-limit-small',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'a small `request_body max_size`',
    breaks: 'tool arguments over the limit get 413',
    check: atEndpoints((endpoint) => {
      const option = bodyLimit(endpoint);
      const bytes = toBytes(option?.args.at(-1)?.text ?? '');
      if (option === undefined || bytes === undefined || bytes >= 4_000_000) return undefined;
      return {
        at: option,
        message: `bodies may have \`${option.args.at(-1)?.text ?? ''}\``,
        lines: ['request_body {', '    max_size 16MB', '}'],
      };
    }),
  },
  {
    id: 'caddy-body-unlimited',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'bodies of any size are taken',
    breaks: 'one call can fill the memory of the upstream',
    check: atEndpoints((endpoint) =>
      bodyLimit(endpoint) === undefined
        ? {
            at: headOf(endpoint.proxy),
            message: 'bodies of any size are passed on',
            lines: ['request_body {', '    max_size 16MB', '}'],
          }
        : undefined,
    ),
  },
  {
    id: 'caddy-reload-waits',
    severity: 'info',
    requirement: 'short-reload',
    title: 'no `grace_period`',
    check: ({ global, endpoints, anchor }) =>
      endpoints.length === 0 || optionOf(global?.block, 'grace_period') !== undefined
        ? []
        : [
            {
              at: anchor,
              message: 'a reload waits for open streams without end',
              lines: ['{', '    grace_period 10m', '}'],
            },
          ],
  },
];

function coversEventStreams({ args, block }: Directive): boolean {
  const matcher = args[0]?.text ?? '';
  if (matcher.startsWith('@') || (matcher.startsWith('/') && !looksLikeEndpoint(matcher))) return false;
  const matches = (block ?? []).filter(({ name }) => name === 'match');
  if (matches.length === 0) return true;
  const types = matches.flatMap((match) =>
    [match.args, ...(match.block ?? []).map((line) => line.args)].flat(),
  );
  return types.some(({ text }) => /^(?:text\/\*|text\/event-stream.*|\*)$/i.test(text));
}

function isAnswer({ name }: Directive): boolean {
  return ['respond', 'redir', 'file_server', 'error', 'rewrite'].includes(name);
}

function isBelow(text: string | undefined, limit: number): boolean {
  const time = toMilliseconds(text ?? '');
  return time !== undefined && time > 0 && time < limit;
}

function bodyLimit(endpoint: CaddyEndpoint): Directive | undefined {
  return alongTheWay(endpoint, 'request_body')
    .flatMap((directive) => directive.block ?? [])
    .findLast(({ name }) => name === 'max_size');
}

function toBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?b?$/i.exec(text) ?? [];
  return digits === undefined
    ? undefined
    : Number(digits) * ({ k: 1000, m: 1000 ** 2, g: 1000 ** 3 }[unit.toLowerCase()] ?? 1);
}
