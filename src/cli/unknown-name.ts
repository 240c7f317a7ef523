import { errorCodes } from '../lib/error-codes.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { suggestion, toHint } from '../lib/suggestion.ts';
import { toSafeText } from '../tls/trust/command-text.ts';

/** Says that a name is unknown, and which one was perhaps meant. */
export function toUnknownName(
  what: string,
  name: string,
  known: readonly { readonly name: string }[],
): GatewayError {
  const names = known.map((each) => each.name);
  const meant = suggestion(name, names);
  return new GatewayError('E_NAME_UNKNOWN', `there is no ${what} \`${toSafeText(name)}\``, {
    hint: toHint(meant, errorCodes.E_NAME_UNKNOWN.fix),
  });
}
