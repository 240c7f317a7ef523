import { atEndpoints } from '../at-endpoints.ts';
import { argTexts, firstArg, walk, headOf } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { isLocalHost, isPublicHost, isSelfSigned } from '../upstream-host.ts';
import { portOf } from './corrections.ts';
import { authorityOf, effective, lineOf, type ApacheModel } from './model.ts';

/** Who may call, and over what. */
export const apacheGuardRules: readonly LintRule<ApacheModel>[] = [
  {
    id: 'apache-upstream-unverified',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: 'the certificate of the upstream is not checked',
    breaks: 'whoever is on the way to the upstream can answer in its place, and gets every token',
    check: atEndpoints((endpoint) => {
      if (!/^https:/i.test(endpoint.target.text) || isLocalHost(authorityOf(endpoint.target.text)))
        return undefined;
      const verify = effective(endpoint, 'sslproxyverify');
      const names = effective(endpoint, 'sslproxycheckpeername');
      if (/^require$/i.test(firstArg(verify)) && !/^off$/i.test(firstArg(names))) return undefined;
      return {
        at: verify ?? endpoint.target,
        message:
          verify === undefined ? '`SSLProxyVerify` is none, which is its default' : `\`${lineOf(verify)}\``,
        lines: [
          'SSLProxyVerify require',
          'SSLProxyCACertificateFile /etc/ssl/certs/ca-certificates.crt',
          'SSLProxyCheckPeerName on',
        ],
      };
    }),
  },
  {
    id: 'apache-upstream-in-clear',
    severity: 'error',
    requirement: 'upstream-hidden',
    title: 'plain HTTP to an upstream elsewhere',
    breaks: 'tokens and what tools answer cross other networks in clear text',
    check: atEndpoints((endpoint) => {
      const targets = [endpoint.target, ...endpoint.members.flatMap(({ args }) => args.slice(0, 1))];
      const open = targets.find(({ text }) => /^http:/i.test(text) && isPublicHost(authorityOf(text)));
      return open === undefined
        ? undefined
        : {
            at: open,
            message: `\`${authorityOf(open.text)}\` is reached over plain HTTP`,
            lines: [`ProxyPass ${endpoint.path} ${open.text.replace(/^http:/i, 'https:')}`],
          };
    }),
  },
  {
    id: 'apache-open-proxy',
    severity: 'error',
    requirement: 'access-control',
    title: '`ProxyRequests On`',
    breaks: 'anyone can reach any address through this server, those of the inner network included',
    check: ({ directives, endpoints }) => {
      const line = [...walk(directives)].find(
        ({ name, args }) => name === 'proxyrequests' && /^on$/i.test(args[0]?.text ?? ''),
      );
      return line === undefined || endpoints.length === 0
        ? []
        : [{ at: line, message: 'this server is an open proxy', lines: ['ProxyRequests Off'] }];
    },
  },
  {
    id: 'apache-no-access-control',
    severity: 'warning',
    requirement: 'access-control',
    title: 'nothing asks who calls',
    check: atEndpoints((endpoint) => {
      const lines = [...walk(endpoint.scopes.flat())];
      const isGuarded = lines.some(
        ({ name, args }) =>
          (name === 'require' && !/^(?:all|method|env)$/i.test(args[0]?.text ?? '')) ||
          (name === 'sslverifyclient' && /^require$/i.test(args[0]?.text ?? '')) ||
          /^(?:authtype|oidc\w*|authnz\w*|deny)$/.test(name) ||
          args.some(({ text }) => /http:authorization|http_authorization|\{Authorization\}/i.test(text)),
      );
      if (isGuarded) return undefined;
      return {
        at: headOf(endpoint.pass),
        message: 'nothing before the upstream asks who calls',
        lines: ['RewriteCond %{HTTP:Authorization} !^Bearer', 'RewriteRule ^/mcp - [R=401,L]'],
      };
    }),
  },
  {
    id: 'apache-auth-basic',
    severity: 'warning',
    requirement: 'access-control',
    title: 'Basic authentication before an MCP endpoint',
    breaks:
      'MCP clients send `Authorization: Bearer` and can ask nobody for a password: they give up with 401',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'authtype');
      return line === undefined || !/^(?:basic|digest)$/i.test(firstArg(line))
        ? undefined
        : {
            at: line,
            message: `MCP clients cannot answer a ${firstArg(line)} challenge`,
            lines: ['AuthType oauth20'],
          };
    }),
  },
  {
    id: 'apache-no-origin-guard',
    severity: 'warning',
    requirement: 'origin-guard',
    title: 'the Origin of browsers is not looked at',
    check: atEndpoints((endpoint) => {
      const lines = [...walk(endpoint.scopes.flat())];
      const looks = lines.some(
        ({ name, args }) =>
          // Whoever only answers with the Origin, as for CORS, has let it in.
          /^(?:rewritecond|require|if|elseif)$/.test(name) && args.some(({ text }) => /origin/i.test(text)),
      );
      return looks
        ? undefined
        : {
            at: headOf(endpoint.pass),
            message: 'requests of web pages of any origin reach the endpoint',
            lines: [
              'RewriteCond %{HTTP:Origin} !^(https://mcp\\.example\\.com)?$',
              'RewriteRule ^/mcp - [F]',
            ],
          };
    }),
  },
  {
    id: 'apache-no-host-guard',
    severity: 'warning',
    requirement: 'host-guard',
    title: 'requests for any host reach the endpoint',
    check: atEndpoints(({ host, scopes }, { hosts }) => {
      const port = portOf(host);
      const first = hosts.find((other) => portOf(other) === port);
      const looks = scopes
        .flat()
        .some(({ name, args }) => name === 'rewritecond' && /HTTP_HOST|HTTP:Host/i.test(args[0]?.text ?? ''));
      if (host === undefined || host !== first || looks) return undefined;
      return {
        at: headOf(host),
        message: 'the first virtual host of a port also answers for names that are not its own',
        lines: [
          `<VirtualHost *:${port}>`,
          '    ServerName refused.invalid',
          '    Redirect 404 /',
          '</VirtualHost>',
        ],
      };
    }),
  },
  {
    id: 'apache-old-tls',
    severity: 'error',
    requirement: 'tls-policy',
    title: 'old TLS versions are accepted',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'sslprotocol');
      if (line === undefined) return undefined;
      const words = argTexts(line).map((word) => word.toLowerCase());
      const isOpen =
        words.some((word) => /^\+?(?:sslv3|tlsv1|tlsv1\.1)$/.test(word)) ||
        (words.some((word) => /^\+?all$/.test(word)) &&
          !(words.includes('-tlsv1') && words.includes('-tlsv1.1')));
      return isOpen
        ? {
            at: line,
            message: `\`${lineOf(line)}\` accepts TLS 1.0 or 1.1`,
            lines: ['SSLProtocol -all +TLSv1.2 +TLSv1.3'],
          }
        : undefined;
    }),
  },
  {
    id: 'apache-certificate-untrusted',
    severity: 'error',
    requirement: 'certificate-chain',
    title: 'a certificate that no client trusts',
    breaks: 'every client refuses the certificate, and users turn the check off',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'sslcertificatefile');
      return line === undefined || !isSelfSigned(firstArg(line))
        ? undefined
        : {
            at: line.args[0] ?? line,
            message: `\`${firstArg(line)}\` is self-signed, by its name`,
            lines: ['SSLCertificateFile /etc/letsencrypt/live/mcp.example.com/fullchain.pem'],
          };
    }),
  },
  {
    id: 'apache-certificate-chain',
    severity: 'error',
    requirement: 'certificate-chain',
    title: 'the certificate without its chain',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'sslcertificatefile');
      if (
        line === undefined ||
        !/(?:^|\/)(?:cert|leaf|server-cert)\.pem$/.test(firstArg(line)) ||
        effective(endpoint, 'sslcertificatechainfile') !== undefined
      )
        return undefined;
      return {
        at: line.args[0] ?? line,
        message: `\`${firstArg(line)}\` is the certificate alone, by its name`,
        lines: [`SSLCertificateFile ${firstArg(line).replace(/[^/]+$/, 'fullchain.pem')}`],
      };
    }),
  },
  {
    id: 'apache-body-limit-small',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'a small `LimitRequestBody`',
    breaks: 'tool arguments over the limit get 413',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'limitrequestbody');
      const bytes = Number(firstArg(line));
      return line === undefined || bytes === 0 || bytes >= 4_000_000
        ? undefined
        : {
            at: line,
            message: `bodies may have ${firstArg(line)} bytes`,
            lines: ['LimitRequestBody 16777216'],
          };
    }),
  },
  {
    id: 'apache-body-unlimited',
    severity: 'warning',
    requirement: 'body-limit',
    title: 'bodies of any size are taken',
    breaks: 'one call can fill the memory of the upstream',
    check: atEndpoints((endpoint) => {
      const line = effective(endpoint, 'limitrequestbody');
      if (line !== undefined && firstArg(line) !== '0') return undefined;
      return {
        at: line ?? headOf(endpoint.pass),
        message:
          line === undefined
            ? '`LimitRequestBody` is not set: releases before 2.4.54 take any size, later ones 1 GiB'
            : '`LimitRequestBody 0` takes bodies of any size',
        lines: ['LimitRequestBody 16777216'],
      };
    }),
  },
  {
    id: 'apache-token-in-log',
    severity: 'error',
    requirement: 'secret-free-logs',
    title: 'tokens are logged',
    breaks: 'whoever reads the log can call every tool as its users',
    check: ({ directives, endpoints }) =>
      endpoints.length === 0
        ? []
        : [...walk(directives)]
            .filter(({ name }) => /^(?:logformat|customlog|transferlog)$/.test(name))
            .flatMap((line) => {
              const word = line.args.find(({ text }) =>
                /%(?:[!<>\d,]*)\{(?:authorization|cookie|x-api-key|mcp-session-id)\}i/i.test(text),
              );
              return word === undefined
                ? []
                : [
                    {
                      at: word,
                      message: 'the log format holds a header with a secret',
                      lines: [`${line.head.text} "%h %t \\"%m %U\\" %>s %D" mcp`],
                    },
                  ];
            }),
  },
  {
    id: 'apache-status-open',
    severity: 'warning',
    requirement: 'upstream-hidden',
    title: '`server-status` is open',
    breaks: 'anyone sees the addresses and paths of current calls, with tokens in their query strings',
    check: ({ directives, endpoints }) =>
      endpoints.length === 0
        ? []
        : [...walk(directives)]
            .filter(
              ({ name, block }) =>
                name === 'location' &&
                (block ?? []).some(
                  (line) =>
                    line.name === 'sethandler' &&
                    /^(?:server-(?:status|info)|balancer-manager)$/.test(firstArg(line)),
                ),
            )
            .filter(
              ({ block }) =>
                !(block ?? []).some(
                  ({ name, args }) =>
                    (name === 'require' && !/^all$/i.test(args[0]?.text ?? '')) || name === 'deny',
                ),
            )
            .map((section) => ({
              at: headOf(section),
              message: `\`${firstArg(section)}\` answers everyone`,
              lines: ['Require local'],
            })),
  },
];
