import { strictTransport } from '../../http/strict-transport.ts';
import { formatAuthority } from '../../lib/authority.ts';
import {
  browserHeaders,
  endpointMethods,
  exposedHeaders,
  preflightSeconds,
} from '../../mcp/browser-access.ts';
import {
  escapePattern,
  hasPublicName,
  loginPaths,
  toNamePattern,
  toOriginPattern,
} from '../browser-rules.ts';
import type { Front, FrontRoute } from '../front.ts';
import { replacementHeader } from './envoy-filters.ts';
import { because, noted, type YamlValue } from './yaml-text.ts';

const filterType = 'type.googleapis.com/envoy.extensions.filters.http';
const methods = endpointMethods.join(', ');

/** A route that is answered before anybody is asked. */
const unasked = {
  'envoy.filters.http.ext_authz': {
    '@type': `${filterType}.ext_authz.v3.ExtAuthzPerRoute`,
    disabled: true,
  },
};

/** A route that is answered at once: waiting for a body first would keep it in memory, and end in 408. */
const unbuffered = {
  'envoy.filters.http.buffer': { '@type': `${filterType}.buffer.v3.BufferPerRoute`, disabled: true },
};

/** What is looked at on the secure port, in this order; the first that fits decides. */
export function buildRoutes(front: Front): YamlValue {
  const isAsked = front.mode === 'direct' && front.routes.some((route) => route.protected);
  const free = isAsked ? { typed_per_filter_config: unasked } : {};
  const answered = { typed_per_filter_config: { ...(isAsked ? unasked : {}), ...unbuffered } };
  return {
    virtual_hosts: [
      {
        name: 'secure',
        domains: ['*'],
        ...(hasPublicName(front)
          ? {
              response_headers_to_add: because('hsts', [
                {
                  header: { key: 'Strict-Transport-Security', value: strictTransport },
                  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
                },
              ]),
            }
          : {}),
        request_headers_to_remove: [replacementHeader],
        routes: [
          ...refuseStrangers(front, answered),
          ...buildLoginRoutes(front, free),
          ...front.routes.flatMap((route, index) => buildEndpoint(front, route, { index, isAsked })),
          {
            match: { prefix: '/' },
            direct_response: because('exact-path', { status: 404 }),
            ...answered,
          },
        ],
      },
    ],
  };
}

/** Plain HTTP: pages are sent to HTTPS, calls are refused, since they have shown their token already. */
export function buildPlainRoutes(front: Front): YamlValue {
  const { port } = new URL(front.publicUrl);
  return {
    virtual_hosts: [
      {
        name: 'plain',
        domains: ['*'],
        routes: [
          ...refuseStrangers(front, {}),
          {
            match: {
              prefix: '/',
              headers: [
                matches(':method', 'GET|HEAD'),
                { name: 'authorization', present_match: false },
                {
                  name: 'accept',
                  string_match: { contains: 'text/event-stream', ignore_case: true },
                  invert_match: true,
                },
              ],
            },
            redirect: because('http-redirect', {
              https_redirect: true,
              ...(port === '' ? {} : { port_redirect: Number(port) }),
              response_code: 'PERMANENT_REDIRECT',
            }),
          },
          { match: { prefix: '/' }, direct_response: { status: 403 } },
        ],
      },
    ],
  };
}

function refuseStrangers(front: Front, free: { readonly [key: string]: YamlValue }): readonly YamlValue[] {
  const pattern = toNamePattern(front);
  if (pattern === undefined) return [];
  return [
    {
      match: {
        prefix: '/',
        headers: [{ ...matches(':authority', `(?i)${pattern}(:[0-9]+)?`), invert_match: true }],
      },
      direct_response: because('host-guard', { status: 421 }),
      ...free,
    },
  ];
}

/** OAuth metadata and the pages of the authorization server, which Breakwater answers. */
function buildLoginRoutes(front: Front, free: { readonly [key: string]: YamlValue }): readonly YamlValue[] {
  const { mode, authz, routes } = front;
  const cluster = mode === 'front' ? 'endpoint1' : 'breakwater';
  if ((mode === 'direct' && authz === undefined) || !routes.some((route) => route.protected)) return [];
  const exact = [...new Set([...routes.flatMap(({ metadataPaths }) => metadataPaths), ...loginPaths.exact])];
  return [...exact.map((path) => ({ path })), { prefix: loginPaths.prefix }].map((match) => ({
    match,
    route: because('metadata-path', { cluster, timeout: '0s' }),
    ...free,
  }));
}

function buildEndpoint(
  front: Front,
  route: FrontRoute,
  options: { readonly index: number; readonly isAsked: boolean },
): readonly YamlValue[] {
  const { path, upstreams } = route;
  const [first] = upstreams;
  if (first === undefined) return [];
  const isDirect = front.mode === 'direct';
  const match = { safe_regex: { regex: path === '/' ? '/' : `${escapePattern(path)}/?` } };
  const free = options.isAsked ? unasked : {};
  const host = first.kind === 'unix' ? 'localhost' : formatAuthority(first.host, first.port);
  const forward = {
    match: because('exact-path', match),
    route: {
      cluster: `endpoint${options.index + 1}`,
      ...(isDirect
        ? {
            host_rewrite_literal: because('host-header', host),
            regex_rewrite: because('path-kept', {
              pattern: { regex: '/.*' },
              substitution: first.path.replaceAll('\\', '\\\\'),
            }),
          }
        : {}),
      timeout: because('long-streams', '0s'),
      idle_timeout: `${front.timeouts.stream / 1000}s`,
    },
    ...(isDirect
      ? {
          ...(route.protected ? replaceCredentials : { request_headers_to_remove: ['origin'] }),
          response_headers_to_add: [{ header: { key: 'Vary', value: 'Origin' } }],
          response_headers_to_remove: [
            'access-control-allow-origin',
            'access-control-allow-credentials',
            'access-control-expose-headers',
          ],
          typed_per_filter_config: {
            ...(route.protected ? {} : free),
            'envoy.filters.http.cors': buildCors(front),
          },
        }
      : {}),
  };
  const answered = { ...free, ...unbuffered };
  return [
    ...(isDirect ? refuseBefore(front, match, answered) : [refuseLarge(front, match, answered)]),
    forward,
  ];
}

/** Answers of ours to what no endpoint takes: pages of strangers, and methods that MCP does not have. */
function refuseBefore(
  front: Front,
  match: { readonly [key: string]: YamlValue },
  answered: { readonly [key: string]: YamlValue },
): readonly YamlValue[] {
  const origin = toOriginPattern(front).slice(1, -1);
  return [
    refuseLarge(front, match, answered),
    {
      match: {
        ...match,
        headers: [
          { name: 'origin', present_match: true },
          { ...matches('origin', origin), invert_match: true },
        ],
      },
      direct_response: because('origin-guard', { status: 403 }),
      typed_per_filter_config: answered,
    },
    {
      match: {
        ...match,
        headers: [{ ...matches(':method', endpointMethods.join('|')), invert_match: true }],
      },
      direct_response: because('methods', { status: 405 }),
      response_headers_to_add: [{ header: { key: 'Allow', value: methods } }],
      typed_per_filter_config: answered,
    },
  ];
}

/** A length that is announced: the filter that counts bytes would wait for them. */
function refuseLarge(
  { limits }: Front,
  match: { readonly [key: string]: YamlValue },
  answered: { readonly [key: string]: YamlValue },
): YamlValue {
  const range = { start: limits.bodyBytes + 1, end: Number.MAX_SAFE_INTEGER };
  return {
    match: { ...match, headers: [{ name: 'content-length', range_match: range }] },
    direct_response: because('body-limit', { status: 413 }),
    typed_per_filter_config: answered,
  };
}

const replaceCredentials = {
  request_headers_to_remove: noted("the caller's credentials are for this door, not for what is behind it", [
    'origin',
    'authorization',
    'x-api-key',
  ]),
  request_headers_to_add: [
    {
      header: { key: 'Authorization', value: `%REQ(${replacementHeader})%` },
      append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
    },
  ],
} as const;

function buildCors(front: Front): YamlValue {
  return because('cors', {
    '@type': `${filterType}.cors.v3.CorsPolicy`,
    allow_origin_string_match: [{ safe_regex: { regex: toOriginPattern(front).slice(1, -1) } }],
    allow_methods: methods,
    allow_headers: browserHeaders.join(', '),
    expose_headers: exposedHeaders,
    max_age: String(preflightSeconds),
  });
}

function matches(name: string, regex: string): { readonly [key: string]: YamlValue } {
  return { name, string_match: { safe_regex: { regex } } };
}
