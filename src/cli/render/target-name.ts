import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { suggestion, toHint } from '../../lib/suggestion.ts';
import { renderTargets, type RenderTarget } from '../../render/target.ts';

/** What people call them besides. */
const otherNames: Readonly<Record<string, RenderTarget>> = {
  httpd: 'apache',
  apache2: 'apache',
  caddyfile: 'caddy',
  'docker-compose': 'compose',
  dockerfile: 'docker',
  k8s: 'kubernetes',
  chart: 'helm',
};

/** Throws E_USAGE for a name that is none, with the one that was perhaps meant. */
export function parseTarget(text: string): RenderTarget {
  const name = text.toLowerCase();
  const found = renderTargets.find((target) => target === name) ?? otherNames[name];
  if (found !== undefined) return found;
  const meant = suggestion(name, renderTargets);
  throw new GatewayError('E_USAGE', `nothing is rendered for \`${toPrintable(text)}\``, {
    hint: toHint(meant, `use one of ${renderTargets.join(', ')}`),
  });
}
