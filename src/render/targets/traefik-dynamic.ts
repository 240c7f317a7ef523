import { formatAuthority, toBracketedHost } from '../../lib/authority.ts';
import {
  browserHeaders,
  endpointMethods,
  exposedHeaders,
  preflightSeconds,
} from '../../mcp/browser-access.ts';
import { escapePattern, hasPublicName, loginPaths, toOriginPattern } from '../browser-rules.ts';
import { claimedForwards, claimedHeaders, claimedMembers } from '../claimed-headers.ts';
import type { Front, FrontRoute, FrontUpstream } from '../front.ts';
import { goSuites } from '../go-suites.ts';
import { because, noted, type YamlValue } from './yaml-text.ts';

interface Section {
  readonly [key: string]: YamlValue;
}

/** An address that is never a client's: a list that admits it alone refuses everyone with 403. */
const nobody = '255.255.255.255/32';

/** Routers, middlewares and servers: the file that Traefik reads again by itself. */
export function buildDynamic(front: Front): { readonly [key: string]: YamlValue } {
  const endpoints = front.routes.map((route, index) => ({ route, name: `endpoint${index + 1}` }));
  const login = buildLogin(front);
  return {
    http: {
      routers: Object.assign(
        {},
        ...endpoints.map(({ route, name }) => buildRouters(front, route, name)),
        login.routers,
        buildPlainRouters(front),
      ) as Section,
      middlewares: Object.assign(
        buildSharedMiddlewares(front),
        ...endpoints.map(({ route, name }) => buildOwnMiddlewares(front, route, name)),
      ) as Section,
      services: Object.assign(
        {},
        ...endpoints.map(({ route, name }) => buildService(front, route.upstreams, name)),
        login.services,
      ) as Section,
      serversTransports: Object.assign(
        {},
        ...endpoints.map(({ route, name }) => buildTransport(front, route.upstreams[0], name)),
        login.transports,
      ) as Section,
    },
    tls: buildTls(front),
  };
}

function buildTls({ certificate, tlsPolicy, http2 }: Front): YamlValue {
  const pair = { certFile: certificate.cert, keyFile: certificate.key };
  return {
    certificates: [pair],
    stores: { default: { defaultCertificate: pair } },
    options: {
      default: because('tls-policy', {
        minVersion: tlsPolicy === 'modern' ? 'VersionTLS13' : 'VersionTLS12',
        ...(tlsPolicy === 'modern' ? {} : { cipherSuites: goSuites }),
        alpnProtocols: because('http2', http2 ? ['h2', 'http/1.1'] : ['http/1.1']),
      }),
    },
  };
}

function buildRouters(front: Front, route: FrontRoute, name: string): Section {
  const isDirect = front.mode === 'direct';
  const { path } = route;
  const exact = path === '/' ? 'Path(`/`)' : `(Path(\`${path}\`) || Path(\`${path}/\`))`;
  const rule = joinRules([toHostRule(front), exact]);
  const foreign = `HeaderRegexp(\`Origin\`, \`.\`) && !HeaderRegexp(\`Origin\`, \`${toOriginPattern(front)}\`)`;
  const before = ['answers', 'claims', 'flood'];
  const access = isDirect && route.protected ? ['ask', 'strip'] : [];
  const after = isDirect ? [`${name}-path`] : [];
  return {
    [name]: {
      entryPoints: ['secure'],
      rule: because('exact-path', rule),
      priority: 100,
      middlewares: [...before, ...access, ...after],
      service: name,
      tls: {},
    },
    ...(isDirect
      ? {
          [`${name}-foreign`]: {
            entryPoints: ['secure'],
            rule: because('origin-guard', joinRules([rule, foreign])),
            priority: 200,
            middlewares: ['refuse'],
            service: 'noop@internal',
            tls: {},
          },
        }
      : {}),
  };
}

function buildPlainRouters(front: Front): Section {
  if (front.plainHttp === undefined) return {};
  const page =
    '(Method(`GET`) || Method(`HEAD`)) && !HeaderRegexp(`Authorization`, `.`) && !HeaderRegexp(`Accept`, `text/event-stream`)';
  return {
    page: {
      entryPoints: ['plain'],
      rule: because('http-redirect', joinRules([toHostRule(front), page])),
      priority: 20,
      middlewares: ['to-https'],
      service: 'noop@internal',
    },
    call: {
      entryPoints: ['plain'],
      rule: 'PathPrefix(`/`)',
      priority: 10,
      middlewares: ['refuse'],
      service: 'noop@internal',
    },
  };
}

/** OAuth metadata and the pages of the authorization server, which Breakwater answers. */
function buildLogin(front: Front): { routers: Section; services: Section; transports: Section } {
  const { mode, authz, routes } = front;
  const breakwater: FrontUpstream | undefined =
    mode === 'front'
      ? routes[0]?.upstreams[0]
      : authz === undefined
        ? undefined
        : { kind: 'tcp', secure: false, ...authz, path: '/', ca: undefined, weight: 1 };
  if (breakwater === undefined || !routes.some((route) => route.protected))
    return { routers: {}, services: {}, transports: {} };
  const exact = [...new Set([...routes.flatMap(({ metadataPaths }) => metadataPaths), ...loginPaths.exact])];
  const paths = [...exact.map((path) => `Path(\`${path}\`)`), `PathPrefix(\`${loginPaths.prefix}\`)`].join(
    ' || ',
  );
  return {
    routers: {
      login: {
        entryPoints: ['secure'],
        rule: because('metadata-path', joinRules([toHostRule(front), `(${paths})`])),
        priority: 300,
        middlewares: ['security', 'claims', 'flood'],
        service: 'login',
        tls: {},
      },
    },
    services: buildService({ ...front, mode: 'front' }, [breakwater], 'login'),
    transports: buildTransport(front, breakwater, 'login'),
  };
}

function buildSharedMiddlewares(front: Front): Section {
  const { mode, authz, limits, trustedProxies, publicUrl, origins, names } = front;
  const isDirect = mode === 'direct';
  const strict = hasPublicName(front) ? { stsSeconds: because('hsts', 63_072_000) } : {};
  const { port } = new URL(publicUrl);
  const forwards =
    trustedProxies.length === 0 ? claimedForwards : claimedForwards.filter((name) => !name.endsWith('-Port'));
  const wanted = new Set(
    [...claimedHeaders, ...claimedMembers, ...forwards, 'X-Breakwater-Authorization'].filter(
      (name) => name !== 'X-Real-IP',
    ),
  );
  const wildcards = names.filter((name) => name.startsWith('*.'));
  const suffix = port === '' ? '' : `:${port}`;
  const own = names
    .filter((name) => !name.startsWith('*.'))
    .map((name) => `https://${toBracketedHost(name)}${suffix}`);
  return {
    answers: {
      headers: {
        ...strict,
        ...(isDirect
          ? {
              accessControlAllowOriginList: because('cors', [...new Set([...own, publicUrl, ...origins])]),
              ...(wildcards.length === 0
                ? {}
                : {
                    accessControlAllowOriginListRegex: wildcards.map(
                      (name) => `^https://[a-z0-9_-]+${escapePattern(name.slice(1) + suffix)}$`,
                    ),
                  }),
              accessControlAllowMethods: endpointMethods,
              accessControlAllowHeaders: browserHeaders,
              accessControlExposeHeaders: exposedHeaders.split(', '),
              accessControlMaxAge: preflightSeconds,
              addVaryHeader: true,
            }
          : {}),
      },
    },
    security: { headers: { ...strict, customResponseHeaders: { 'X-Powered-By': '' } } },
    claims: {
      headers: {
        customRequestHeaders: because(['identity-headers', 'no-compression'], {
          ...Object.fromEntries([...wanted].map((name) => [name, ''])),
          'Accept-Encoding': 'identity',
        }),
      },
    },
    flood: {
      inFlightReq: because('rate-limit', {
        amount: limits.connectionsPerAddress,
        sourceCriterion: {
          ipStrategy: trustedProxies.length === 0 ? { depth: 0 } : { excludedIPs: trustedProxies },
        },
      }),
    },
    refuse: { ipAllowList: noted('nobody has this address: everyone gets 403', { sourceRange: [nobody] }) },
    ...(front.plainHttp === undefined
      ? {}
      : {
          'to-https': {
            redirectScheme: { scheme: 'https', ...(port === '' ? {} : { port }), permanent: true },
          },
        }),
    ...(isDirect && authz !== undefined
      ? {
          ask: {
            forwardAuth: because('access-control', {
              address: `http://${formatAuthority(authz.host, authz.port)}/authz`,
              trustForwardHeader: trustedProxies.length > 0,
            }),
          },
          strip: noted("the caller's credentials are for this door, not for what is behind it", {
            headers: { customRequestHeaders: { Authorization: '', 'X-Api-Key': '' } },
          }),
        }
      : {}),
  };
}

function buildOwnMiddlewares(front: Front, route: FrontRoute, name: string): Section {
  const [first] = route.upstreams;
  if (front.mode === 'front' || first === undefined) return {};
  return { [`${name}-path`]: { replacePath: because('path-kept', { path: first.path }) } };
}

function buildService(front: Front, upstreams: readonly FrontUpstream[], name: string): Section {
  const servers = upstreams.flatMap((upstream) => {
    if (upstream.kind === 'unix') return [];
    const { secure, host, port, weight } = upstream;
    const url = `${secure ? 'https' : 'http'}://${formatAuthority(host, port)}`;
    return [weight === 1 ? { url } : { url, weight }];
  });
  return {
    [name]: {
      loadBalancer: {
        servers,
        ...(servers.length > 1 ? { strategy: because('session-affinity', 'hrw') } : {}),
        passHostHeader: because('host-header', front.mode === 'front'),
        responseForwarding: because('unbuffered', { flushInterval: '-1ms' }),
        serversTransport: name,
      },
    },
  };
}

function buildTransport(front: Front, upstream: FrontUpstream | undefined, name: string): Section {
  const { timeouts } = front;
  const secure = upstream?.kind === 'tcp' && upstream.secure ? upstream : undefined;
  return {
    [name]: {
      ...(secure?.ca === undefined
        ? {}
        : {
            rootCAs: noted(
              'the roots that the certificate behind is checked against; without the check anything there could read tokens',
              [secure.ca],
            ),
          }),
      disableHTTP2: true,
      maxIdleConnsPerHost: because('upstream-keep-alive', 64),
      forwardingTimeouts: {
        dialTimeout: `${timeouts.connect}ms`,
        responseHeaderTimeout: because('long-streams', '0s'),
        idleConnTimeout: `${timeouts.upstreamIdle}ms`,
      },
    },
  };
}

function toHostRule({ names }: Front): string | undefined {
  if (names.length === 0) return undefined;
  const rules = names.map((name) =>
    name.startsWith('*.')
      ? `HostRegexp(\`^[a-z0-9_-]+${escapePattern(name.slice(1))}$\`)`
      : `Host(\`${toBracketedHost(name)}\`)`,
  );
  return rules.length === 1 ? rules[0] : `(${rules.join(' || ')})`;
}

function joinRules(rules: readonly (string | undefined)[]): string {
  return rules.filter((rule) => rule !== undefined).join(' && ');
}
