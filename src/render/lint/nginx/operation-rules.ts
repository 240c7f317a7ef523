import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, type Directive, headOf } from '../directive.ts';
import { insertInto, replaceWith } from '../edits.ts';
import type { LintRule } from '../finding.ts';
import { atServers, insertInServer, placeOf, setAt, toBytes, toMilliseconds } from './corrections.ts';
import { effective, effectiveAll, scopesIn, valueOf, type NginxModel } from './model.ts';

/** Sizes, reloads, logs and what else shows only in operation. */
export const nginxOperationRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-body-limit-small',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'a small `client_max_body_size`',
    breaks: 'tool arguments over the limit get 413',
    check: atEndpoints((endpoint) => {
      const directive = effective(endpoint.scope, 'client_max_body_size');
      const limit = directive === undefined ? 1024 ** 2 : toBytes(firstArg(directive));
      if (limit === undefined || limit === 0 || limit >= 4 * 1024 ** 2) return undefined;
      return {
        message: `\`client_max_body_size\` is ${directive === undefined ? 'its default of 1 MiB' : `\`${firstArg(directive)}\``}`,
        ...setAt(endpoint, 'client_max_body_size 16m;'),
      };
    }),
  },
  {
    id: 'nginx-body-unlimited',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'bodies of any size are taken',
    breaks: 'one call can fill the disk of the proxy, or the memory of the upstream',
    check: atEndpoints((endpoint) => {
      const directive = effective(endpoint.scope, 'client_max_body_size');
      if (directive === undefined || toBytes(firstArg(directive)) !== 0) return undefined;
      return {
        message: '`client_max_body_size 0` takes bodies of any size',
        ...setAt(endpoint, 'client_max_body_size 16m;'),
      };
    }),
  },
  {
    id: 'nginx-header-room',
    severity: 'warning',
    requirement: 'header-room',
    title: 'small buffers for request heads',
    check: atServers((server, model) => {
      const directive = effective(server, 'large_client_header_buffers');
      const size = directive === undefined ? 8192 : toBytes(directive.args[1]?.text ?? '');
      if (size === undefined || size > 8192) return undefined;
      const line = 'large_client_header_buffers 4 16k;';
      const isOwn = directive !== undefined && server.directives.includes(directive);
      return {
        at: directive ?? placeOf(server, model),
        message: `one header line may have ${directive === undefined ? '8 KiB, which is the default' : `\`${directive.args[1]?.text ?? ''}\``}: a long token does not fit`,
        ...(size === 8192 ? { severity: 'info' as const } : {}),
        ...(isOwn ? replaceWith(directive, [line]) : insertInServer(server, line)),
      };
    }),
  },
  {
    id: 'nginx-old-workers-linger',
    severity: 'warning',
    requirement: 'short-reload',
    title: 'no `worker_shutdown_timeout`',
    check: (model) => {
      const { main, endpoints, isWhole, anchor } = model;
      if (effective(main, 'worker_shutdown_timeout') !== undefined) return [];
      const long = endpoints.find(({ scope }) => {
        const directive = effective(scope, 'proxy_read_timeout');
        return directive !== undefined && (toMilliseconds(argTexts(directive).join(' ')) ?? 0) > 600_000;
      });
      if (long === undefined) return [];
      const timeout = effective(long.scope, 'proxy_read_timeout');
      const [first] = main.directives;
      const line = 'worker_shutdown_timeout 10m;';
      const edits =
        isWhole && first !== undefined
          ? [{ source: first.source, start: first.start, end: first.start, text: `${line}\n` }]
          : [];
      return [
        {
          at: timeout ?? anchor,
          message: `with \`proxy_read_timeout ${firstArg(timeout)}\`, workers from before a reload stay that long`,
          ...(isWhole
            ? {}
            : {
                severity: 'info' as const,
                label: 'unless `worker_shutdown_timeout` is set in the main file',
              }),
          lines: [line],
          edits,
        },
      ];
    },
  },
  {
    id: 'nginx-resolver-missing',
    severity: 'error',
    requirement: 'own-errors',
    title: 'a variable in `proxy_pass` without `resolver`',
    breaks: 'every call is answered with 502: `no resolver defined`',
    check: atEndpoints(({ scope, pass, target }) => {
      if (!target.host.includes('$') || effective(scope, 'resolver') !== undefined) return undefined;
      return {
        at: pass.args[0] ?? pass,
        message: `the name in \`${firstArg(pass)}\` is looked up for each call, and no \`resolver\` is set`,
        lines: ['resolver 127.0.0.53;'],
      };
    }),
  },
  {
    id: 'nginx-token-in-log',
    severity: 'error',
    requirement: 'secret-free-logs',
    title: 'tokens are logged',
    breaks: 'whoever reads the log can call every tool as its users',
    check: (model) => {
      const formats = scopesIn(model.main, 'http')
        .concat(model.main)
        .flatMap(({ directives }) => directives)
        .filter(({ name }) => name === 'log_format');
      const used = new Set(
        model.endpoints.flatMap(({ scope }) =>
          effectiveAll(scope, 'access_log').map(({ args }) => args[1]?.text),
        ),
      );
      return formats
        .filter((format) => used.has(firstArg(format)))
        .flatMap((format) => {
          const word = format.args.slice(1).find(({ text }) => secretVariable.test(text));
          if (word === undefined) return [];
          return [
            {
              at: word,
              message: `the log format \`${firstArg(format)}\` holds \`${secretVariable.exec(word.text)?.[0] ?? ''}\``,
              ...withoutSecrets(format),
            },
          ];
        });
    },
  },
  {
    id: 'nginx-query-token-in-log',
    severity: 'warning',
    requirement: 'secret-free-logs',
    title: 'tokens in the query string are logged',
    check: atEndpoints(({ scope, server }) => {
      const words = [...server.directives, ...scope.directives].flatMap(({ args, block }) => [
        ...args,
        ...(block ?? []).flatMap((inner) => inner.args),
      ]);
      const token = words.find(({ text }) => /\$arg_(?:access_?token|token|api_?key|key)\b/i.test(text));
      if (token === undefined) return undefined;
      const log = effective(scope, 'access_log');
      if (firstArg(log) === 'off' || (log?.args[1] !== undefined && log.args[1].text !== 'combined'))
        return undefined;
      return {
        at: token,
        message: `\`${/\$arg_\w+/.exec(token.text)?.[0] ?? ''}\` is part of the address, and the usual log format writes it down`,
        lines: [
          "log_format mcp '$remote_addr [$time_iso8601] $request_method $uri $status $request_time';",
          'access_log /var/log/nginx/mcp.log mcp;',
        ],
      };
    }),
  },
  {
    id: 'nginx-slow-clients',
    severity: 'warning',
    requirement: 'slow-clients',
    title: 'clients may take minutes to send a request',
    check: atServers((server) => {
      const directive = ['client_header_timeout', 'client_body_timeout']
        .map((name) => effective(server, name))
        .find((found) => found !== undefined && (toMilliseconds(argTexts(found).join(' ')) ?? 0) > 120_000);
      if (directive === undefined) return undefined;
      const line = `${directive.name} ${directive.name === 'client_header_timeout' ? '10s' : '30s'};`;
      return {
        at: directive,
        message: `\`${directive.name} ${firstArg(directive)}\` lets a client hold a connection without sending anything`,
        ...(server.directives.includes(directive) || server.directive === undefined
          ? replaceWith(directive, [line])
          : insertInto(server.directive, [line])),
      };
    }),
  },
  {
    id: 'nginx-status-open',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: '`stub_status` is open',
    breaks: 'anyone sees how many callers there are, and when the server is restarted',
    check: atServers((server) => {
      const found = scopesIn(server, 'location').find(({ directives }) =>
        directives.some(({ name }) => name === 'stub_status'),
      );
      if (found?.directive === undefined || effective(found, 'deny') !== undefined) return undefined;
      return {
        at: headOf(found.directive),
        message: '`stub_status` answers everyone',
        ...insertInto(found.directive, ['allow 127.0.0.1;', 'deny all;']),
      };
    }),
  },
  {
    id: 'nginx-connection-limit-small',
    severity: 'warning',
    requirement: 'long-streams',
    title: 'few connections for one caller',
    breaks: 'each open stream counts for as long as it lives: the next call of the same client gets 503',
    check: atEndpoints(({ scope }) => {
      const limit = effectiveAll(scope, 'limit_conn').find(
        ({ args }) => Number(args[1]?.text ?? Infinity) < 5,
      );
      if (limit === undefined) return undefined;
      return {
        at: limit,
        message: `\`${firstArg(limit)}\` allows ${limit.args[1]?.text ?? ''} at a time, streams included`,
        ...replaceWith(limit, [`limit_conn ${firstArg(limit)} 20;`]),
      };
    }),
  },
  {
    id: 'nginx-rate-limit-without-burst',
    severity: 'warning',
    requirement: 'rate-limit',
    title: '`limit_req` without `burst`',
    breaks: 'clients send several calls at once when they connect: all but the first are refused',
    check: atEndpoints(({ scope }) => {
      const limit = effectiveAll(scope, 'limit_req').find(
        ({ args }) => args.length > 0 && !args.some(({ text }) => text.startsWith('burst=')),
      );
      if (limit === undefined) return undefined;
      return {
        at: limit,
        message: 'two calls at once are one too many',
        ...replaceWith(limit, [`limit_req ${argTexts(limit).join(' ')} burst=50 nodelay;`]),
      };
    }),
  },
  {
    id: 'nginx-rate-limit-status',
    severity: 'info',
    requirement: 'rate-limit',
    title: 'limits answer with 503',
    breaks: 'clients take 503 for an outage and try again at once; 429 tells them to wait',
    check: atEndpoints((endpoint) => {
      const limit = effective(endpoint.scope, 'limit_req');
      if (limit === undefined || valueOf(endpoint.scope, 'limit_req_status', '503') !== '503')
        return undefined;
      return {
        ...setAt(endpoint, 'limit_req_status 429;'),
        at: limit,
        message: 'calls over the limit get 503',
      };
    }),
  },
];

const secretVariable =
  /\$\{?(?:http_authorization|http_cookie|http_x_api_key|arg_\w*(?:token|key)|http_mcp_session_id)\b\}?/i;

function withoutSecrets(format: Directive): ReturnType<typeof replaceWith> {
  const words = format.args.map(({ source, start, end }) =>
    source.text.slice(start, end).replaceAll(new RegExp(secretVariable, 'gi'), '-'),
  );
  return replaceWith(format, [`log_format ${words.join(' ')};`]);
}
