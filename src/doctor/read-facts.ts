import { isJsonObject, parseJson } from '../lib/json.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Facts } from './facts.ts';

/** Reads facts that were written down before. Fails with a sentence where they are none, or of another format. */
export function readFacts(text: string): Result<Facts, string> {
  const value = parseJson(text);
  if (value === undefined) return fail('it is no JSON');
  if (!isJsonObject(value) || !isJsonObject(value['target']) || !isJsonObject(value['http']))
    return fail('it holds no facts of `doctor`');
  if (value['format'] !== 1)
    return fail(`its format is ${String(value['format'])}, and this version reads 1`);
  for (const layer of ['dns', 'tcp', 'tls', 'http', 'oauth']) {
    if (!isJsonObject(value[layer]) || typeof value[layer]['done'] !== 'boolean')
      return fail(`\`${layer}\` is missing`);
  }
  return ok(value as unknown as Facts);
}
