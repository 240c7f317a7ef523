import { fault, pass, skip, unknown, type Check } from '../check.ts';
import { httpFacts, inSession, isAccepted, isHtml, findAnswer, show, whyNotAsked } from '../reading.ts';

const sessions = 'MCP 2025-11-25 Transports, Session Management';
/** Characters that a session id needs to hold 128 bits, in hexadecimal or in base64. */
const shortestSession = 22;

/** Sessions of the revisions up to 2025-11-25. */
export const sessionChecks: readonly Check[] = [
  {
    id: 'mcp-session-lost',
    layer: 'mcp',
    severity: 'error',
    title: 'a session is known on every connection',
    why: 'with two replicas every other call answers 404 "session not found", and clients begin again and again',
    reference: sessions,
    advice: 'send the calls of one `Mcp-Session-Id` to one server',
    requirement: 'session-affinity',
    cap: 'C',
    judge(facts) {
      const calls = httpFacts(facts)?.affinity.filter((each) => each.outcome === 'answered') ?? [];
      if (calls.length < 2) return skip('no session was begun');
      const lost = calls.filter(({ answer }) => answer.status === 404 || answer.status === 400);
      const [first] = lost;
      if (first === undefined) return pass(`${calls.length} connections, one session`);
      return lost.length === calls.length &&
        httpFacts(facts)?.session !== undefined &&
        findAnswer(facts, 'tools-list')?.status === first.answer.status
        ? fault(
            `the session that \`initialize\` gave is not known on any other connection (${first.answer.status})`,
            show(first),
          )
        : fault(
            `${lost.length} of ${calls.length} calls of one session were answered with ${first.answer.status}`,
            show(first),
          );
    },
  },
  {
    id: 'proxy-session-header-lost',
    layer: 'proxy',
    severity: 'error',
    title: '`Mcp-Session-Id` passes from the server to the client',
    why: 'every call after the first is answered with 400, since the client has no session to name',
    reference: sessions,
    advice: 'let response headers pass, `Mcp-Session-Id` among them',
    requirement: 'header-names',
    judge: inSession('tools-list', ({ status, rpc }, exchange, facts) => {
      if (httpFacts(facts)?.session !== undefined) return pass();
      const asksForSession = status === 400 && rpc?.kind === 'error' && /session/i.test(rpc.message);
      return asksForSession
        ? fault('the server asks for a session id, and `initialize` gave none', show(exchange))
        : skip('the server has no sessions');
    }),
  },
  {
    id: 'mcp-session-short',
    layer: 'mcp',
    severity: 'error',
    title: 'session ids cannot be guessed',
    why: 'who guesses the id of a session reads its events and calls in its name',
    reference: sessions,
    advice: 'let ids be made from 128 random bits or more',
    judge(facts) {
      const session = httpFacts(facts)?.session;
      if (session === undefined) return skip('the server has no sessions');
      return session.length < shortestSession
        ? fault(`the id has ${session.length} characters`)
        : pass(`${session.length} characters`);
    },
  },
  {
    id: 'mcp-session-characters',
    layer: 'mcp',
    severity: 'error',
    title: 'session ids are of visible ASCII',
    why: 'clients and proxies refuse the header, or change it',
    reference: sessions,
    advice: 'let ids be of the characters 0x21 to 0x7E',
    judge(facts) {
      const session = httpFacts(facts)?.session;
      if (session === undefined) return skip('the server has no sessions');
      return session.visible ? pass() : fault('the id holds other characters');
    },
  },
  {
    id: 'mcp-unknown-session-accepted',
    layer: 'mcp',
    severity: 'warning',
    title: 'calls of unknown sessions are not served',
    why: 'a client whose session is gone is not told, and goes on with a server that has forgotten it',
    reference: sessions,
    advice: 'answer 404 to a session that is not known',
    requirement: 'own-errors',
    judge: inSession('unknown-session', (answer, exchange, facts) => {
      if (httpFacts(facts)?.session === undefined) return skip('the server has no sessions');
      return isAccepted(answer)
        ? fault(`a made-up session is served (${answer.status})`, show(exchange))
        : pass(`answered ${answer.status}`);
    }),
  },
  {
    id: 'mcp-unknown-session-status',
    layer: 'mcp',
    severity: 'error',
    title: 'unknown sessions are answered with 404',
    why: 'clients begin a new session on 404 alone: on anything else they stay broken until they are started again',
    reference: sessions,
    advice: 'let 404 of the server pass as it is',
    requirement: 'own-errors',
    judge: inSession('unknown-session', (answer, exchange, facts) => {
      if (httpFacts(facts)?.session === undefined) return skip('the server has no sessions');
      if (isAccepted(answer)) return skip('a made-up session is served');
      const { status } = answer;
      if (status === 404) return pass();
      return fault(
        `a made-up session is answered with ${status}`,
        show(exchange),
        status >= 500 ? 'error' : 'warning',
      );
    }),
  },
  {
    id: 'mcp-missing-session-status',
    layer: 'mcp',
    severity: 'warning',
    title: 'calls without a session are answered with 400',
    why: '404 makes a client begin a new session over and over, and 401 or 403 a new login',
    reference: sessions,
    advice: 'answer 400 where a session is needed and none is named',
    requirement: 'own-errors',
    judge: inSession('missing-session', ({ status }, exchange) => {
      if (status === 400) return pass();
      if (status >= 200 && status < 300) return pass('served without a session');
      return fault(`answered ${status}`, show(exchange));
    }),
  },
  {
    id: 'mcp-delete-fails',
    layer: 'mcp',
    severity: 'warning',
    title: 'DELETE ends a session, or is refused with 405',
    why: 'sessions pile up in the server until it is out of memory or out of sessions',
    reference: sessions,
    advice: 'let DELETE reach the server',
    requirement: 'methods',
    judge: inSession('delete', ({ status }, exchange) => {
      if (status === 405) return pass('the server does not let clients end sessions');
      return status >= 200 && status < 300
        ? pass(`answered ${status}`)
        : fault(`DELETE was answered with ${status}`, show(exchange));
    }),
  },
  {
    id: 'mcp-session-outlives-delete',
    layer: 'mcp',
    severity: 'warning',
    title: 'a session is gone once it was deleted',
    why: 'who has seen the id goes on with the session of somebody who has logged out',
    reference: sessions,
    advice: 'send DELETE to the server that has the session, and answer 404 afterwards',
    requirement: 'session-affinity',
    judge: inSession('after-delete', (answer, exchange, facts) => {
      const deleted = findAnswer(facts, 'delete');
      if (deleted === undefined || !isAccepted(deleted)) return skip('the session was not deleted');
      return isAccepted(answer)
        ? fault(`the session still answers (${answer.status})`, show(exchange))
        : pass(`answered ${answer.status}`);
    }),
  },
  {
    id: 'proxy-error-pages',
    layer: 'proxy',
    severity: 'error',
    title: 'errors of the server pass as they are',
    why: 'clients find HTML in place of the JSON-RPC error, and cannot tell a lost session from an outage',
    reference: sessions,
    advice: 'do not put pages in the place of answers with 400 and above',
    requirement: 'own-errors',
    judge(facts) {
      const names = ['unknown-session', 'missing-session', 'bad-json', 'unknown-method'] as const;
      const http = httpFacts(facts);
      if (http === undefined) return skip(whyNotAsked(facts));
      const asked = names.flatMap((name) => {
        const exchange = http.exchanges[name];
        return exchange?.outcome === 'answered' && exchange.answer.status >= 400 ? [exchange] : [];
      });
      if (asked.length === 0) return unknown('no error was answered');
      const page = asked.find(({ answer }) => isHtml(answer));
      return page === undefined
        ? pass()
        : fault(`an error (${page.answer.status}) is an HTML page`, show(page));
    },
  },
];
