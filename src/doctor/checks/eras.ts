import { fault, pass, skip, type Check } from '../check.ts';
import type { ExchangeName, Facts } from '../facts.ts';
import {
  findAnswer,
  isAccepted,
  isHtml,
  isInitialized,
  isModernOnly,
  isRefused,
  onAnswer,
  show,
} from '../reading.ts';

const versioning = 'MCP 2026-07-28 Versioning';
const metadata = 'MCP 2026-07-28 Streamable HTTP, Request Metadata';
const mismatchAdvice =
  'compare the headers with the body where rules are decided, and answer 400 with the error -32020 where they differ';

/** Which revisions are spoken, and whether headers of the newest are held against the body. */
export const eraChecks: readonly Check[] = [
  {
    id: 'mcp-old-transport',
    layer: 'mcp',
    severity: 'error',
    title: 'the server speaks Streamable HTTP',
    why: 'the transport of 2024-11-05 with its two addresses is given up, and most clients have left it out',
    reference: 'MCP 2025-11-25 Transports, Backwards Compatibility',
    advice: 'switch the server to Streamable HTTP, in FastMCP `transport="http"`',
    judge: onAnswer('stream-anonymous', (answer, exchange, facts) => {
      if (isInitialized(facts) || isModernOnly(facts)) return pass();
      return /^event: ?endpoint/m.test(answer.body)
        ? fault('GET is answered with an event `endpoint`: this is HTTP+SSE of 2024-11-05', show(exchange))
        : skip('there is no server of MCP at this address');
    }),
  },
  {
    id: 'mcp-old-revision',
    layer: 'mcp',
    severity: 'warning',
    title: 'a revision that clients still speak is agreed on',
    why: 'clients without this revision disconnect after `initialize`',
    reference: 'MCP 2025-11-25 Lifecycle, Version Negotiation',
    advice: 'bring the SDK of the server up to date',
    judge(facts) {
      const rpc = findAnswer(facts, 'initialize')?.rpc;
      if (rpc?.kind !== 'result') return skip('no session was begun');
      const version = rpc.protocolVersion ?? '';
      if (version >= '2025-06-18') return pass(version);
      return fault(
        version === '' ? 'no version is told' : `\`${version}\` is agreed on`,
        [],
        version < '2025-03-26' ? 'warning' : 'info',
      );
    },
  },
  {
    id: 'mcp-no-modern-revision',
    layer: 'mcp',
    severity: 'info',
    title: '2026-07-28 is spoken',
    why: 'clients of the newest revision ask once more, in the old way, which costs a round trip',
    reference: versioning,
    advice: 'bring the SDK of the server up to date',
    judge: onAnswer('discover', ({ rpc, status }, _exchange, facts) => {
      if (isRefused(facts)) return skip('the endpoint asks for a credential');
      return rpc?.kind === 'result' ? pass() : fault(`\`server/discover\` was answered with ${status}`);
    }),
  },
  {
    id: 'mcp-no-legacy-revision',
    layer: 'mcp',
    severity: 'warning',
    title: '2025-11-25 or older is spoken as well',
    why: 'most clients in the field still begin with `initialize`, and fail',
    reference: versioning,
    advice: 'let the server take both eras for a while',
    judge: (facts) =>
      isModernOnly(facts)
        ? fault('the server answers 2026-07-28 alone')
        : isInitialized(facts)
          ? pass()
          : skip('no server of MCP answered'),
  },
  {
    id: 'mcp-probe-misread',
    layer: 'mcp',
    severity: 'error',
    title: 'clients of the newest revision find their way to the old one',
    why: 'a client that asks `server/discover` first takes this answer for an outage, and does not fall back to `initialize`',
    reference: versioning,
    advice: 'let the answer of the server pass: 400 or 404 with a JSON-RPC error',
    requirement: 'own-errors',
    judge: onAnswer('discover', (answer, exchange, facts) => {
      if (!isInitialized(facts)) return skip('no session could be begun');
      if (answer.rpc !== undefined) return pass(`answered ${answer.status}`);
      if (answer.status >= 500 || isHtml(answer) || isAccepted(answer)) {
        return fault(
          `\`server/discover\` was answered with ${answer.status} and no JSON-RPC message`,
          show(exchange),
        );
      }
      return pass(`answered ${answer.status}`);
    }),
  },
  mismatch('mcp-method-mismatch', 'modern-method-mismatch', {
    title: '`Mcp-Method` has to be the method of the body',
    seen: '`Mcp-Method` names one method, the body another, and it is served',
    severity: 'error',
  }),
  mismatch('mcp-name-mismatch', 'modern-name-mismatch', {
    title: '`Mcp-Name` has to be the name in the body',
    seen: '`Mcp-Name` names one thing, the body another, and it is served',
    severity: 'error',
  }),
  mismatch('mcp-version-mismatch', 'modern-version-mismatch', {
    title: '`MCP-Protocol-Version` has to be the version of the body',
    seen: '`MCP-Protocol-Version` names one version, the body another, and it is served',
    severity: 'error',
  }),
  mismatch('mcp-method-header-missing', 'modern-missing-method-header', {
    title: 'requests of 2026-07-28 have to carry `Mcp-Method`',
    seen: 'a request of 2026-07-28 without `Mcp-Method` is served',
    severity: 'warning',
  }),
  {
    id: 'mcp-unknown-version-accepted',
    layer: 'mcp',
    severity: 'warning',
    title: 'versions that no one knows yet are refused',
    why: 'clients learn from the refusal which version they can speak, and without it they speak one that is not understood',
    reference: versioning,
    advice: 'answer 400 with the error -32022 and the supported versions',
    judge: onAnswer('modern-unknown-version', (answer, exchange, facts) => {
      if (!isModern(facts)) return skip('2026-07-28 is not spoken');
      return isAccepted(answer) && answer.rpc?.kind === 'result'
        ? fault('`MCP-Protocol-Version: 2099-01-01` is served', show(exchange, ['mcp-protocol-version']))
        : pass(`answered ${answer.status}`);
    }),
  },
];

function isModern(facts: Facts): boolean {
  return findAnswer(facts, 'discover')?.rpc?.kind === 'result';
}

/** A header that says another thing than the body: whoever decides by one of them is led astray by the other. */
function mismatch(
  id: string,
  name: ExchangeName,
  {
    title,
    seen,
    severity,
  }: { readonly title: string; readonly seen: string; readonly severity: Check['severity'] },
): Check {
  return {
    id,
    layer: 'mcp',
    severity,
    title,
    why: 'rules of a front that reads headers do not hold for what the server does: a forbidden tool is called under the name of an allowed one',
    reference: metadata,
    advice: mismatchAdvice,
    ...(severity === 'error' ? { cap: 'D' as const } : {}),
    judge: onAnswer(name, (answer, exchange, facts) => {
      if (!isModern(facts)) return skip('2026-07-28 is not spoken');
      if (!isAccepted(answer) || answer.rpc?.kind === 'error') {
        return answer.status === 400 || answer.rpc?.kind !== 'error' || answer.rpc.code === -32_020
          ? pass(`answered ${answer.status}`)
          : judgeError(answer.rpc.code);
      }
      return fault(seen, show(exchange, ['mcp-method', 'mcp-name', 'mcp-protocol-version']));
    }),
  };

  /** An error in a 200 that is about something else: the body was read, and the header was not held against it. */
  function judgeError(code: number): ReturnType<Check['judge']> {
    return code === -32_602 || code === -32_601
      ? fault(`${seen.replace(', and it is served', '')}; the answer is about the body alone (${code})`)
      : pass(`error ${code}`);
  }
}
