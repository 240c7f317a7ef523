import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { listAccessSecrets } from './access-places.ts';
import { listIssuers } from './automatic-issuance.ts';
import type { Environment } from './overlay.ts';
import { redisPath } from './resolve-state.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

/** What settings only point to, by the name of the setting: `tls.acme.eab.hmac_key_env`. */
export type Secrets = ReadonlyMap<string, string>;

export interface SecretSources {
  readonly tree: SourceTree;
  readonly environment: Environment;
  /** Reads a file that is named by the setting at the path. */
  readonly readFile: (path: readonly PropertyKey[], name: string) => Promise<Uint8Array>;
}

interface Wanted {
  readonly path: readonly PropertyKey[];
  readonly kind: 'file' | 'environment';
  readonly name: string;
  readonly use: Use;
}

/** What a secret is for, which says what it may look like. */
type Use = 'passphrase' | 'hmac-key' | 'text';

/**
 * Reads the secrets that the configuration names but does not hold. Passphrase files are left to those who read the
 * private keys, because both are watched. No message repeats a value: people write the secret itself where its name belongs.
 */
export async function readSecrets(
  draft: Draft,
  sources: SecretSources,
): Promise<{ secrets: Secrets; problems: Diagnostic[] }> {
  const secrets = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const wanted of listWanted(draft)) {
    const name = formatSettingName(wanted.path);
    const found = await read(wanted, sources);
    const value = found.ok ? toValue(found.value, wanted.use) : found;
    if (value.ok) secrets.set(name, value.value);
    else {
      const { message, label, fix } = value.error;
      problems.push({
        severity: 'error',
        code: 'E_CONFIG_VALUE',
        message: `\`${name}\` ${message}`,
        label,
        fix,
        ...sources.tree.place(wanted.path),
      });
    }
  }
  return { secrets, problems };
}

/** In the place of secrets that are not there yet, such as those of another machine: each is empty. */
export function nameSecrets(draft: Draft): Secrets {
  return new Map(listWanted(draft).map(({ path }) => [formatSettingName(path), '']));
}

function listWanted(draft: Draft): readonly Wanted[] {
  const wanted = [...listTlsSecrets(draft), ...listStateSecrets(draft)];
  for (const { owner, name, env, file } of listAccessSecrets(draft)) {
    if (env !== undefined)
      wanted.push({ path: [...owner, `${name}_env`], kind: 'environment', name: env, use: 'text' });
    if (file !== undefined)
      wanted.push({ path: [...owner, `${name}_file`], kind: 'file', name: file, use: 'text' });
  }
  return wanted;
}

function listStateSecrets({ state }: Draft): Wanted[] {
  const { passwordEnv, passwordFile } = state?.redis ?? {};
  const toWanted = (key: string, kind: Wanted['kind'], name: string | undefined): Wanted[] =>
    name === undefined ? [] : [{ path: [...redisPath, key], kind, name, use: 'text' }];
  return [
    ...toWanted('password_env', 'environment', passwordEnv),
    ...toWanted('password_file', 'file', passwordFile),
  ];
}

function listTlsSecrets({ tls }: Draft): Wanted[] {
  if (tls === undefined) return [];
  const certificates = [
    { path: ['tls'] as readonly PropertyKey[], setting: tls },
    ...tls.certificates.map((setting, index) => ({ path: ['tls', 'certificates', index], setting })),
  ];
  const wanted: Wanted[] = [];
  const want = (path: readonly PropertyKey[], name: string | undefined, use: Use): void => {
    const kind = String(path.at(-1)).endsWith('_env') ? 'environment' : 'file';
    if (name !== undefined) wanted.push({ path, kind, name, use });
  };
  for (const { path, setting } of certificates)
    want([...path, 'passphrase_env'], setting.passphrase_env, 'passphrase');
  for (const { path, setting } of listIssuers(tls.acme)) {
    want([...path, 'eab', 'hmac_key_env'], setting?.eab?.hmac_key_env, 'hmac-key');
    want([...path, 'eab', 'hmac_key_file'], setting?.eab?.hmac_key_file, 'hmac-key');
  }
  return wanted;
}

interface SecretProblem {
  readonly message: string;
  readonly label: string;
  readonly fix: string;
}

async function read(wanted: Wanted, sources: SecretSources): Promise<Result<string, SecretProblem>> {
  if (wanted.kind === 'environment') {
    const value = sources.environment[wanted.name];
    if (value !== undefined && value !== '') return ok(value);
    return fail({
      message: 'names a variable that is not set',
      label: 'not in the environment, or empty',
      fix: 'set the variable for the process that runs Breakwater, or name a file instead',
    });
  }
  try {
    return ok(new TextDecoder().decode(await sources.readFile(wanted.path, wanted.name)));
  } catch {
    return fail({
      message: 'names a file that cannot be read',
      label: 'it does not exist, or permission is denied',
      fix: 'correct the file name or its permissions',
    });
  }
}

function toValue(text: string, use: Use): Result<string, SecretProblem> {
  switch (use) {
    case 'passphrase':
      return ok(text);
    case 'hmac-key':
      return toBase64Url(text);
    case 'text':
      return toOneLine(text);
  }
}

/** Against header injection: what is sent in a field is one line of visible characters. */
function toOneLine(text: string): Result<string, SecretProblem> {
  const line = text.replace(/(?:\r?\n)+$/, '');
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(line)) return ok(line);
  return fail({
    message: 'leads to something that cannot be sent',
    label: 'one line of ASCII, without spaces around it, is needed',
    fix: 'write the secret again, and nothing else',
  });
}

/** Takes base64 as well, because authorities show either. */
function toBase64Url(text: string): Result<string, SecretProblem> {
  const key = text.trim().replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  if (/^[\w-]{16,}$/.test(key)) return ok(key);
  return fail({
    message: 'leads to something that is not an HMAC key',
    label: 'base64url as the authority gave it is needed',
    fix: 'copy the HMAC key of the external account binding again, and nothing else',
  });
}
