import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, headOf } from '../directive.ts';
import { insertBehind, replaceWith } from '../edits.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost, isPublicHost, isSelfSigned } from '../upstream-host.ts';
import { atServers, insertInServer, placeOf, setAt } from './corrections.ts';
import { isSecure } from './guard-rules.ts';
import {
  effective,
  scopesIn,
  valueOf,
  type NginxEndpoint,
  type NginxModel,
  type NginxScope,
} from './model.ts';

/** TLS on both sides, and plain HTTP beside it. */
export const nginxTlsRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-listen-http2',
    severity: 'info',
    requirement: 'current-directives',
    title: '`listen … http2`',
    check: (model) => {
      const { endpointServers, version } = model;
      // `http2 on` does not exist before.
      if (version !== undefined && compareVersions(version, '1.25.1') < 0) return [];
      return endpointServers.flatMap((server) => {
        const listen = server.directives.filter(
          ({ name, args }) => name === 'listen' && args.some(({ text }) => text === 'http2'),
        );
        return listen.map((directive) => {
          const words = argTexts(directive).filter((word) => word !== 'http2');
          return {
            at: directive.args.find(({ text }) => text === 'http2') ?? directive,
            message: '`http2` on `listen` is deprecated since nginx 1.25.1',
            ...(version === undefined ? {} : { severity: 'warning' as const }),
            lines: [`listen ${words.join(' ')};`, 'http2 on;'],
            ...(version === undefined
              ? {}
              : replaceWith(directive, [`listen ${words.join(' ')};`, 'http2 on;'])),
          };
        });
      });
    },
  },
  {
    id: 'nginx-no-http2',
    severity: 'info',
    requirement: 'http2',
    title: 'HTTP/2 is not offered',
    check: atServers((server, model) => {
      if (!isSecure(server) || valueOf(server, 'http2', 'off') === 'on') return undefined;
      const listens = server.directives.filter(({ name }) => name === 'listen');
      if (listens.some(({ args }) => args.some(({ text }) => text === 'http2' || text === 'quic')))
        return undefined;
      return {
        at: placeOf(server, model),
        message: 'this server speaks HTTP/1.1 alone',
        lines: ['http2 on;'],
      };
    }),
  },
  {
    id: 'nginx-old-tls',
    severity: 'error',
    requirement: 'tls-policy',
    title: 'old TLS versions are accepted',
    check: atServers((server) => {
      const directive = effective(server, 'ssl_protocols');
      const old = directive?.args.find(({ text }) => /^(?:SSLv[23]|TLSv1|TLSv1\.1)$/i.test(text));
      if (directive === undefined || old === undefined || !isSecure(server)) return undefined;
      return {
        at: old,
        message: `\`ssl_protocols\` accepts \`${old.text}\``,
        ...replaceWith(directive, ['ssl_protocols TLSv1.2 TLSv1.3;']),
      };
    }),
  },
  {
    id: 'nginx-tls-versions-default',
    severity: 'info',
    requirement: 'tls-policy',
    title: 'TLS versions are left to the default',
    check: atServers((server, model) =>
      isSecure(server) && effective(server, 'ssl_protocols') === undefined
        ? {
            at: placeOf(server, model),
            message:
              'without `ssl_protocols`, nginx releases up to 1.27 also accept TLS 1.0 and 1.1 where OpenSSL does',
            ...insertInServer(server, 'ssl_protocols TLSv1.2 TLSv1.3;'),
          }
        : undefined,
    ),
  },
  {
    id: 'nginx-certificate-chain',
    severity: 'error',
    requirement: 'certificate-chain',
    title: 'the certificate without its chain',
    check: atServers((server) => {
      const directive = effective(server, 'ssl_certificate');
      const file = firstArg(directive);
      if (
        directive === undefined ||
        !/(?:^|\/)(?:cert|leaf|server-cert)\.pem$/.test(file) ||
        !isSecure(server)
      )
        return undefined;
      const whole = file.replace(/[^/]+$/, 'fullchain.pem');
      return {
        at: directive.args[0] ?? directive,
        message: `\`${file}\` is the certificate alone, by its name`,
        ...replaceWith(directive, [`ssl_certificate ${whole};`]),
      };
    }),
  },
  {
    id: 'nginx-certificate-untrusted',
    severity: 'error',
    requirement: 'certificate-chain',
    title: 'a certificate that no client trusts',
    breaks: 'every client refuses the certificate, and users turn the check off',
    check: atServers((server) => {
      const directive = effective(server, 'ssl_certificate');
      if (directive === undefined || !isSelfSigned(firstArg(directive)) || !isSecure(server))
        return undefined;
      return {
        at: directive.args[0] ?? directive,
        message: `\`${firstArg(directive)}\` is self-signed, by its name`,
        lines: ['ssl_certificate /etc/letsencrypt/live/mcp.example.com/fullchain.pem;'],
      };
    }),
  },
  {
    id: 'nginx-plain-http-endpoint',
    severity: 'error',
    requirement: 'http-redirect',
    title: 'the endpoint is open on plain HTTP',
    check: atServers((server) => {
      const listens = server.directives.filter(({ name }) => name === 'listen');
      if (server.directives.some(({ name, args }) => name === 'ssl' && args[0]?.text === 'on'))
        return undefined;
      const open = listens.find(
        ({ args }) =>
          !args.some(({ text }) => text === 'ssl' || text === 'quic') && !isLocalHost(args[0]?.text ?? ''),
      );
      if (open === undefined && listens.length > 0) return undefined;
      const at = open ?? server.directive;
      return at === undefined
        ? undefined
        : {
            at: open ?? headOf(at),
            message: 'calls are answered on plain HTTP, with whatever token they carry',
            lines: ['listen 443 ssl;'],
          };
    }),
  },
  {
    id: 'nginx-http-redirect-post',
    severity: 'warning',
    requirement: 'http-redirect',
    title: 'plain HTTP redirects calls',
    breaks: 'the token has been sent in clear text before the redirect, and 301 turns the POST into a GET',
    check: ({ servers, endpointServers }) =>
      servers
        .filter((server) => !isSecure(server) && sharesName(server, endpointServers))
        .flatMap((server) => {
          const redirect = findRedirect(server);
          if (redirect === undefined || discriminates(server)) return [];
          return [
            {
              at: redirect,
              message: `\`${redirect.name} ${argTexts(redirect).slice(0, 2).join(' ')}\` redirects calls as it does pages`,
              lines: [
                'if ($request_method !~ ^(GET|HEAD)$) { return 403; }',
                'return 301 https://$host$request_uri;',
              ],
              edits: [
                {
                  source: redirect.source,
                  start: redirect.start,
                  end: redirect.start,
                  text: 'if ($request_method !~ ^(GET|HEAD)$) { return 403; } ',
                },
              ],
            },
          ];
        }),
  },
  {
    id: 'nginx-upstream-in-clear',
    severity: 'error',
    requirement: 'upstream-hidden',
    title: 'plain HTTP to an upstream elsewhere',
    breaks: 'tokens and what tools answer cross other networks in clear text',
    check: atEndpoints((endpoint) => {
      const { pass, target } = endpoint;
      if (target.scheme !== 'http' || target.hasVariables) return undefined;
      const address = addressesOf(endpoint).find(({ text }) => isPublicHost(text));
      if (address === undefined) return undefined;
      return {
        at: address,
        message: `\`${address.text}\` is reached over plain HTTP`,
        lines: [`proxy_pass https://${firstArg(pass).replace(/^http:\/\//, '')};`, 'proxy_ssl_verify on;'],
      };
    }),
  },
  {
    id: 'nginx-upstream-unverified',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: 'the certificate of the upstream is not checked',
    breaks: 'whoever is on the way to the upstream can answer in its place, and gets every token',
    check: atEndpoints((endpoint) => {
      const { scope, target } = endpoint;
      if (target.scheme !== 'https' || valueOf(scope, 'proxy_ssl_verify', 'off') === 'on') return undefined;
      if (addressesOf(endpoint).every(({ text }) => isLocalHost(text))) return undefined;
      return {
        message: '`proxy_ssl_verify` is off, which is its default',
        ...setAt(endpoint, 'proxy_ssl_verify on;'),
        lines: ['proxy_ssl_verify on;', 'proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;'],
        edits: insertBehind(endpoint.pass, [
          'proxy_ssl_verify on;',
          'proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;',
        ]).edits,
      };
    }),
  },
  {
    id: 'nginx-upstream-sni-off',
    severity: 'warning',
    requirement: 'host-header',
    title: 'no server name in TLS to the upstream',
    breaks:
      'an upstream with several names serves the wrong certificate, or ends the handshake: clients see 502',
    check: atEndpoints((endpoint) => {
      const { scope, target } = endpoint;
      if (target.scheme !== 'https' || valueOf(scope, 'proxy_ssl_server_name', 'off') === 'on')
        return undefined;
      if (!addressesOf(endpoint).some(({ text }) => isPublicHost(text) && /[a-z]/i.test(text)))
        return undefined;
      return {
        message: '`proxy_ssl_server_name` is off, which is its default',
        ...setAt(endpoint, 'proxy_ssl_server_name on;'),
      };
    }),
  },
];

/** Negative when the first is older. */
function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((version) => version.split('.').map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function addressesOf({
  pass,
  target,
  upstream,
}: NginxEndpoint): { text: string; source: typeof pass.source; start: number; end: number }[] {
  if (upstream === undefined) {
    const at = pass.args[0] ?? pass.head;
    return [{ text: target.host, source: at.source, start: at.start, end: at.end }];
  }
  const servers = upstream.block?.filter(({ name }) => name === 'server') ?? [];
  return servers.flatMap(({ args }) => args.slice(0, 1));
}

function sharesName(server: NginxScope, others: readonly NginxScope[]): boolean {
  const names = namesOf(server);
  return others.some((other) => other !== server && namesOf(other).some((name) => names.includes(name)));
}

function namesOf(server: NginxScope): string[] {
  return server.directives.filter(({ name }) => name === 'server_name').flatMap(argTexts);
}

function findRedirect(server: NginxScope): NginxScope['directives'][number] | undefined {
  const everywhere = scopesIn(server, 'location')
    .filter(({ directive }) => directive?.args.at(-1)?.text === '/')
    .flatMap(({ directives }) => directives);
  return [...server.directives, ...everywhere].find(
    ({ name, args }) =>
      (name === 'return' &&
        /^30[123]$/.test(args[0]?.text ?? '') &&
        args[1]?.text.startsWith('https:') === true) ||
      (name === 'rewrite' && args[1]?.text.startsWith('https:') === true),
  );
}

/** Whether calls are told from pages: by method, or by a location of their own. */
function discriminates(server: NginxScope): boolean {
  const blocks = server.directives.concat(
    scopesIn(server, 'location').flatMap(({ directives }) => directives),
  );
  return blocks.some(
    ({ name, args }) =>
      name === 'limit_except' ||
      (name === 'if' && args.some(({ text }) => /\$(?:request_method|http_authorization)/.test(text))),
  );
}
