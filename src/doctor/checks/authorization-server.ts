import { fault, pass, skip, type Check, type Verdict } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { ServerFact } from '../facts-oauth.ts';
import { strangeRedirect } from '../probe/oauth.ts';
import { describeFailure, isHtml, show } from '../reading.ts';
import { withDocument } from './resource-metadata.ts';

const discovery = 'MCP 2025-11-25 Authorization, Authorization Server Metadata Discovery';

/** Whether clients can log in at the authorization servers that the endpoint names. The worst of them counts. */
export const authorizationServerChecks: readonly Check[] = [
  {
    id: 'oauth-server-unreachable',
    layer: 'oauth',
    severity: 'error',
    title: 'the authorization server can be reached',
    why: 'nobody can log in',
    reference: discovery,
    advice: 'look at its address, its certificate and its firewall',
    judge: forServers(({ issuer, tried }) => {
      if (tried.length === 0) return skip('its address may not be asked');
      const failed = tried.every(({ exchange }) => exchange.outcome === 'failed');
      const first = tried[0]?.exchange;
      return failed && first?.outcome === 'failed'
        ? fault(`\`${issuer}\`: ${describeFailure(first)}`, show(first))
        : pass();
    }),
  },
  {
    id: 'oauth-server-metadata-missing',
    layer: 'oauth',
    severity: 'error',
    title: 'the authorization server says where its endpoints are',
    why: 'clients do not know where to send people to',
    reference: discovery,
    advice:
      'publish the metadata at `/.well-known/oauth-authorization-server`, with the path of the issuer after it',
    judge: forServers(({ issuer, tried, metadata }) => {
      if (metadata !== undefined) return pass();
      const answered = tried.filter(({ exchange }) => exchange.outcome === 'answered');
      if (answered.length === 0) return skip('it could not be reached');
      return fault(
        `\`${issuer}\` has no metadata at any of ${tried.length} places`,
        answered.flatMap(({ exchange }) => show(exchange)),
      );
    }),
  },
  {
    id: 'oauth-issuer-mismatch',
    layer: 'oauth',
    severity: 'error',
    title: 'the authorization server calls itself as the endpoint calls it',
    why: 'clients compare `issuer`, and refuse a server that says it is another (mix-up attack)',
    reference: 'RFC 8414 section 3.3',
    advice:
      'write the issuer into `authorization_servers` exactly as the server writes it, slash at the end and all',
    judge: withMetadata(({ issuer: told }, { issuer }) =>
      told === issuer
        ? pass()
        : fault(`\`authorization_servers\` has \`${issuer}\`, its own metadata \`${String(told)}\``),
    ),
  },
  {
    id: 'oauth-issuer-http',
    layer: 'oauth',
    severity: 'error',
    title: 'the authorization server is reached by HTTPS',
    why: 'passwords and codes go over the network in clear text, and clients refuse',
    reference: 'RFC 8414 section 2',
    advice: 'put TLS before the authorization server, and tell it its public address',
    judge: forServers(({ issuer }, facts) => {
      if (!issuer.startsWith('http://')) return pass();
      return facts.target.loopback
        ? pass('the address is this machine')
        : fault(`the issuer is \`${issuer}\``);
    }),
  },
  {
    id: 'oauth-endpoint-http',
    layer: 'oauth',
    severity: 'error',
    title: 'all endpoints of the authorization server are HTTPS',
    why: 'codes and tokens go over the network in clear text, and clients refuse',
    reference: 'MCP 2025-11-25 Authorization, Communication Security',
    advice: 'tell the authorization server its public address: behind TLS it takes itself for plain HTTP',
    requirement: 'forwarded-headers',
    judge: withMetadata((metadata, _server, { target }) => {
      const names = ['authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'jwks_uri'];
      const plain = names.filter((name) => String(metadata[name]).startsWith('http://'));
      if (plain.length === 0 || target.loopback) return pass();
      return fault(plain.map((name) => `\`${name}\` is \`${String(metadata[name])}\``).join(', '));
    }),
  },
  {
    id: 'oauth-no-s256',
    layer: 'oauth',
    severity: 'error',
    title: 'PKCE with S256 is announced',
    why: 'clients have to refuse to go on where it is missing',
    reference: 'MCP 2025-11-25 Authorization, Authorization Code Protection',
    advice: 'announce `code_challenge_methods_supported: ["S256"]`',
    judge: withMetadata(({ code_challenge_methods_supported: methods }) =>
      has(methods, 'S256')
        ? pass()
        : fault(
            methods === undefined
              ? '`code_challenge_methods_supported` is missing'
              : `only ${JSON.stringify(methods)}`,
          ),
    ),
  },
  {
    id: 'oauth-plain-pkce',
    layer: 'oauth',
    severity: 'info',
    title: 'PKCE without a hash is not taken',
    why: 'whoever sees the address of the login has what was to protect the code',
    reference: 'RFC 9700 section 2.1.1',
    advice: 'take S256 alone',
    judge: withMetadata(({ code_challenge_methods_supported: methods }) =>
      has(methods, 'plain') ? fault('`plain` is announced') : pass(),
    ),
  },
  {
    id: 'oauth-no-registration',
    layer: 'oauth',
    severity: 'warning',
    title: 'clients that nobody has entered beforehand can log in',
    why: 'each client has to be registered by hand, which most have no place for',
    reference: 'MCP 2025-11-25 Authorization, Client Registration Approaches',
    advice: 'switch on metadata documents of clients, or dynamic registration',
    judge: withMetadata((metadata) =>
      typeof metadata['registration_endpoint'] === 'string' ||
      metadata['client_id_metadata_document_supported'] === true
        ? pass()
        : fault('neither `registration_endpoint` nor `client_id_metadata_document_supported`'),
    ),
  },
  {
    id: 'oauth-no-metadata-documents',
    layer: 'oauth',
    severity: 'info',
    title: 'clients may be known by a document on the web',
    why: 'dynamic registration is given up by 2026-07-28, and fills the server with clients that are used once',
    reference: 'MCP 2026-07-28 Authorization, Client Registration',
    advice: 'announce `client_id_metadata_document_supported`',
    judge: withMetadata((metadata) =>
      metadata['client_id_metadata_document_supported'] === true ? pass() : fault('it is not announced'),
    ),
  },
  {
    id: 'oauth-no-code-grant',
    layer: 'oauth',
    severity: 'error',
    title: 'a login by code is possible',
    why: 'clients of MCP know no other way to log a person in',
    reference: 'MCP 2025-11-25 Authorization, Roles',
    advice: 'take the response type `code` and the grant `authorization_code`',
    judge: withMetadata((metadata) => {
      const types = metadata['response_types_supported'];
      const grants = metadata['grant_types_supported'];
      // Left out, grants are `authorization_code` and `implicit` (RFC 8414 section 2).
      const missing = [
        ...(has(types, 'code') ? [] : ['response type `code`']),
        ...(grants === undefined || has(grants, 'authorization_code') ? [] : ['grant `authorization_code`']),
        ...(typeof metadata['authorization_endpoint'] === 'string' ? [] : ['`authorization_endpoint`']),
        ...(typeof metadata['token_endpoint'] === 'string' ? [] : ['`token_endpoint`']),
      ];
      return missing.length === 0 ? pass() : fault(`missing: ${missing.join(', ')}`);
    }),
  },
  {
    id: 'oauth-implicit',
    layer: 'oauth',
    severity: 'info',
    title: 'tokens are not sent through the browser',
    why: 'tokens end up in the history of browsers and in logs',
    reference: 'RFC 9700 section 2.1.2',
    advice: 'switch the implicit grant off',
    judge: withMetadata(({ response_types_supported: types, grant_types_supported: grants }) =>
      has(types, 'token') || has(grants, 'implicit') ? fault('the implicit grant is announced') : pass(),
    ),
  },
  {
    id: 'oauth-no-refresh',
    layer: 'oauth',
    severity: 'warning',
    title: 'logins are renewed without the person',
    why: 'people have to log in again whenever the token ends, in the middle of a conversation',
    reference: 'MCP 2026-07-28 Authorization, Refresh Tokens',
    advice: 'give out refresh tokens, and announce the grant and the scope `offline_access`',
    judge: withMetadata(({ grant_types_supported: grants }) =>
      grants === undefined || has(grants, 'refresh_token')
        ? pass()
        : fault('the grant `refresh_token` is not announced'),
    ),
  },
  {
    id: 'oauth-no-public-clients',
    layer: 'oauth',
    severity: 'warning',
    title: 'clients without a secret may ask for tokens',
    why: 'programs on the machine of a person cannot keep a secret: Claude Code, Cursor and VS Code are such',
    reference: 'RFC 8252 section 8.4',
    advice: 'announce `none` among `token_endpoint_auth_methods_supported`',
    judge: withMetadata(({ token_endpoint_auth_methods_supported: methods }) =>
      has(methods, 'none')
        ? pass()
        : fault(methods === undefined ? 'the methods are not announced' : `only ${JSON.stringify(methods)}`),
    ),
  },
  {
    id: 'oauth-no-iss',
    layer: 'oauth',
    severity: 'info',
    title: 'the answer of a login says who gives it',
    why: 'a client with several authorization servers can be led to give the code of one to another',
    reference: 'RFC 9207 section 3',
    advice: 'send `iss`, and announce `authorization_response_iss_parameter_supported`',
    judge: withMetadata((metadata) =>
      metadata['authorization_response_iss_parameter_supported'] === true
        ? pass()
        : fault('it is not announced'),
    ),
  },
  {
    id: 'oauth-keys-missing',
    layer: 'oauth',
    severity: 'warning',
    title: 'the keys of the authorization server can be fetched',
    why: 'tokens cannot be checked once the keys change',
    reference: 'RFC 8414 section 2',
    advice: 'publish the public keys at `jwks_uri`',
    judge: withMetadata((metadata, { keys }) => {
      if (metadata['jwks_uri'] === undefined) return skip('no keys are announced');
      return Array.isArray(keys?.json?.['keys'])
        ? pass()
        : fault('there are no keys at `jwks_uri`', keys === undefined ? [] : show(keys.exchange));
    }),
  },
  {
    id: 'oauth-private-key-published',
    layer: 'oauth',
    severity: 'error',
    title: 'published keys are public ones',
    why: 'whoever reads them can make tokens for anyone',
    reference: 'RFC 7517 section 9.3',
    advice: 'make new keys at once, and publish the public halves',
    cap: 'F',
    judge: withMetadata((_metadata, { keys }) => {
      const published = keys?.json?.['keys'];
      if (!Array.isArray(published)) return skip('there are no keys');
      const secret = published.some((key: unknown) => {
        const members = typeof key === 'object' && key !== null && 'members' in key ? key.members : [];
        return Array.isArray(members) && (members.includes('d') || members.includes('k'));
      });
      return secret ? fault('a key has its private half') : pass();
    }),
  },
  {
    id: 'oauth-open-redirect',
    layer: 'oauth',
    severity: 'error',
    title: 'people are not sent to redirects that no client has registered',
    why: 'a link to this login brings people, or their codes, to whoever made the link',
    reference: 'RFC 9700 section 4.11',
    advice: 'show an error where client or redirect are not known, and do not redirect',
    cap: 'F',
    judge: withMetadata((_metadata, { strangeRedirect: exchange }) => {
      if (exchange?.outcome !== 'answered') return skip('the login could not be asked');
      const location = exchange.answer.fields['location'];
      return location?.startsWith(strangeRedirect) === true ||
        location?.startsWith(new URL(strangeRedirect).origin) === true
        ? fault(
            `an unknown client is sent to \`${new URL(strangeRedirect).origin}\``,
            show(exchange, ['location']),
          )
        : pass(`answered ${exchange.answer.status}`);
    }),
  },
  {
    id: 'oauth-token-endpoint-page',
    layer: 'oauth',
    severity: 'warning',
    title: 'the token endpoint answers errors in JSON',
    why: 'clients cannot tell an expired login from an outage',
    reference: 'RFC 6749 section 5.2',
    advice: 'take the token endpoint out of what guards web pages',
    judge: withMetadata((_metadata, { madeUpCode: exchange }) => {
      if (exchange === undefined) return skip('there is no token endpoint');
      if (exchange.outcome === 'failed') return fault(describeFailure(exchange), show(exchange));
      const { answer } = exchange;
      if (answer.status >= 200 && answer.status < 300)
        return fault(`a made-up code is answered with ${answer.status}`, show(exchange), 'error');
      return isHtml(answer) || answer.status >= 500
        ? fault(
            `a made-up code is answered with ${answer.status}${isHtml(answer) ? ' and a page' : ''}`,
            show(exchange),
          )
        : pass(`answered ${answer.status}`);
    }),
  },
  {
    id: 'oauth-redirect-refused',
    layer: 'oauth',
    severity: 'warning',
    title: 'the redirects of known clients are taken',
    why: 'these clients cannot log in',
    reference: 'MCP 2025-11-25 Authorization, Open Redirection',
    advice: 'allow the redirects that the clients have, with any port on loopback',
    judge: forServers(({ registrations }, facts) => {
      if (!facts.asked.register) return skip('no client was registered: `--register`');
      const refused = registrations.filter(
        ({ exchange }) => exchange.outcome === 'failed' || exchange.answer.status >= 300,
      );
      if (registrations.length === 0) return skip('clients cannot be registered');
      return refused.length === 0
        ? pass(`${registrations.length} redirects`)
        : fault(
            refused.map(({ client, redirect }) => `${client} (\`${redirect}\`)`).join(', '),
            refused.flatMap(({ exchange }) => show(exchange)),
          );
    }),
  },
  {
    id: 'oauth-server-metadata-no-cors',
    layer: 'oauth',
    severity: 'info',
    title: 'pages may read the metadata of the authorization server',
    why: 'clients in browsers cannot log in',
    reference: 'RFC 8414 section 3.1',
    advice: 'send `Access-Control-Allow-Origin: *` with the metadata, which holds no secret',
    requirement: 'cors',
    judge: withMetadata((_metadata, { tried }) => {
      const last = tried.at(-1)?.exchange;
      if (last?.outcome !== 'answered') return skip('there is no metadata');
      return last.answer.fields['access-control-allow-origin'] === undefined
        ? fault('no origin may read it', show(last))
        : pass();
    }),
  },
];

/** Judges every server; the first that fails counts. */
function forServers(judge: (server: ServerFact, facts: Facts) => Verdict): (facts: Facts) => Verdict {
  return withDocument((_document, { servers }, facts) => {
    const verdicts = servers.map((server) => judge(server, facts));
    return (
      verdicts.find(({ status }) => status === 'fail') ??
      verdicts.find(({ status }) => status === 'unknown') ??
      verdicts.find(({ status }) => status === 'pass') ??
      verdicts[0] ??
      skip('no authorization server is named')
    );
  });
}

function withMetadata(
  judge: (metadata: Readonly<Record<string, unknown>>, server: ServerFact, facts: Facts) => Verdict,
): (facts: Facts) => Verdict {
  return forServers((server, facts) =>
    server.metadata === undefined
      ? skip('there is no metadata of the authorization server')
      : judge(server.metadata, server, facts),
  );
}

function has(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}
