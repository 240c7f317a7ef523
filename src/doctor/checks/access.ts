import { fault, pass, skip, unknown, type Check, type Verdict } from '../check.ts';
import type { Answer, Facts } from '../facts.ts';
import type { Challenge, OAuthFacts } from '../facts-oauth.ts';
import { findAnswer, findExchange, isAccepted, isFromServer, isHtml, onAnswer, show } from '../reading.ts';

const challengeReference = 'MCP 2025-11-25 Authorization, Protected Resource Metadata Discovery Requirements';
const tokenReference = 'MCP 2025-11-25 Authorization, Token Handling';

/** Who gets in, and what the others are told. */
export const accessChecks: readonly Check[] = [
  {
    id: 'oauth-none',
    layer: 'oauth',
    severity: 'error',
    title: 'callers have to prove who they are',
    why: 'everyone who finds the address can call every tool',
    reference: 'MCP 2025-11-25 Authorization, Introduction',
    advice: 'ask for a credential: `breakwater up --auth key` is the shortest way',
    requirement: 'access-control',
    cap: 'F',
    judge: onAnswer('initialize-anonymous', (answer, exchange, { target }) => {
      if (!isOpen(answer)) return pass(`answered ${answer.status}`);
      return target.loopback
        ? fault('anyone on this machine is served', show(exchange), 'info')
        : fault('anyone can call tools', show(exchange));
    }),
  },
  {
    id: 'oauth-made-up-token',
    layer: 'oauth',
    severity: 'error',
    title: 'a made-up token is refused',
    why: 'tokens are not checked: whoever sends any gets in',
    reference: tokenReference,
    advice: 'check signature, issuer, audience and lifetime of every token',
    requirement: 'access-control',
    cap: 'F',
    judge: onAnswer('initialize-made-up', (answer, exchange, facts) => {
      const anonymous = findAnswer(facts, 'initialize-anonymous');
      if (anonymous === undefined) return unknown('nobody was asked for a credential');
      if (isOpen(anonymous)) return skip('no credential is asked for');
      return isOpen(answer)
        ? fault('a token that no one has signed is served', show(exchange, ['authorization']))
        : pass(`answered ${answer.status}`);
    }),
  },
  {
    id: 'oauth-token-refused',
    layer: 'oauth',
    severity: 'error',
    title: 'the given credential is taken',
    why: 'this user gets no further',
    reference: tokenReference,
    advice: 'look whether the token has expired, and whether its audience is the address of the endpoint',
    judge(facts) {
      if (facts.asked.token === 'none') return skip('no credential was given');
      if (facts.asked.token === 'withheld')
        return unknown('the credential was not sent, since the endpoint did not prove who it is');
      const exchange = findExchange(facts, 'initialize');
      if (exchange?.outcome !== 'answered') return skip('`initialize` got no answer');
      const { status } = exchange.answer;
      return status === 401 || status === 403
        ? fault(`the credential is answered with ${status}`, show(exchange, ['www-authenticate']))
        : pass();
    },
  },
  {
    id: 'oauth-challenge-status',
    layer: 'oauth',
    severity: 'error',
    title: 'who has no credential is answered with 401',
    why: 'clients begin a login on 401 alone: on anything else they give up',
    reference: tokenReference,
    advice: 'answer 401 with `WWW-Authenticate: Bearer`',
    requirement: 'access-control',
    judge: onAnswer('initialize-anonymous', (answer, exchange, facts) => {
      const { status } = answer;
      if (isOpen(answer) || status === 401)
        return status === 401 ? pass() : skip('no credential is asked for');
      // Whoever answers so to everyone is judged by other checks.
      if (status >= 500 || status === 404 || status === 405 || status === 421 || status === 429)
        return skip(`answered ${status}`);
      if (status >= 300 && status < 400) {
        return isLogin(answer)
          ? fault(
              `a login page instead of 401: ${status} to \`${answer.fields['location'] ?? ''}\``,
              show(exchange, ['location']),
            )
          : skip('the endpoint is redirected');
      }
      const served = facts.asked.token === 'sent' && isAccepted(findAnswer(facts, 'initialize') ?? answer);
      if (status === 403 || served) return fault(`answered ${status}`, show(exchange));
      return skip(`answered ${status}`);
    }),
  },
  {
    id: 'oauth-challenge-missing',
    layer: 'oauth',
    severity: 'error',
    title: '401 comes with `WWW-Authenticate`',
    why: 'clients cannot find out where to log in, and show "unauthorized"',
    reference: challengeReference,
    advice: 'send `WWW-Authenticate: Bearer resource_metadata="…"` with 401, and let the front pass it',
    requirement: 'header-names',
    judge: onRefusal(({ exchange, challenge }) =>
      challenge === undefined
        ? fault('401 without `WWW-Authenticate`', show(exchange, ['www-authenticate']))
        : pass(challenge.raw),
    ),
  },
  {
    id: 'oauth-challenge-scheme',
    layer: 'oauth',
    severity: 'error',
    title: 'the challenge is for a bearer token',
    why: 'clients of MCP know no other way to prove who they are',
    reference: 'RFC 6750 section 3',
    advice: 'take Basic or Negotiate off the path of the endpoint, and ask for a bearer token',
    requirement: 'access-control',
    judge: onRefusal(({ exchange, challenge }) => {
      if (challenge === undefined) return skip('there is no challenge');
      return challenge.scheme.toLowerCase() === 'bearer'
        ? pass()
        : fault(`the challenge is \`${challenge.scheme}\``, show(exchange, ['www-authenticate']));
    }),
  },
  {
    id: 'oauth-challenge-no-metadata',
    layer: 'oauth',
    severity: 'warning',
    title: 'the challenge says where the metadata is',
    why: 'clients of 2025-06-18 look nowhere else, and cannot log in',
    reference: challengeReference,
    advice: 'add `resource_metadata` to the challenge',
    requirement: 'metadata-path',
    judge: onRefusal(({ exchange, challenge, oauth }) => {
      if (challenge?.scheme.toLowerCase() !== 'bearer')
        return skip('there is no challenge for a bearer token');
      if (challenge.parameters['resource_metadata'] !== undefined) return pass();
      const found = oauth.resource.suffixed.json ?? oauth.resource.root.json;
      return found === undefined
        ? skip('there is no metadata: tokens are given out by hand')
        : fault(
            'the challenge has no `resource_metadata`, though there is a document',
            show(exchange, ['www-authenticate']),
          );
    }),
  },
  {
    id: 'oauth-keys-alone',
    layer: 'oauth',
    severity: 'info',
    title: 'clients can find out where to log in',
    why: 'clients that need OAuth, Claude and ChatGPT among them, cannot connect: only those with a place for a key can',
    reference: challengeReference,
    advice: 'add OAuth: `breakwater up --auth oauth` brings an authorization server along',
    requirement: 'access-control',
    judge: onRefusal(({ challenge, oauth }) => {
      const told = challenge?.parameters['resource_metadata'] !== undefined;
      const found = oauth.resource.suffixed.json ?? oauth.resource.root.json;
      return told || found !== undefined || challenge?.scheme.toLowerCase() !== 'bearer'
        ? found !== undefined || told
          ? pass()
          : skip('there is no challenge for a bearer token')
        : fault('a bearer token is asked for, and nothing says where to get one');
    }),
  },
  {
    id: 'oauth-challenge-http',
    layer: 'oauth',
    severity: 'error',
    title: 'the challenge leads to an HTTPS address',
    why: 'clients refuse to fetch metadata over plain HTTP, or are led to somebody else’s login',
    reference: 'RFC 9728 section 7.1',
    advice: 'tell the server its public address: behind TLS it takes itself for plain HTTP',
    requirement: 'forwarded-headers',
    judge: onRefusal(({ exchange, challenge, facts }) => {
      const url = challenge?.parameters['resource_metadata'];
      if (url === undefined) return skip('the challenge has no `resource_metadata`');
      if (!facts.target.secure) return skip('the address is plain HTTP');
      return url.startsWith('http://')
        ? fault(`it leads to \`${url}\``, show(exchange, ['www-authenticate']))
        : pass();
    }),
  },
  {
    id: 'oauth-challenge-elsewhere',
    layer: 'oauth',
    severity: 'warning',
    title: 'the challenge leads to the same host',
    why: 'clients refuse metadata of another origin, since it could be about another server',
    reference: 'RFC 9728 section 3.3',
    advice: 'tell the server its public address, which it has taken from the Host that the front sends',
    requirement: 'host-header',
    judge: onRefusal(({ exchange, challenge, facts }) => {
      const told = challenge?.parameters['resource_metadata'];
      const url = told === undefined ? null : URL.parse(told);
      if (url === null)
        return told === undefined
          ? skip('the challenge has no `resource_metadata`')
          : fault(`\`${told}\` is no address`, show(exchange, ['www-authenticate']), 'error');
      return url.host === new URL(facts.target.url).host
        ? pass()
        : fault(`it leads to \`${url.host}\``, show(exchange, ['www-authenticate']));
    }),
  },
  {
    id: 'oauth-error-without-token',
    layer: 'oauth',
    severity: 'info',
    title: 'who sent no token is told of no error',
    why: 'some clients show "invalid token" to a person who has none yet, and throw a good one away',
    reference: 'RFC 6750 section 3.1',
    advice: 'leave `error` out of the challenge where no token was sent',
    judge: onRefusal(({ exchange, challenge }) => {
      const error = challenge?.parameters['error'];
      return error === undefined
        ? pass()
        : fault(`\`error="${error}"\``, show(exchange, ['www-authenticate']));
    }),
  },
  {
    id: 'oauth-refusal-page',
    layer: 'oauth',
    severity: 'info',
    title: '401 has no page',
    why: 'clients show HTML, or a parse error, in place of the reason',
    reference: 'MCP 2025-11-25 Transports, Sending Messages to the Server',
    advice: 'answer 401 with a JSON-RPC error or without a body',
    requirement: 'own-errors',
    judge: onRefusal(({ exchange, answer }) =>
      isHtml(answer) ? fault('the answer is an HTML page', show(exchange)) : pass(),
    ),
  },
];

interface Refusal {
  readonly answer: Answer;
  readonly exchange: Extract<ReturnType<typeof findExchange>, { outcome: 'answered' }>;
  readonly challenge: Challenge | undefined;
  readonly oauth: OAuthFacts;
  readonly facts: Facts;
}

/** Judges how callers without a credential are refused; skipped where they are not. */
function onRefusal(judge: (refusal: Refusal) => Verdict): (facts: Facts) => Verdict {
  return onAnswer('initialize-anonymous', (answer, exchange, facts) => {
    if (answer.status !== 401)
      return skip(isOpen(answer) ? 'no credential is asked for' : `answered ${answer.status}`);
    if (!facts.oauth.done) return skip(facts.oauth.because);
    return judge({
      answer,
      exchange,
      challenge: facts.oauth.facts.challenge,
      oauth: facts.oauth.facts,
      facts,
    });
  });
}

/** Whether a caller got what only callers should get: an answer of MCP, or at least none that refuses. */
function isOpen(answer: Answer): boolean {
  return isAccepted(answer) && isFromServer(answer);
}

function isLogin({ fields }: Answer): boolean {
  return /login|signin|sign-in|auth|sso|saml/i.test(fields['location'] ?? '');
}
