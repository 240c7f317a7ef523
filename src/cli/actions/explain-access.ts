import { compileRules, type Decision } from '../../auth/rules/compile.ts';
import { explainDecision, renderExplanation, type ExplainedStep } from '../../auth/rules/explain.ts';
import type { Principal } from '../../auth/principal.ts';
import type { Config, RouteConfig } from '../../config/config.ts';
import { toRouteId } from '../../config/route-id.ts';
import type { AccessWords } from '../access-words.ts';

/** What one route does with a caller and an operation. */
export interface RouteAccess {
  readonly route: string;
  readonly decision: Decision['kind'];
  /** Scopes that would be needed; empty unless the decision is `scopes`. */
  readonly scopes: readonly string[];
  /** The rule that decides, from 0 as in a list; `null` when none does. */
  readonly rule: number | null;
  /** The rules that were asked. */
  readonly steps: readonly ExplainedStep[];
  readonly summary: string;
}

/** What each route would answer, first to last. */
export function explainAccess(config: Config, words: AccessWords): readonly RouteAccess[] {
  return config.routes.map((route) => explainRoute(route, words));
}

/** For people: one block a route. */
export function renderAccess(access: readonly RouteAccess[], { user, tool }: AccessWords): string {
  return access
    .map(
      ({ route, steps, summary }) =>
        `${route}: \`${user}\`, \`${tool}\`\n${renderExplanation({ steps, summary })}`,
    )
    .join('\n');
}

const STORED_HINT = '; say which scopes a stored key has: `key:NAME,scope:SCOPE`';

function explainRoute(route: RouteConfig, words: AccessWords): RouteAccess {
  const principal = withScopes(route, words);
  const refusal = findRefusal(route, principal);
  const none = { route: toRouteId(route), scopes: [], rule: null, steps: [] };
  if (refusal !== undefined)
    return { ...none, decision: 'deny', summary: `refused before any rule: ${refusal}` };
  if (route.rules === undefined) {
    return { ...none, decision: 'allow', summary: 'allowed, because the route has no rules' };
  }
  const { decision, steps, summary } = explainDecision(compileRules(route.rules), {
    principal,
    ...words.operation,
  });
  return {
    route: toRouteId(route),
    decision: decision.kind,
    scopes: decision.kind === 'scopes' ? decision.scopes : [],
    rule: decision.rule ?? null,
    steps,
    summary: isUnlisted(route, words) && decision.kind === 'scopes' ? `${summary}${STORED_HINT}` : summary,
  };
}

/** With the scopes that the configuration gives the key. */
function withScopes({ auth }: RouteConfig, { principal, keyName }: AccessWords): Principal | undefined {
  if (principal === undefined || keyName === undefined || auth.kind === 'none') return principal;
  const listed = auth.keys?.listed.find(({ name }) => name === keyName);
  return listed === undefined ? principal : { ...principal, scopes: [...principal.scopes, ...listed.scopes] };
}

/** Stored keys are not looked up: the answer must not depend on the state of one machine. */
function isUnlisted({ auth }: RouteConfig, { keyName }: AccessWords): boolean {
  return keyName !== undefined && auth.kind === 'required' && auth.keys?.stored === true;
}

/** Why a caller of this kind never gets as far as the rules. */
function findRefusal({ auth }: RouteConfig, principal: Principal | undefined): string | undefined {
  if (auth.kind === 'none') return undefined;
  if (principal === undefined) return 'the route asks who calls';
  switch (principal.method) {
    case 'key':
      if (auth.keys === undefined) return 'the route takes no keys';
      return auth.keys.stored || auth.keys.listed.some(({ name }) => principal.id === `key:${name}`)
        ? undefined
        : 'the route has no key of this name';
    case 'certificate':
      if (auth.certificates === undefined) return 'the route takes no client certificates';
      return auth.certificates.some(({ name }) => principal.id === `certificate:${name}`)
        ? undefined
        : 'the route admits no certificate of this name';
    case 'token':
      return auth.oauth === undefined ? 'the route takes no tokens' : undefined;
  }
}
