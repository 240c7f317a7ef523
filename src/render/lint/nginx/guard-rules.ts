import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, walk, type Directive, headOf } from '../directive.ts';
import { replaceWith } from '../edits.ts';
import type { LintRule } from '../finding.ts';
import { addResponseHeader, atServers, insertInServer, placeOf, responseHeader } from './corrections.ts';
import {
  type NginxEndpoint,
  type NginxModel,
  type NginxScope,
  effective,
  effectiveAll,
  isMentioned,
  linesFor,
} from './model.ts';

/** Who may call, from where, and how often. */
export const nginxGuardRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-no-access-control',
    severity: 'warning',
    requirement: 'access-control',
    title: 'nothing asks who calls',
    check: atEndpoints((endpoint) => {
      const { scope } = endpoint;
      const ways = [
        'auth_request',
        'auth_basic',
        'auth_jwt',
        'deny',
        'js_access',
        'access_by_lua_block',
        'access_by_lua_file',
      ];
      if (ways.some((name) => isOn(effective(scope, name)))) return undefined;
      if (firstArg(effective(scope, 'ssl_verify_client')) === 'on') return undefined;
      if (mentions(linesFor(endpoint), /http_authorization|http_x_api_key|\$ssl_client_/)) return undefined;
      return {
        at: headOf(endpoint.location),
        message: 'nothing before the upstream asks who calls',
        label: 'no `auth_request`, no key, no client certificate',
        lines: ['auth_request /_authz;'],
      };
    }),
  },
  {
    id: 'nginx-auth-basic',
    severity: 'warning',
    requirement: 'access-control',
    title: 'Basic authentication before an MCP endpoint',
    breaks:
      'MCP clients send `Authorization: Bearer` and can ask nobody for a password: they give up with 401',
    check: atEndpoints(({ scope }) => {
      const directive = effective(scope, 'auth_basic');
      if (!isOn(directive) || directive === undefined) return undefined;
      return {
        at: directive,
        message: 'MCP clients cannot answer a Basic challenge',
        lines: ['auth_request /_authz;'],
      };
    }),
  },
  {
    id: 'nginx-no-origin-guard',
    severity: 'warning',
    requirement: 'origin-guard',
    title: 'the Origin of browsers is not looked at',
    check: atEndpoints((endpoint) => {
      const { scope } = endpoint;
      if (mentions(linesFor(endpoint), /http_origin/) || usesMapOver(endpoint, /http_origin/))
        return undefined;
      // Who asks another server about each call leaves this question to it as well.
      if (effective(scope, 'auth_request') !== undefined) return undefined;
      return {
        at: headOf(endpoint.location),
        message: 'requests of web pages of any origin reach the endpoint',
        lines: ['if ($http_origin !~ "^(https://mcp\\.example\\.com)?$") { return 403; }'],
      };
    }),
  },
  {
    id: 'nginx-no-host-guard',
    severity: 'warning',
    requirement: 'host-guard',
    title: 'requests for any host reach the endpoint',
    check: atServers((server, model) => {
      const names = server.directives.filter(({ name }) => name === 'server_name').flatMap(argTexts);
      const isNamed = names.some((name) => name !== '_' && name !== '""' && name !== '');
      const listens = server.directives.filter(({ name }) => name === 'listen');
      const isDefault = listens.some((listen) => argTexts(listen).includes('default_server'));
      const rivals = model.servers.filter((other) => other !== server && sharesPort(other, server));
      const isCovered = rivals.some((other) => isRefusal(other)) && isNamed && !isDefault;
      if (isCovered || mentions(server.directives, /^\(?\$(?:http_)?host\)?$/, 'if')) return undefined;
      return {
        at: placeOf(server, model),
        message: isNamed
          ? 'this server also answers for names that are not its own: no `default_server` refuses them'
          : 'this server has no name, and answers for all of them',
        lines: ['server {', '    listen 443 ssl default_server;', '    ssl_reject_handshake on;', '}'],
      };
    }),
  },
  {
    id: 'nginx-no-rate-limit',
    severity: 'info',
    requirement: 'rate-limit',
    title: 'no limit on calls or connections',
    check: atEndpoints(({ scope, location }) =>
      effective(scope, 'limit_req') === undefined && effective(scope, 'limit_conn') === undefined
        ? {
            at: headOf(location),
            message: 'one caller may call as often, and hold as many streams, as it likes',
            lines: ['limit_req zone=mcp burst=50 nodelay;', 'limit_conn mcp_streams 20;'],
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-cors-any-origin-credentials',
    severity: 'error',
    requirement: 'cors',
    title: 'any web page may call with credentials',
    breaks: 'any web page can call tools as the user who looks at it, and read the answers',
    check: atEndpoints((endpoint) => {
      const origin = responseHeader(endpoint.scope, 'Access-Control-Allow-Origin');
      const credentials = responseHeader(endpoint.scope, 'Access-Control-Allow-Credentials');
      if (origin === undefined || credentials?.args[1]?.text.toLowerCase() !== 'true') return undefined;
      if (!/^(?:\*|\$http_origin)$/.test(origin.args[1]?.text ?? '')) return undefined;
      return {
        at: origin,
        message: `\`Access-Control-Allow-Origin ${origin.args[1]?.text ?? ''}\` together with credentials`,
        lines: ['add_header Access-Control-Allow-Origin "https://app.example.com" always;'],
      };
    }),
  },
  {
    id: 'nginx-cors-any-origin',
    severity: 'warning',
    requirement: 'cors',
    title: 'any web page may read answers',
    check: atEndpoints((endpoint) => {
      const origin = responseHeader(endpoint.scope, 'Access-Control-Allow-Origin');
      const credentials = responseHeader(endpoint.scope, 'Access-Control-Allow-Credentials');
      if (origin?.args[1]?.text !== '*' || credentials !== undefined) return undefined;
      return {
        at: origin,
        message: '`Access-Control-Allow-Origin *` lets pages of every origin read what tools answer',
        lines: ['add_header Access-Control-Allow-Origin "https://app.example.com" always;'],
      };
    }),
  },
  {
    id: 'nginx-cors-not-exposed',
    severity: 'warning',
    requirement: 'cors',
    title: 'browsers may not read the headers of MCP',
    check: atEndpoints((endpoint) => {
      if (responseHeader(endpoint.scope, 'Access-Control-Allow-Origin') === undefined) return undefined;
      const exposed = responseHeader(endpoint.scope, 'Access-Control-Expose-Headers');
      const value = exposed?.args[1]?.text ?? '';
      // What a variable holds is decided by a `map`.
      if (/mcp-session-id|^\*$|^\$/i.test(value)) return undefined;
      const line = 'add_header Access-Control-Expose-Headers "Mcp-Session-Id, WWW-Authenticate" always;';
      return {
        at: exposed ?? responseHeader(endpoint.scope, 'Access-Control-Allow-Origin') ?? endpoint.pass,
        message: '`Access-Control-Expose-Headers` does not name `Mcp-Session-Id`',
        ...(exposed === undefined ? addResponseHeader(endpoint, line) : replaceWith(exposed, [line])),
      };
    }),
  },
  {
    id: 'nginx-cors-headers-refused',
    severity: 'warning',
    requirement: 'cors',
    title: 'browsers may not send the headers of MCP',
    breaks: 'browsers refuse to send the call: the preflight does not allow its headers',
    check: atEndpoints((endpoint) => {
      const allowed = responseHeader(endpoint.scope, 'Access-Control-Allow-Headers');
      if (allowed === undefined) return undefined;
      const value = (allowed.args[1]?.text ?? '').toLowerCase();
      const needed = ['authorization', 'content-type', 'mcp-session-id', 'mcp-protocol-version'];
      if (value === '*' || value.includes('$') || needed.every((name) => value.includes(name)))
        return undefined;
      const line =
        'add_header Access-Control-Allow-Headers "Authorization, Content-Type, Accept, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID" always;';
      return {
        at: allowed,
        message: `\`Access-Control-Allow-Headers\` lacks \`${needed.find((name) => !value.includes(name)) ?? ''}\``,
        ...replaceWith(allowed, [line]),
      };
    }),
  },
  {
    id: 'nginx-preflight-refused',
    severity: 'warning',
    requirement: 'cors',
    title: 'preflights are asked who they are',
    breaks: 'browsers send no token with OPTIONS: it is answered with 401, and the call is never made',
    check: atEndpoints((endpoint) => {
      const { scope, location } = endpoint;
      const asks = ['auth_request', 'auth_basic', 'auth_jwt']
        .map((name) => effective(scope, name))
        .find(isOn);
      if (asks === undefined || responseHeader(scope, 'Access-Control-Allow-Origin') === undefined)
        return undefined;
      if (mentions(linesFor(endpoint), /OPTIONS/) || usesMapOver(endpoint, /request_method/))
        return undefined;
      return {
        at: asks,
        message: `\`${asks.name}\` also covers OPTIONS at \`${argTexts(location).at(-1) ?? ''}\``,
        lines: ['if ($request_method = OPTIONS) { return 204; }'],
      };
    }),
  },
  {
    id: 'nginx-add-header-not-always',
    severity: 'warning',
    requirement: 'cors',
    title: '`add_header` without `always`',
    breaks: 'answers with 401 and 404 lack the header: browsers cannot read the challenge, and cannot log in',
    check: atEndpoints((endpoint) => {
      const header = effectiveAll(endpoint.scope, 'add_header').find(
        ({ args }) =>
          /^(?:access-control-|strict-transport)/i.test(args[0]?.text ?? '') && args[2]?.text !== 'always',
      );
      if (header === undefined) return undefined;
      const words = header.args.slice(0, 2).map(({ start, end, source }) => source.text.slice(start, end));
      return {
        at: header,
        message: `\`${firstArg(header)}\` is not sent with error answers`,
        ...replaceWith(header, [`add_header ${words.join(' ')} always;`]),
      };
    }),
  },
  {
    id: 'nginx-no-hsts',
    severity: 'warning',
    requirement: 'hsts',
    title: 'no `Strict-Transport-Security`',
    check: atEndpoints((endpoint) => {
      if (!isSecure(endpoint.server)) return undefined;
      if (responseHeader(endpoint.scope, 'Strict-Transport-Security') !== undefined) return undefined;
      if (isMentioned(endpoint.scope, ['more_set_headers'])) return undefined;
      const line = 'add_header Strict-Transport-Security "max-age=31536000" always;';
      return {
        at: headOf(endpoint.server.directive ?? endpoint.location),
        message: 'answers carry no `Strict-Transport-Security`',
        ...(effectiveAll(endpoint.scope, 'add_header').length > 0
          ? addResponseHeader(endpoint, line)
          : insertInServer(endpoint.server, line)),
      };
    }),
  },
];

/** Whether any `listen` of a server does TLS. */
export function isSecure(server: NginxScope): boolean {
  return server.directives.some(
    ({ name, args }) =>
      (name === 'listen' && args.some(({ text }) => text === 'ssl' || text === 'quic')) ||
      (name === 'ssl' && args[0]?.text === 'on'),
  );
}

function isOn(directive: Directive | undefined): boolean {
  return directive !== undefined && firstArg(directive) !== 'off';
}

/** These only tell: a header that is passed on guards nothing. */
const tellers = new Set(['proxy_set_header', 'add_header', 'access_log', 'log_format', 'more_set_headers']);

/** Whether any word below that can decide about a request fits; with a name, of directives of that name alone. */
function mentions(directives: readonly Directive[], pattern: RegExp, only?: string): boolean {
  for (const { name, args } of walk(directives)) {
    const counts = only === undefined ? !tellers.has(name) : name === only;
    if (counts && args.some(({ text }) => pattern.test(text))) return true;
  }
  return false;
}

/** Whether the location uses a variable that a `map` makes of something, be it over further maps. */
function usesMapOver(endpoint: NginxEndpoint, pattern: RegExp, depth = 4): boolean {
  const maps = effectiveAll(endpoint.server.parent, 'map').filter(({ args }) =>
    pattern.test(args[0]?.text ?? ''),
  );
  return maps.some(({ args }) => {
    const name = /^\$(\w+)$/.exec(args[1]?.text ?? '')?.[1];
    if (name === undefined || depth === 0) return false;
    const used = new RegExp(`\\$\\{?${name}\\b`);
    const around = linesFor(endpoint);
    return mentions(around, used) || usesMapOver(endpoint, used, depth - 1);
  });
}

function portsOf(server: NginxScope): string[] {
  const listens = server.directives.filter(({ name }) => name === 'listen');
  return listens.map((listen) => /(\d+)$/.exec(firstArg(listen))?.[1] ?? '80');
}

function sharesPort(one: NginxScope, other: NginxScope): boolean {
  const ports = portsOf(other);
  return portsOf(one).some((port) => ports.includes(port));
}

/** A server that answers nothing: it refuses the handshake, or every request. */
function isRefusal(server: NginxScope): boolean {
  return server.directives.some(
    ({ name, args }) =>
      (name === 'ssl_reject_handshake' && args[0]?.text === 'on') ||
      (name === 'return' && args[0]?.text.startsWith('4') === true),
  );
}
