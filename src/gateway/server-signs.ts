import { fieldValue } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { ServerSign } from '../upstream/group.ts';

/** What the head of an answer says of the server. Other errors (500 too) are answers to the request, which may deserve them. */
export function toStatusSign({ status, fields }: ResponseHead): ServerSign {
  if (status === 503 && fieldValue(fields, 'retry-after') !== undefined) return 'busy';
  return status >= 502 && status <= 504 ? 'failing' : 'well';
}

const failures: ReadonlyMap<ErrorCode, ServerSign> = new Map([
  ['E_UPSTREAM_UNREACHABLE', 'unreachable'],
  ['E_UPSTREAM_TIMEOUT', 'unreachable'],
  ['E_UPSTREAM_CLOSED', 'unreachable'],
  ['E_UPSTREAM_BROKE_OFF', 'unreachable'],
  ['E_UPSTREAM_BAD_RESPONSE', 'failing'],
]);

/** What a broken connection says of the server; `undefined` for what we ended ourselves. */
export function toFailureSign(code: ErrorCode): ServerSign | undefined {
  return failures.get(code);
}
