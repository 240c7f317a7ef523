import { plainChallenger, type Challenger } from '../../auth/resource/challenger.ts';
import { combineDecisions } from '../../auth/rules/combine.ts';
import type { Decision } from '../../auth/rules/compile.ts';
import { isShown } from '../../auth/rules/decide.ts';
import type { Decider } from '../../auth/rules/decision-cache.ts';
import type { Principal } from '../../auth/principal.ts';
import type { Envelope } from '../../mcp/envelope.ts';
import { isListMethod, type ListedKind, type ListFilter } from '../../mcp/list-filter.ts';
import { toOperation, visitOperations, type Operation } from '../../mcp/operations.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** GET and DELETE carry no message; they are for whoever may do anything at all, as this method is. */
const anything: Operation = { method: 'ping', kind: 'none', name: undefined };

/** By which method an entry of a list would be used. */
const uses: { readonly [kind in ListedKind]: string } = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
};

/**
 * Asks the rules about everything a message wants, as the body says it that is forwarded, and notes what the caller may see of lists.
 * A step-up challenge names all scopes of the operation at once (MCP 2025-11-25, Scope Challenge Handling).
 */
export function authorizeStage(exchange: Exchange): Reply | undefined {
  const { destination, envelope, principal } = exchange;
  if (destination.kind !== 'mcp') return undefined;
  const { decide, check } = destination.route.access;
  if (decide === undefined) return undefined;
  const decision = decideOn(decide, exchange);
  if (decision.kind !== 'allow') return toReply(decision, principal, check?.challenger ?? plainChallenger);
  if (holdsLists(envelope)) exchange.listFilter = buildFilter(decide, exchange);
  return undefined;
}

function buildFilter(decide: Decider, { principal, classification }: Exchange): ListFilter {
  return {
    isShown: (kind, name) => isShown(decide({ principal, method: uses[kind], kind, name }), principal),
    makePrivate: classification?.era === 'modern',
  };
}

function decideOn(decide: Decider, { envelope, principal, request }: Exchange): Decision {
  if (envelope === undefined) return decide({ principal, ...anything });
  // The message that nearly every request is, without a closure.
  if (envelope.kind === 'request' && envelope.method !== 'subscriptions/listen')
    return decide({ principal, ...toOperation(envelope) });
  let decision: Decision | undefined;
  visitOperations(envelope, request.body, (operation) => {
    decision = combineDecisions(decision, decide({ principal, ...operation }));
  });
  // An answer to the server asks for nothing, but comes from somebody who may do something.
  return decision ?? decide({ principal, ...anything });
}

/** Whether what comes back may hold a list: streams carry answers to earlier requests, too. */
function holdsLists(envelope: Envelope | undefined): boolean {
  switch (envelope?.kind) {
    case 'request':
      return isListMethod(envelope.method);
    case undefined:
    case 'batch':
      return true;
    case 'notification':
    case 'response':
      return false;
  }
}

function toReply(
  decision: Exclude<Decision, { kind: 'allow' }>,
  principal: Principal | undefined,
  challenger: Challenger,
): Reply {
  // Scopes help only who can get more of them.
  if (decision.kind === 'deny' || principal?.method !== 'token')
    return { kind: 'error', code: 'E_ACCESS_DENIED' };
  return {
    kind: 'error',
    code: 'E_AUTH_SCOPE',
    fields: ['www-authenticate', challenger.insufficient(decision.scopes)],
  };
}
