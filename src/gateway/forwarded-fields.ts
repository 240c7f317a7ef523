import { isCredentialField } from '../auth/credential.ts';
import { isClaimedField } from '../http/forwarded.ts';
import type { OutboundFieldSet } from './exchange.ts';

/**
 * Whether a field of a client may go on to the server: nothing that only claims something, no credential that is for us alone, and
 * nothing that we say ourselves. `name` is in lower case.
 */
export function isForwarded(
  name: string,
  dropsCredentials: boolean,
  outbound: OutboundFieldSet | undefined,
): boolean {
  if (isClaimedField(name) || (dropsCredentials && isCredentialField(name))) return false;
  return outbound === undefined || !outbound.names.includes(name);
}

/** The head of a request, with what we say ourselves behind it. */
export function appendOutbound(head: string, outbound: OutboundFieldSet | undefined): string {
  if (outbound === undefined) return head;
  let longer = head;
  for (let index = 0; index < outbound.fields.length; index += 2)
    longer += `${outbound.fields[index]}: ${outbound.fields[index + 1]}\r\n`;
  return longer;
}
