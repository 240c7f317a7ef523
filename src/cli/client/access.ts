import { GatewayError } from '../../lib/gateway-error.ts';
import { clientFacts, type Access, type ClientName } from './client-name.ts';
import type { Endpoint } from './endpoint.ts';

const words: { readonly [access in Access]: string } = {
  none: 'calls without proof',
  key: 'API keys',
  oauth: 'logins',
};

/**
 * How the client gets in: as asked for, else the best way that both sides know. Throws a GatewayError E_USAGE where there is
 * none, so that nobody gets a snippet that cannot work.
 */
export function chooseAccess(
  client: ClientName,
  endpoint: Pick<Endpoint, 'url' | 'offered' | 'isConfigured'>,
  asked: Access | undefined,
): Access {
  const { title, access: known } = clientFacts[client];
  const { offered, isConfigured } = endpoint;
  const where = `\`${endpoint.url.pathname}\``;
  if (asked !== undefined && isConfigured && !offered.includes(asked)) {
    throw new GatewayError('E_USAGE', `${where} does not take ${words[asked]}`, {
      hint: `it takes ${describeOffer(offered)}`,
    });
  }
  const wanted = asked === undefined ? offered : [asked];
  const access = known.find((way) => wanted.includes(way));
  if (access !== undefined) return access;
  throw new GatewayError('E_USAGE', `${title} knows no way in: ${where} takes ${describeOffer(wanted)}`, {
    hint: client === 'chatgpt' ? 'let people log in (OAuth)' : 'add API keys or logins to the route',
  });
}

function describeOffer(offered: readonly Access[]): string {
  return offered.length === 0
    ? 'client certificates alone'
    : offered.map((access) => words[access]).join(' and ');
}
