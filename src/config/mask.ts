const namedSecret =
  /((?:sha256|secret|token|passw(?:or)?d|passphrase\w*|hmac_key\w*|api_?key|authorization|\bauth)["']?\s*[:=]\s*["']?)(?!none\b)([^\s"',{}[\]][^,{}[\]]*)/gi;
const bearerSecret = /(\bbearer\s+)([^\s"',{}[\]]+)/gi;
const userInfo = /(:\/\/)([^/@\s]+)(?=@)/g;
const longToken = /()((?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{24,})/g;

/**
 * Hides what may be a secret in text that is shown to a person: values of keys that sound like one, user names and
 * passwords in URLs, and long random words. The length stays, so that marks under the text stay in place.
 */
export function maskSecrets(text: string): string {
  return [namedSecret, bearerSecret, userInfo, longToken].reduce(
    (masked, pattern) =>
      masked.replaceAll(
        pattern,
        (_all, before: string, secret: string) => before + '*'.repeat(secret.length),
      ),
    text,
  );
}

const pointers: ReadonlySet<string> = new Set([
  'passphrase_file',
  'passphrase_env',
  'hmac_key_file',
  'hmac_key_env',
]);

/** True for settings whose value is never shown, whatever it looks like: people paste keys where hashes belong, and passphrases where the name of a file does. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  const last = path.at(-1);
  if (path.includes('auth')) return last !== 'name' && last !== 'subject';
  return typeof last === 'string' && pointers.has(last);
}
