import { formatAuthority } from '../../lib/authority.ts';
import { claimedForwards, claimedHeaders, claimedPrefixes } from '../claimed-headers.ts';
import type { Front, FrontAddress } from '../front.ts';
import { because, noted, type YamlValue } from './yaml-text.ts';

const filterType = 'type.googleapis.com/envoy.extensions.filters.http';

/** Shows the answer of the authz endpoint to the route, which puts it in the place of the caller's credentials. */
export const replacementHeader = 'x-breakwater-authorization';

/** What requests pass, in this order, before their route is followed. */
export function buildFilters(front: Front, isSecure: boolean): readonly YamlValue[] {
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': `${filterType}.router.v3.Router`, suppress_envoy_headers: true },
  };
  if (!isSecure) return [router];
  const isDirect = front.mode === 'direct';
  const isAsked = isDirect && front.routes.some((route) => route.protected);
  const hasReplicas = front.routes.some(({ upstreams }) => upstreams.length > 1);
  return [
    buildHeaderRules(),
    ...(isDirect
      ? [{ name: 'envoy.filters.http.cors', typed_config: { '@type': `${filterType}.cors.v3.Cors` } }]
      : []),
    ...(isAsked && front.authz !== undefined
      ? [buildAuthorization(front.authz, front.timeouts.connect)]
      : []),
    {
      name: 'envoy.filters.http.buffer',
      typed_config: {
        '@type': `${filterType}.buffer.v3.Buffer`,
        max_request_bytes: because('body-limit', front.limits.bodyBytes),
      },
    },
    ...(hasReplicas ? [buildAffinity()] : []),
    router,
  ];
}

function buildHeaderRules(): YamlValue {
  const set = (key: string, value: string): YamlValue => ({
    append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  });
  const remove = [...claimedHeaders, ...claimedForwards, replacementHeader, 'Accept-Encoding'];
  const prefixes = [
    ...claimedPrefixes,
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Preferred',
    'X-Forwarded-Access',
  ];
  return {
    name: 'envoy.filters.http.header_mutation',
    typed_config: {
      '@type': `${filterType}.header_mutation.v3.HeaderMutation`,
      mutations: {
        request_mutations: because(
          ['identity-headers', 'no-compression'],
          [
            ...remove.map((name) => ({ remove: name.toLowerCase() })),
            ...prefixes.map((prefix) => ({
              remove_on_match: { key_matcher: { prefix: prefix.toLowerCase(), ignore_case: true } },
            })),
            noted('servers that map names to variables read `x_real_ip` as `x-real-ip`', {
              remove_on_match: {
                key_matcher: { safe_regex: { regex: '(x|remote|ssl|cf|client|true|http)[a-z-]*_.*' } },
              },
            }),
            because('forwarded-headers', set('X-Forwarded-For', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%')),
            set('X-Real-IP', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
            set('X-Forwarded-Proto', 'https'),
            set('X-Forwarded-Host', '%REQ(:AUTHORITY)%'),
          ],
        ),
      },
    },
  };
}

function buildAuthorization({ host, port }: FrontAddress, connect: number): YamlValue {
  const exact = (name: string): YamlValue => ({ exact: name });
  return {
    name: 'envoy.filters.http.ext_authz',
    typed_config: {
      '@type': `${filterType}.ext_authz.v3.ExtAuthz`,
      transport_api_version: 'V3',
      failure_mode_allow: because('access-control', false),
      status_on_error: { code: 'ServiceUnavailable' },
      http_service: {
        server_uri: {
          uri: `http://${formatAuthority(host, port)}`,
          cluster: 'breakwater',
          timeout: `${Math.max(connect, 5000) / 1000}s`,
        },
        path_prefix: '/authz',
        authorization_response: {
          allowed_upstream_headers: { patterns: [exact(replacementHeader)] },
        },
      },
      allowed_headers: {
        patterns: [
          ...['authorization', 'x-api-key', 'origin', 'user-agent', 'accept'].map(exact),
          ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'].map(exact),
          { prefix: 'mcp-' },
        ],
      },
    },
  };
}

function buildAffinity(): YamlValue {
  return {
    name: 'envoy.filters.http.stateful_session',
    typed_config: {
      '@type': `${filterType}.stateful_session.v3.StatefulSession`,
      session_state: because('session-affinity', {
        name: 'envoy.http.stateful_session.envelope',
        typed_config: {
          '@type':
            'type.googleapis.com/envoy.extensions.http.stateful_session.envelope.v3.EnvelopeSessionState',
          header: { name: 'mcp-session-id' },
        },
      }),
    },
  };
}
