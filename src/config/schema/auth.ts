import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { AuthConfig } from '../config.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

const keySchema = z.strictObject({
  name: parsedField(z.string(), parseName).describe('Name of the key in logs; never sent to anyone.'),
  sha256: parsedField(z.string(), parseHash).describe('SHA-256 of the key as 64 hexadecimal digits.'),
});

const certificateSchema = z.strictObject({
  name: parsedField(z.string(), parseName).describe('Name of the client in logs.'),
  subject: parsedField(z.string(), parseSubject).describe(
    'Subject of the certificate in one line (`CN=ci, O=Example`), or an alternative name: `DNS:...`, `URI:...`, `email:...`.',
  ),
});

export const authSchema: z.ZodType<AuthConfig> = z
  .union([
    z.literal('none'),
    z.strictObject({
      keys: z.array(keySchema).min(1).describe('Keys that are accepted as bearer tokens.'),
    }),
    z.strictObject({
      certificates: z
        .array(certificateSchema)
        .min(1)
        .describe('Client certificates that are admitted, of the authorities in `tls.clients`.'),
    }),
  ])
  .transform((auth): AuthConfig => {
    if (auth === 'none') return { kind: 'none' };
    return 'keys' in auth
      ? { kind: 'keys', keys: auth.keys }
      : { kind: 'certificates', admitted: auth.certificates };
  })
  .describe('Who may call: `none` for everyone, a list of API keys, or a list of client certificates.');

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
