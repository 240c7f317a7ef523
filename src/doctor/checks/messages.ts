import { fault, pass, skip, type Check } from '../check.ts';
import {
  findAnswer,
  inSession,
  isAccepted,
  isInitialized,
  isModernOnly,
  isServed,
  onAnswer,
  show,
  typeOf,
  whyNoSession,
} from '../reading.ts';

const transport = 'MCP 2025-11-25 Transports, Sending Messages to the Server';

/** How messages are answered, whatever they are about. */
export const messageChecks: readonly Check[] = [
  {
    id: 'mcp-initialize-error',
    layer: 'mcp',
    severity: 'error',
    title: '`initialize` is answered with a result',
    why: 'no client of the revisions up to 2025-11-25 gets further than its first message',
    reference: 'MCP 2025-11-25 Lifecycle, Initialization',
    advice: 'look in the log of the server for the reason',
    judge: onAnswer('initialize', ({ rpc, status }, exchange, facts) => {
      if (isInitialized(facts)) return pass();
      if (isModernOnly(facts)) return skip('the server speaks 2026-07-28 alone');
      if (status === 401 || status === 403) return skip(whyNoSession(facts));
      return rpc?.kind === 'error'
        ? fault(`error ${rpc.code}: ${rpc.message}`, show(exchange))
        : skip('the answer is no JSON-RPC message');
    }),
  },
  {
    id: 'mcp-answer-type',
    layer: 'mcp',
    severity: 'error',
    title: 'answers are JSON or streams of events by their type',
    why: 'clients look at `Content-Type`, and drop an answer of another type',
    reference: transport,
    advice: 'let `Content-Type` of the server pass as it is',
    requirement: 'header-names',
    judge: onAnswer('initialize', (answer, exchange) => {
      if (answer.rpc === undefined) return skip('the answer is no JSON-RPC message');
      const type = typeOf(answer);
      return type === 'application/json' || type === 'text/event-stream'
        ? pass(type)
        : fault(`a JSON-RPC message comes as \`${type === '' ? 'nothing' : type}\``, show(exchange));
    }),
  },
  {
    id: 'mcp-notification-status',
    layer: 'mcp',
    severity: 'warning',
    title: 'notifications are answered with 202',
    why: 'some clients wait for an answer in a body that never comes, or take the status for an error',
    reference: transport,
    advice: 'answer 202 without a body',
    judge: inSession('initialized', ({ status }, exchange) =>
      status === 202
        ? pass()
        : fault(
            `\`notifications/initialized\` was answered with ${status}`,
            show(exchange),
            status >= 300 ? 'error' : 'warning',
          ),
    ),
  },
  {
    id: 'mcp-bad-version-accepted',
    layer: 'mcp',
    severity: 'warning',
    title: 'protocol versions that no one has are refused',
    why: 'client and server go on with two different ideas of the protocol',
    reference: 'MCP 2025-11-25 Transports, Protocol Version Header',
    advice: 'answer 400 to an unknown `MCP-Protocol-Version`, and let the header pass',
    requirement: 'header-names',
    judge: inSession('bad-version', (answer, exchange) =>
      isAccepted(answer)
        ? fault(
            `\`MCP-Protocol-Version: 1999-01-01\` is served (${answer.status})`,
            show(exchange, ['mcp-protocol-version']),
          )
        : pass(`answered ${answer.status}`),
    ),
  },
  {
    id: 'mcp-bad-json-status',
    layer: 'mcp',
    severity: 'warning',
    title: 'what is not JSON is answered with 400',
    why: 'a client cannot tell its own mistake from an outage',
    reference: 'JSON-RPC 2.0 section 5.1',
    advice: 'answer 400 with the error -32700',
    judge: onAnswer('bad-json', (answer, exchange, facts) => {
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      if (answer.status === 400 || answer.status === 415) return pass();
      return fault(`half a JSON text is answered with ${answer.status}`, show(exchange));
    }),
  },
  {
    id: 'mcp-form-type-accepted',
    layer: 'mcp',
    severity: 'warning',
    title: 'messages have to be JSON by their type',
    why: 'a page of a stranger may send `text/plain` without a preflight, so that CORS protects nothing',
    reference: transport,
    advice: 'answer 415 to other types than `application/json`',
    requirement: 'origin-guard',
    judge: onAnswer('wrong-type', (answer, exchange, facts) => {
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      return isAccepted(answer)
        ? fault(`\`text/plain\` is served (${answer.status})`, show(exchange))
        : pass(`answered ${answer.status}`);
    }),
  },
  {
    id: 'mcp-unknown-method',
    layer: 'mcp',
    severity: 'warning',
    title: 'unknown methods are answered with an error',
    why: 'clients try methods to see what a server can, and wait for an answer that does not come',
    reference: 'JSON-RPC 2.0 section 5.1',
    advice: 'answer with the error -32601',
    judge: inSession('unknown-method', ({ rpc, status }, exchange) => {
      if (rpc?.kind === 'error') return pass(`error ${rpc.code}`);
      return fault(
        `an unknown method is answered with ${status}${rpc === undefined ? ', and no JSON-RPC error' : ' and a result'}`,
        show(exchange),
      );
    }),
  },
  {
    id: 'mcp-tools-list',
    layer: 'mcp',
    severity: 'error',
    title: '`tools/list` is answered',
    why: 'the client connects, and shows no tools',
    reference: 'MCP 2025-11-25 Tools, Listing Tools',
    advice: 'look in the log of the server for the reason',
    judge: inSession('tools-list', ({ rpc, status }, exchange, facts) => {
      const capabilities = findAnswer(facts, 'initialize')?.rpc;
      if (capabilities?.kind === 'result' && capabilities.capabilities?.includes('tools') === false)
        return skip('the server has no tools');
      if (rpc?.kind === 'result' && rpc.tools !== undefined) return pass(`${rpc.tools.length} tools`);
      return fault(
        rpc?.kind === 'error' ? `error ${rpc.code}: ${rpc.message}` : `answered ${status} without a list`,
        show(exchange),
      );
    }),
  },
  {
    id: 'mcp-call-failed',
    layer: 'mcp',
    severity: 'error',
    title: 'the tool that was named answers',
    why: 'what users come for does not work',
    reference: 'MCP 2025-11-25 Tools, Calling Tools',
    advice: 'look in the log of the server for the reason',
    judge(facts) {
      const http = facts.http.done ? facts.http.facts.exchanges.call : undefined;
      if (http === undefined) return skip('no tool was called: `--call NAME`');
      if (http.outcome === 'failed') return fault(`the call got no answer after ${http.took} ms`, show(http));
      const { rpc, status, ended } = http.answer;
      if (ended === 'cut' || ended === 'timeout')
        return fault(`the answer broke off after ${Math.round(http.answer.end)} ms`, show(http));
      if (rpc?.kind === 'result') return pass(`after ${Math.round(http.answer.end)} ms`);
      return fault(
        rpc === undefined ? `answered ${status} without a result` : `error ${rpc.code}: ${rpc.message}`,
        show(http),
      );
    },
  },
];
