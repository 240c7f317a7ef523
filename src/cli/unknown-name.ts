import { errorCodes } from '../lib/error-codes.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { toPrintable } from '../lib/printable.ts';
import { suggestion, toHint } from '../lib/suggestion.ts';

/** Says that a name is unknown, and which one was perhaps meant. */
export function toUnknownName(
  what: string,
  name: string,
  known: readonly { readonly name: string }[],
): GatewayError {
  const names = known.map((each) => each.name);
  const meant = suggestion(name, names);
  return new GatewayError('E_NAME_UNKNOWN', `there is no ${what} \`${toPrintable(name)}\``, {
    hint: toHint(meant, errorCodes.E_NAME_UNKNOWN.fix),
  });
}
