import { countField, fieldValue } from '../../http/exchange.ts';
import { toHostOnly } from '../../http/grammar.ts';
import { browserHeaders, endpointMethods, preflightSeconds } from '../../mcp/browser-access.ts';
import { PARAM_HEADER_PREFIX } from '../../mcp/headers.ts';
import type { Exchange } from '../exchange.ts';
import { loopbackNames, type HostNames } from '../host-names.ts';
import type { Reply } from '../reply.ts';

export interface GuardOptions {
  /** Host names without port, lower case, IPv6 in brackets. */
  readonly hostNames: Pick<HostNames, 'has'>;
  /** Further exact Host values, port included. */
  readonly hosts: ReadonlySet<string>;
  /** Origins besides the gateway's own. */
  readonly origins: ReadonlySet<string>;
}

const METHODS = endpointMethods.join(', ');
const allowedMethods: ReadonlySet<string> = new Set(endpointMethods);
/** A known name goes with any port, so a stranger can think of many. */
const MAX_ACCEPTED = 32;

const allowedHeaders: ReadonlySet<string> = new Set(browserHeaders);

/**
 * Checks Host, Origin and method of an MCP request and answers CORS preflights. Health paths are exempt:
 * load balancers probe them by address, and they tell nothing. Metadata is for every page, and the authorization server looks at
 * origins itself, so only their Host is checked.
 */
export function createGuardStage(options: GuardOptions): (exchange: Exchange) => Reply | undefined {
  /** Authorities that were found to be known: clients use one or two, and taking them apart each time shows in profiles. */
  const accepted = new Set<string>();
  return function guard(exchange) {
    const { request } = exchange;
    const { kind } = exchange.destination;
    if (kind !== 'mcp' && kind !== 'login' && kind !== 'resource-metadata') return undefined;
    const { authority } = request;
    if (!accepted.has(authority)) {
      if (!isKnownHost(authority, options)) return { kind: 'error', code: 'E_HOST_UNKNOWN' };
      if (accepted.size < MAX_ACCEPTED) accepted.add(authority);
    }
    if (kind !== 'mcp') return undefined;
    const origin = fieldValue(request.fields, 'origin');
    if (origin !== undefined) {
      // DNS rebinding and drive-by pages: a browser cannot forge Origin, so an unknown one is always refused.
      const single = countField(request.fields, 'origin') === 1;
      if (!single || !isAllowedOrigin(origin, authority, options)) {
        return { kind: 'error', code: 'E_ORIGIN_REFUSED' };
      }
      exchange.origin = origin;
    }
    if (!allowedMethods.has(request.method)) {
      return { kind: 'error', code: 'E_METHOD_REFUSED', fields: ['allow', METHODS] };
    }
    return request.method === 'OPTIONS' ? answerOptions(exchange) : undefined;
  };
}

function isKnownHost(authority: string, options: GuardOptions): boolean {
  return options.hostNames.has(toHostOnly(authority)) || options.hosts.has(authority);
}

/**
 * Exact comparison of whole origins: prefixes, suffixes and `null` never match. On loopback our own authority
 * counts under http too where it names a port: no page can come from there, since the port speaks TLS, and SDKs
 * write it that way. Without a port it would be the origin of whatever answers on port 80.
 */
function isAllowedOrigin(origin: string, authority: string, options: GuardOptions): boolean {
  if (origin === `https://${authority}` || options.origins.has(origin)) return true;
  const name = toHostOnly(authority);
  return origin === `http://${authority}` && name !== authority && loopbackNames.has(name);
}

function answerOptions(exchange: Exchange): Reply {
  const { fields } = exchange.request;
  const isPreflight =
    exchange.origin !== undefined && fieldValue(fields, 'access-control-request-method') !== undefined;
  if (!isPreflight) return { kind: 'empty', status: 204, fields: ['allow', METHODS] };
  const requested = (fieldValue(fields, 'access-control-request-headers') ?? '').toLowerCase().split(',');
  const granted = requested
    .map((name) => name.trim())
    .filter(
      (name) => allowedHeaders.has(name) || (name.startsWith(PARAM_HEADER_PREFIX) && /^[\w-]+$/.test(name)),
    );
  const answer = [
    'access-control-allow-methods',
    METHODS,
    'access-control-max-age',
    String(preflightSeconds),
  ];
  if (granted.length > 0) answer.push('access-control-allow-headers', granted.join(', '));
  return { kind: 'empty', status: 204, fields: answer };
}
