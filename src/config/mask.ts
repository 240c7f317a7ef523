const namedSecret =
  /((?:sha256|secret\w*|token|passw(?:or)?d|passphrase\w*|hmac_key\w*|\bvalue(?:_\w+)?|api_?key|authorization|\b(?:auth|oauth|keys))["']?\s*[:=]\s*["']?)(?!(?:none|oauth|stored|true|\d+(?:ms|s|m|h|d))\s*(?:$|[,}\]#]))([^\s"',{}[\]][^,{}[\]]*)/gi;
const bearerSecret = /(\bbearer\s+)([^\s"',{}[\]]+)/gi;
const userInfo = /(:\/\/)([^/@\s]+)(?=@)/g;
/** A password may hold what ends it in other URLs. */
const redisUserInfo = /(\brediss?:\/\/)([^\s"']+)(?=@)/gi;
const longToken = /()((?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{24,})/g;

/**
 * Hides what may be a secret in text that is shown to a person: values of keys that sound like one, user names and
 * passwords in URLs, and long random words. The length stays, so that marks under the text stay in place.
 */
export function maskSecrets(text: string): string {
  return [namedSecret, bearerSecret, redisUserInfo, userInfo, longToken].reduce(
    (masked, pattern) =>
      masked.replaceAll(
        pattern,
        (_all, before: string, secret: string) => before + '*'.repeat(secret.length),
      ),
    text,
  );
}

const secretNames = /secret|passw|passphrase|hmac_key|^value(?:_|$)/i;
const shownOfMethods: ReadonlySet<PropertyKey> = new Set(['name', 'subject', 'expires']);
const publicWords: ReadonlySet<unknown> = new Set(['none', 'oauth', 'stored', true]);

/** True for settings whose value is never shown: people paste keys where hashes belong, and secrets where the name of a file does. */
function isSecretPath(path: readonly PropertyKey[]): boolean {
  if (path.some((part) => typeof part === 'string' && secretNames.test(part))) return true;
  const at = path.indexOf('auth');
  if (at === -1) return false;
  const [method, ...rest] = path.slice(at + 1);
  // What is below `oauth` are addresses and names, and its secrets have names that say so.
  if (method === 'oauth' && rest.length > 0) return false;
  const last = path.at(-1);
  return !rest.includes('scopes') && (last === undefined || !shownOfMethods.has(last));
}

/** As `isSecretPath`, for one value: the words that a setting knows are no secrets. */
export function isSecretValue(path: readonly PropertyKey[], value: unknown): boolean {
  return isSecretPath(path) && !publicWords.has(value);
}
