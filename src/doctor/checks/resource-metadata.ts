import { fault, pass, skip, type Check, type Verdict } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { DocumentFact, OAuthFacts } from '../facts-oauth.ts';
import { findAnswer, show, typeOf } from '../reading.ts';

const wellKnown = 'RFC 9728 section 3.1';
const discovery = 'MCP 2025-11-25 Authorization, Protected Resource Metadata Discovery Requirements';

/** What the endpoint says about its own protection (RFC 9728). */
export const resourceMetadataChecks: readonly Check[] = [
  {
    id: 'oauth-metadata-missing',
    layer: 'oauth',
    severity: 'error',
    title: 'the metadata of the endpoint can be fetched',
    why: 'clients are told to log in, and cannot find out where',
    reference: discovery,
    advice: 'forward `/.well-known/oauth-protected-resource` and what is below it to whoever answers 401',
    requirement: 'metadata-path',
    judge: withOAuth((oauth) => {
      if (!promisesMetadata(oauth)) return skip('no metadata is promised');
      const { challenged, suffixed, root } = oauth.resource;
      if (listDocuments(oauth).length > 0 && challenged?.json !== undefined) return pass();
      if (challenged !== undefined && challenged.json === undefined) {
        return fault(
          `\`${challenged.exchange.url}\`, which the challenge names: ${describe(challenged)}`,
          show(challenged.exchange),
        );
      }
      return suffixed.json === undefined && root.json === undefined
        ? fault(describe(suffixed), show(suffixed.exchange))
        : pass();
    }),
  },
  {
    id: 'oauth-metadata-suffix-missing',
    layer: 'oauth',
    severity: 'warning',
    title: 'the metadata is at the place with the path of the endpoint',
    why: 'clients ask there first, Claude among them; some ask nowhere else',
    reference: wellKnown,
    advice: 'answer `/.well-known/oauth-protected-resource/PATH` too',
    requirement: 'metadata-path',
    judge: withDocument((_document, oauth, { target }) => {
      if (target.path === '/') return skip('the endpoint is the root');
      const { suffixed } = oauth.resource;
      return suffixed.json === undefined ? fault(describe(suffixed), show(suffixed.exchange)) : pass();
    }),
  },
  {
    id: 'oauth-metadata-root-missing',
    layer: 'oauth',
    severity: 'info',
    title: 'the metadata is at the root as well',
    why: 'older clients ask there alone',
    reference: discovery,
    advice: 'answer `/.well-known/oauth-protected-resource` too',
    requirement: 'metadata-path',
    judge: withDocument((_document, oauth) => {
      const { root } = oauth.resource;
      return root.json === undefined ? fault(describe(root), show(root.exchange)) : pass();
    }),
  },
  {
    id: 'oauth-metadata-disagree',
    layer: 'oauth',
    severity: 'warning',
    title: 'both places say the same',
    why: 'which authorization server a client is sent to depends on where it asks',
    reference: 'RFC 9728 section 3.3',
    advice: 'answer both places with one document',
    requirement: 'metadata-path',
    judge: withDocument((_document, oauth) => {
      const { suffixed, root } = oauth.resource;
      if (suffixed.json === undefined || root.json === undefined) return skip('there is one document');
      const differing = ['resource', 'authorization_servers'].filter(
        (name) => JSON.stringify(suffixed.json?.[name]) !== JSON.stringify(root.json?.[name]),
      );
      // One host may have several endpoints, and the root can be about one of them.
      return differing.length === 0
        ? pass()
        : fault(
            `they differ in ${differing.map((name) => `\`${name}\``).join(', ')}`,
            [],
            differing.includes('authorization_servers') ? 'warning' : 'info',
          );
    }),
  },
  {
    id: 'oauth-metadata-protected',
    layer: 'oauth',
    severity: 'error',
    title: 'the metadata needs no credential',
    why: 'clients ask for it to find out how to get one',
    reference: 'RFC 9728 section 3.1',
    advice: 'take the well-known paths out of access control',
    requirement: 'metadata-path',
    judge: withOAuth((oauth) => {
      const { suffixed, root, challenged } = oauth.resource;
      if (listDocuments(oauth).length > 0) return pass();
      const refused = [challenged, suffixed, root].find((each) => {
        const status = each === undefined ? undefined : statusOf(each);
        return status === 401 || status === 403;
      });
      if (refused === undefined) return skip('there is no metadata');
      return fault(describe(refused), show(refused.exchange));
    }),
  },
  {
    id: 'oauth-metadata-type',
    layer: 'oauth',
    severity: 'warning',
    title: 'the metadata is JSON by its type',
    why: 'clients look at `Content-Type`, and drop a document of another type',
    reference: 'RFC 9728 section 3.2',
    advice: 'send it as `application/json`',
    requirement: 'header-names',
    judge: withDocument((_document, oauth) => {
      const wrong = listDocuments(oauth).find(
        ({ exchange }) => exchange.outcome === 'answered' && typeOf(exchange.answer) !== 'application/json',
      );
      return wrong === undefined ? pass() : fault('the document has another type', show(wrong.exchange));
    }),
  },
  {
    id: 'oauth-metadata-no-cors',
    layer: 'oauth',
    severity: 'info',
    title: 'pages may read the metadata',
    why: 'clients in browsers cannot find out where to log in',
    reference: 'RFC 9728 section 3.1',
    advice: 'send `Access-Control-Allow-Origin: *` with the metadata, which holds no secret',
    requirement: 'cors',
    judge: withDocument((_document, oauth) => {
      const closed = listDocuments(oauth).find(
        ({ exchange }) =>
          exchange.outcome === 'answered' &&
          exchange.answer.fields['access-control-allow-origin'] === undefined,
      );
      return closed === undefined ? pass() : fault('no origin may read it', show(closed.exchange));
    }),
  },
  {
    id: 'oauth-resource-mismatch',
    layer: 'oauth',
    severity: 'error',
    title: 'the metadata is about this endpoint',
    why: 'clients compare `resource` with the address that they were given, and refuse to log in where it is another',
    reference: 'RFC 9728 section 3.3',
    advice: 'tell the server its public address, with the path of the endpoint',
    requirement: 'metadata-path',
    judge: withDocument((document, _oauth, { target }) => {
      const { resource } = document;
      if (typeof resource !== 'string') return fault('the document has no `resource`');
      const [given, told] = [normalise(target.url), normalise(resource)];
      if (given === told) return pass();
      // Everything below a resource may be meant by it (RFC 8707 section 2), and some clients take it so.
      return given?.startsWith(`${told ?? ''}/`) === true
        ? fault(`\`resource\` is \`${resource}\`, which is above \`${target.url}\``, [], 'warning')
        : fault(`\`resource\` is \`${resource}\`, and not \`${target.url}\``);
    }),
  },
  {
    id: 'oauth-resource-http',
    layer: 'oauth',
    severity: 'error',
    title: '`resource` is an HTTPS address',
    why: 'clients refuse to log in, and tokens are issued for an address that nobody uses',
    reference: 'RFC 9728 section 2',
    advice: 'tell the server its public address: behind TLS it takes itself for plain HTTP',
    requirement: 'forwarded-headers',
    judge: withDocument(({ resource }, _oauth, { target }) => {
      if (!target.secure || typeof resource !== 'string')
        return skip('the address is plain HTTP, or there is no `resource`');
      return resource.startsWith('http://') ? fault(`\`resource\` is \`${resource}\``) : pass();
    }),
  },
  {
    id: 'oauth-no-servers',
    layer: 'oauth',
    severity: 'error',
    title: 'the metadata names an authorization server',
    why: 'clients do not know where to log in',
    reference: discovery,
    advice: 'put the issuer of your tokens into `authorization_servers`',
    requirement: 'access-control',
    judge: withDocument(({ authorization_servers: servers }) =>
      Array.isArray(servers) && servers.some((each) => typeof each === 'string')
        ? pass(servers.join(', '))
        : fault('`authorization_servers` is empty or missing'),
    ),
  },
  {
    id: 'oauth-token-in-query',
    layer: 'oauth',
    severity: 'error',
    title: 'tokens are not taken from the address',
    why: 'tokens in addresses end up in logs, in histories and at other sites',
    reference: 'MCP 2025-11-25 Authorization, Token Requirements',
    advice: 'take tokens from the `Authorization` header alone',
    requirement: 'secret-free-logs',
    cap: 'D',
    judge: withDocument(({ bearer_methods_supported: methods }) =>
      Array.isArray(methods) && methods.includes('query')
        ? fault('`bearer_methods_supported` has `query`')
        : pass(),
    ),
  },
];

/** A judge of OAuth facts, where callers have to log in at all. */
function withOAuth(judge: (oauth: OAuthFacts, facts: Facts) => Verdict): (facts: Facts) => Verdict {
  return (facts) => {
    if (!facts.oauth.done) return skip(facts.oauth.because);
    const anonymous = findAnswer(facts, 'initialize-anonymous');
    const { resource } = facts.oauth.facts;
    const served = anonymous !== undefined && anonymous.status < 300;
    if (served && resource.suffixed.json === undefined && resource.root.json === undefined)
      return skip('no credential is asked for');
    return judge(facts.oauth.facts, facts);
  };
}

/** The same with the document that clients would take: the one of the challenge, or of the path, or of the root. */
export function withDocument(
  judge: (document: Readonly<Record<string, unknown>>, oauth: OAuthFacts, facts: Facts) => Verdict,
): (facts: Facts) => Verdict {
  return withOAuth((oauth, facts) => {
    const { challenged, suffixed, root } = oauth.resource;
    const document = challenged?.json ?? suffixed.json ?? root.json;
    return document === undefined ? skip('there is no metadata') : judge(document, oauth, facts);
  });
}

function promisesMetadata({ challenge }: OAuthFacts): boolean {
  return challenge?.parameters['resource_metadata'] !== undefined;
}

function listDocuments({ resource }: OAuthFacts): readonly DocumentFact[] {
  return [resource.challenged, resource.suffixed, resource.root]
    .filter((each) => each !== undefined)
    .filter(({ json }) => json !== undefined);
}

function statusOf({ exchange }: DocumentFact): number | undefined {
  return exchange.outcome === 'answered' ? exchange.answer.status : undefined;
}

function describe({ exchange, json }: DocumentFact): string {
  if (exchange.outcome === 'failed') return `it could not be fetched (${exchange.code})`;
  if (exchange.answer.status === 200 && json === undefined) return 'it is no JSON object';
  return `answered ${exchange.answer.status}`;
}

/** The canonical form: lower-case host, no fragment, no slash at the end (MCP 2025-11-25 Authorization, Canonical Server URI). */
function normalise(text: string): string | undefined {
  const url = URL.parse(text);
  return url === null ? undefined : `${url.origin}${url.pathname}${url.search}`.replace(/\/$/, '');
}
