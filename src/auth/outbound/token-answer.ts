import { parseJsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { FormAnswer } from './post-form.ts';

export interface IssuedToken {
  /** Visible ASCII. */
  readonly token: string;
  /** Milliseconds; `undefined` when the endpoint does not say. */
  readonly lifetime: number | undefined;
}

/** Longest token that is passed on, in characters. */
const longestToken = 8192;

/** Reads a token endpoint's answer (RFC 8693 section 2.2, RFC 6749 section 5). The error is a reason for the log, free of tokens. */
export function parseTokenAnswer(answer: FormAnswer): Result<IssuedToken, string> {
  const value = parseJsonObject(answer.body);
  if (answer.status !== 200) {
    const error = value?.['error'];
    // Only the code of the error: descriptions may quote the token.
    const code = typeof error === 'string' && /^[\w.:-]{1,64}$/.test(error) ? `, ${error}` : '';
    return fail(`the token endpoint refused: status ${answer.status}${code}`);
  }
  if (value === undefined) return fail('the token endpoint did not answer with a JSON object');
  const { access_token: token, token_type: type, expires_in: seconds } = value;
  // `N_A` marks a token that is no access token (RFC 8693 section 2.2.1), and any other type is used in another way than ours.
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return fail('the token endpoint did not issue a bearer token');
  // header-injection: the token becomes a field value.
  if (typeof token !== 'string' || token.length > longestToken || !/^[\x21-\x7e]+$/.test(token))
    return fail('the token endpoint issued a token that no header can carry');
  const isDuration = typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0;
  return ok({ token, lifetime: isDuration ? seconds * 1000 : undefined });
}
