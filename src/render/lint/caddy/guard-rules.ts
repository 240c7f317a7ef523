import { atEndpoints } from '../at-endpoints.ts';
import { type Directive, argTexts, firstArg, walk, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { hostOf, isLocalHost, isPublicHost } from '../upstream-host.ts';
import {
  addressesOf,
  alongTheWay,
  isPlain,
  lineOf,
  optionOf,
  transportOf,
  type CaddyEndpoint,
  type CaddyModel,
  wordsAround,
} from './model.ts';

/** Who may call, over what, and what is told about it. */
export const caddyGuardRules: readonly LintRule<CaddyModel>[] = [
  {
    id: 'caddy-upstream-unverified',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: 'the certificate of the upstream is not checked',
    breaks: 'whoever is on the way to the upstream can answer in its place, and gets every token',
    check: atEndpoints((endpoint) => {
      const option = transportOf(endpoint).find(({ name }) => name === 'tls_insecure_skip_verify');
      if (option === undefined || endpoint.upstreams.every(({ text }) => isLocalHost(authorityOf(text))))
        return undefined;
      return {
        at: option,
        message: '`tls_insecure_skip_verify` takes any certificate',
        lines: ['tls_trust_pool file /etc/caddy/upstream-ca.pem'],
      };
    }),
  },
  {
    id: 'caddy-upstream-in-clear',
    severity: 'error',
    requirement: 'upstream-hidden',
    title: 'plain HTTP to an upstream elsewhere',
    breaks: 'tokens and what tools answer cross other networks in clear text',
    check: atEndpoints((endpoint) => {
      if (transportOf(endpoint).some(({ name }) => name.startsWith('tls'))) return undefined;
      const address = endpoint.upstreams.find(
        ({ text }) => !text.startsWith('https://') && isPublicHost(authorityOf(text)),
      );
      return address === undefined
        ? undefined
        : {
            at: address,
            message: `\`${address.text}\` is reached over plain HTTP`,
            lines: [`reverse_proxy https://${hostOf(authorityOf(address.text))}`],
          };
    }),
  },
  {
    id: 'caddy-no-access-control',
    severity: 'warning',
    requirement: 'access-control',
    title: 'nothing asks who calls',
    check: atEndpoints((endpoint) => {
      const words = wordsAround(endpoint);
      const ways =
        /^(?:forward_auth|basic_?auth|authenticate|authorize|authp|jwtauth|client_auth|remote_ip|client_ip|oauth2)$|authorization/i;
      if (words.some((word) => ways.test(word))) return undefined;
      return {
        at: headOf(endpoint.proxy),
        message: 'nothing before the upstream asks who calls',
        lines: ['forward_auth 127.0.0.1:9000 {', '    uri /authz', '}'],
      };
    }),
  },
  {
    id: 'caddy-auth-basic',
    severity: 'warning',
    requirement: 'access-control',
    title: 'Basic authentication before an MCP endpoint',
    breaks:
      'MCP clients send `Authorization: Bearer` and can ask nobody for a password: they give up with 401',
    check: atEndpoints((endpoint) => {
      const directive = [...alongTheWay(endpoint, 'basic_auth'), ...alongTheWay(endpoint, 'basicauth')].at(0);
      return directive === undefined
        ? undefined
        : {
            at: headOf(directive),
            message: 'MCP clients cannot answer a Basic challenge',
            lines: ['forward_auth 127.0.0.1:9000 {', '    uri /authz', '}'],
          };
    }),
  },
  {
    id: 'caddy-no-origin-guard',
    severity: 'warning',
    requirement: 'origin-guard',
    title: 'the Origin of browsers is not looked at',
    check: atEndpoints((endpoint) => {
      if (wordsAround(endpoint).includes('forward_auth') || refusesBy(endpoint, /^origin$|header\.origin/i))
        return undefined;
      return {
        at: headOf(endpoint.proxy),
        message: 'requests of web pages of any origin reach the endpoint',
        lines: [
          '@stranger {',
          '    header Origin *',
          '    not header Origin https://mcp.example.com',
          '}',
          'respond @stranger 403',
        ],
      };
    }),
  },
  {
    id: 'caddy-no-host-guard',
    severity: 'warning',
    requirement: 'host-guard',
    title: 'the site answers for any host',
    check: atEndpoints((endpoint) => {
      const open = addressesOf(endpoint.site).find(({ text }) =>
        /^(?:https?:\/\/)?(?::\d+|0\.0\.0\.0(?::\d+)?)?\/?$/.test(text),
      );
      if (open === undefined || wordsAround(endpoint).includes('host')) return undefined;
      return {
        at: open,
        message: `\`${open.text}\` has no name: requests for any host are answered`,
        lines: ['mcp.example.com {'],
      };
    }),
  },
  {
    id: 'caddy-certificate-internal',
    severity: 'warning',
    requirement: 'certificate-chain',
    title: 'a certificate of the local authority for a public name',
    breaks: 'every client refuses the certificate: none trusts the authority of this machine',
    check: atEndpoints(({ site }) => {
      const tls = optionOf(site.block, 'tls');
      const name = addressesOf(site).find(
        ({ text }) =>
          /^(?:https:\/\/)?[\w-]+(?:\.[\w-]+)+(?::\d+)?$/.test(text) &&
          !/\d$|\.(?:local|internal|lan|test|localhost)(?::\d+)?$/.test(text),
      );
      if (tls === undefined || firstArg(tls) !== 'internal' || name === undefined) return undefined;
      return {
        at: headOf(tls),
        message: `\`tls internal\` for \`${name.text}\``,
        lines: ['tls ops@example.com'],
      };
    }),
  },
  {
    id: 'caddy-no-hsts',
    severity: 'warning',
    requirement: 'hsts',
    title: 'no `Strict-Transport-Security`',
    check: atEndpoints((endpoint) => {
      if (wordsAround(endpoint).some((word) => /^[+?>]?strict-transport-security$/i.test(word)))
        return undefined;
      if (addressesOf(endpoint.site).every(({ text }) => isPlain(text))) return undefined;
      return {
        at: headOf(endpoint.site),
        message: 'answers carry no `Strict-Transport-Security`',
        lines: ['header Strict-Transport-Security max-age=31536000'],
      };
    }),
  },
  {
    id: 'caddy-cors-any-origin',
    severity: 'warning',
    requirement: 'cors',
    title: 'any web page may read answers',
    check: atEndpoints((endpoint) => {
      const origin = responseHeader(endpoint, 'Access-Control-Allow-Origin');
      const value = origin?.args.at(-1)?.text ?? '';
      if (origin === undefined || !/^\*$|header\.origin/i.test(value)) return undefined;
      const isOpen = value === '*' || !wordsAround(endpoint).some((word) => /^origin$/i.test(word));
      const credentials = responseHeader(endpoint, 'Access-Control-Allow-Credentials') !== undefined;
      if (!isOpen) return undefined;
      return {
        at: origin,
        message: `\`Access-Control-Allow-Origin ${value}\`${credentials ? ' together with credentials' : ''} lets pages of every origin read what tools answer`,
        ...(credentials ? { severity: 'error' as const } : {}),
        lines: ['header Access-Control-Allow-Origin https://app.example.com'],
      };
    }),
  },
  {
    id: 'caddy-cors-not-exposed',
    severity: 'warning',
    requirement: 'cors',
    title: 'browsers may not read the headers of MCP',
    check: atEndpoints((endpoint) => {
      const origin = responseHeader(endpoint, 'Access-Control-Allow-Origin');
      const exposed = responseHeader(endpoint, 'Access-Control-Expose-Headers')?.args.at(-1)?.text ?? '';
      if (origin === undefined || /mcp-session-id|^\*$/i.test(exposed)) return undefined;
      return {
        at: origin,
        message: '`Access-Control-Expose-Headers` does not name `Mcp-Session-Id`',
        lines: ['header Access-Control-Expose-Headers "Mcp-Session-Id, WWW-Authenticate"'],
      };
    }),
  },
  {
    id: 'caddy-header-withheld',
    severity: 'error',
    requirement: 'header-names',
    title: 'a header that MCP needs is taken away',
    breaks: 'sessions and logins fail: every later call is answered with 400 or 401',
    check: atEndpoints((endpoint) => {
      const removal = [
        ...(endpoint.proxy.block ?? []),
        ...alongTheWay(endpoint, 'header'),
        ...alongTheWay(endpoint, 'request_header'),
      ]
        .flatMap((directive) =>
          directive.name === 'header' ? [directive, ...(directive.block ?? [])] : [directive],
        )
        .find((directive) =>
          [directive.name, ...argTexts(directive)].some((word) =>
            /^-(?:mcp-session-id|mcp-protocol-version|www-authenticate|last-event-id|mcp-\*)$/i.test(word),
          ),
        );
      return removal === undefined
        ? undefined
        : {
            at: removal,
            message: `\`${lineOf(removal)}\` takes away what clients and servers need`,
            lines: [],
          };
    }),
  },
  {
    id: 'caddy-identity-headers',
    severity: 'info',
    requirement: 'identity-headers',
    title: 'headers that name a user pass',
    check: atEndpoints((endpoint) => {
      const names = /^-?(?:x-forwarded-user|x-auth-request-|x-remote-|remote-|x-\*)/i;
      if (wordsAround(endpoint).some((word) => names.test(word))) return undefined;
      return {
        at: headOf(endpoint.proxy),
        message: '`X-Forwarded-User` of the client reaches the upstream',
        lines: ['header_up -X-Forwarded-User', 'header_up -Remote-*'],
      };
    }),
  },
  {
    id: 'caddy-trusted-proxies-wide',
    severity: 'warning',
    requirement: 'forwarded-headers',
    title: 'too many are believed about the client',
    check: ({ global, endpoints }) => {
      const servers = global?.block?.filter(({ name }) => name === 'servers') ?? [];
      const lines = [...servers, ...endpoints.map(({ proxy }) => proxy)].flatMap(({ block }) => block ?? []);
      const wide = /^(?:private_ranges|0\.0\.0\.0\/0|::\/0)$/;
      return lines
        .filter(({ name, args }) => name === 'trusted_proxies' && args.some(({ text }) => wide.test(text)))
        .map((line) => {
          const word = line.args.find(({ text }) => wide.test(text));
          return {
            at: word ?? line,
            message: `every address of \`${word?.text ?? ''}\` may say which client it speaks for`,
            lines: [line.name, ...argTexts(line).filter((text) => text === 'static'), '10.0.0.2/32']
              .join(' ')
              .split('\n'),
          };
        });
    },
  },
  {
    id: 'caddy-admin-exposed',
    severity: 'error',
    requirement: 'upstream-hidden',
    title: 'the administration interface is open',
    breaks: 'whoever reaches it can change the whole configuration, and read every call',
    check: ({ global }) => {
      const admin = optionOf(global?.block, 'admin');
      const address = firstArg(admin);
      if (
        admin === undefined ||
        address === '' ||
        address === 'off' ||
        isLocalHost(address) ||
        address.startsWith('unix/')
      )
        return [];
      return [
        {
          at: admin,
          message: `\`admin ${address}\` listens for other machines`,
          lines: ['admin localhost:2019'],
        },
      ];
    },
  },
  {
    id: 'caddy-credentials-logged',
    severity: 'error',
    requirement: 'secret-free-logs',
    title: 'tokens are logged',
    breaks: 'whoever reads the log can call every tool as its users',
    check: ({ global, endpoints }) => {
      const option = [...walk(global?.block ?? [])].find(({ name }) => name === 'log_credentials');
      return option === undefined || endpoints.length === 0
        ? []
        : [
            {
              at: option,
              message: '`log_credentials` writes `Authorization` and cookies to the log',
              lines: [],
            },
          ];
    },
  },
];

/** Without scheme and path. */
function authorityOf(upstream: string): string {
  return /^(?:[a-z0-9+]+:\/\/)?([^/]*)/i.exec(upstream)?.[1] ?? upstream;
}

function responseHeader(endpoint: CaddyEndpoint, name: string): Directive | undefined {
  const wanted = name.toLowerCase();
  return alongTheWay(endpoint, 'header')
    .flatMap((directive) => [directive, ...(directive.block ?? [])])
    .find((directive) =>
      [directive.name, ...argTexts(directive)].some(
        (word) => word.replace(/^[+?>]/, '').toLowerCase() === wanted,
      ),
    );
}

/** Whether requests are refused, or led here, by a matcher with a word that fits; what answers are told guards nothing. */
function refusesBy({ around, proxy }: CaddyEndpoint, pattern: RegExp): boolean {
  const lines = around.flatMap(({ block }) => block ?? []);
  const matchers = lines.filter(({ name }) => name.startsWith('@'));
  const fitting = matchers.filter((matcher) =>
    [...walk([matcher])].some((line) => argTexts(line).some((word) => pattern.test(word))),
  );
  const names = new Set(fitting.map(({ name }) => name));
  const refusing = lines.filter(
    (line) => refuses(line) || (line.block ?? []).some((inner) => refuses(inner)),
  );
  return [...around.slice(1), proxy, ...refusing].some((line) => names.has(firstArg(line)));
}

function refuses({ name, args }: Directive): boolean {
  return (
    name === 'abort' ||
    name === 'error' ||
    (name === 'respond' && args.some(({ text }) => /^4\d\d$/.test(text)))
  );
}
