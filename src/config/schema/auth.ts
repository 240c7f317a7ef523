import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { AdmittedCertificateConfig, ApiKeyConfig, KeysConfig } from '../config.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';
import { defaultOAuth, oauthSchema, type OAuthSetting } from './oauth.ts';
import { scopesSchema } from './scopes.ts';

/** Access control as it is written: secrets are still names, and the server may be described elsewhere. */
export type AuthSetting =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'required';
      readonly keys: KeysConfig | undefined;
      readonly certificates: readonly AdmittedCertificateConfig[] | undefined;
      readonly oauth: OAuthSetting | undefined;
    };

const keySchema = z
  .strictObject({
    name: parsedField(z.string(), parseName).describe('Name of the key in logs; never sent to anyone.'),
    sha256: parsedField(z.string(), parseHash).describe('SHA-256 of the key as 64 hexadecimal digits.'),
    scopes: scopesSchema.prefault([]).describe('Scopes of the key, for rules that ask for some.'),
    expires: parsedField(z.string(), parseInstant)
      .optional()
      .describe('When the key ends: `2027-01-31`, or `2027-01-31T18:00:00Z`. Default: never.'),
  })
  .transform(({ name, sha256, scopes, expires: expiresAt }): ApiKeyConfig => ({
    name,
    sha256,
    scopes,
    expiresAt,
  }));

const certificateSchema = z.strictObject({
  name: parsedField(z.string(), parseName).describe('Name of the client in logs.'),
  subject: parsedField(z.string(), parseSubject).describe(
    'Subject of the certificate in one line (`CN=ci, O=Example`), or an alternative name: `DNS:...`, `URI:...`, `email:...`.',
  ),
});

const methodsSchema = z.strictObject({
  keys: z
    .union([z.literal('stored'), z.array(keySchema).min(1)], { error: '`stored` or a list' })
    .optional()
    .describe('API keys that are accepted: a list, or `stored` for those of `breakwater keys`.'),
  certificates: z
    .array(certificateSchema)
    .min(1)
    .optional()
    .describe('Client certificates that are admitted, of the authorities in `tls.clients`.'),
  oauth: oauthSchema.optional(),
});

export const authSchema: z.ZodType<AuthSetting> = z
  .union(
    [
      z.literal('none').transform((kind) => ({ kind })),
      z
        .literal('oauth')
        .transform(
          () =>
            ({ kind: 'required', keys: undefined, certificates: undefined, oauth: defaultOAuth }) as const,
        ),
      parsedField(methodsSchema, parseMethods),
    ],
    { error: '`none`, `oauth` or a mapping' },
  )
  .describe(
    'Who may call: `none` for everyone, `oauth` for whoever logs in at the built-in server, or a mapping of methods. Of several each one alone admits.',
  );

function parseMethods(written: z.infer<typeof methodsSchema>): Result<AuthSetting, FieldProblem> {
  const { keys, certificates, oauth } = written;
  if (keys === undefined && certificates === undefined && oauth === undefined) {
    return fail({
      code: 'E_CONFIG_MISSING',
      predicate: 'names no method',
      label: 'needs `keys`, `certificates` or `oauth`',
      fix: 'add a method, or write `auth: none` to let everyone in',
    });
  }
  const stored = keys === 'stored';
  return ok({
    kind: 'required',
    keys: keys && { listed: stored ? [] : keys, stored },
    certificates,
    oauth,
  });
}

function parseName(text: string): Result<string, FieldProblem> {
  return /^[\w.@:-]{1,64}$/.test(text)
    ? ok(text)
    : failValue('is not a name', 'up to 64 letters, digits, `.`, `_`, `-`, `@` and `:`');
}

/** Compared as a whole and as it is written: a pattern would admit whoever finds a name that it matches. */
function parseSubject(text: string): Result<string, FieldProblem> {
  const isAlternative = /^(?:DNS|URI|email):\S+$/.test(text);
  const isName = /^[A-Za-z][\w.]*=[^\0\r\n]+$/.test(text);
  return isAlternative || isName
    ? ok(text)
    : failValue('is not a subject', 'write `CN=ci, O=Example`, or `DNS:`, `URI:` or `email:` and a name');
}

/** The value is never repeated in a message: people paste the key itself here. */
function parseHash(text: string): Result<string, FieldProblem> {
  return /^[0-9a-f]{64}$/i.test(text)
    ? ok(text.toLowerCase())
    : fail({
        code: 'E_CONFIG_KEY',
        predicate: 'is not a SHA-256',
        label: '64 hexadecimal digits are needed',
      });
}

/** A date (its beginning in UTC) or a time with a zone, as ISO 8601 writes them. */
function parseInstant(text: string): Result<number, FieldProblem> {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text);
  const day = Date.parse(`${match?.[1]}T00:00:00Z`);
  const instant = match === null ? Number.NaN : Date.parse(text);
  // Against 31 February, which becomes a day of March.
  const exists = !Number.isNaN(instant) && new Date(day).toISOString().startsWith(match?.[1] ?? '-');
  return exists
    ? ok(instant)
    : failValue(
        'is not a time',
        'a date such as `2027-01-31`, or a time with its zone: `2027-01-31T18:00:00Z`',
      );
}
