import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { AuthConfig } from '../config.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

const keySchema = z.strictObject({
  name: parsedField(z.string(), parseName).describe('Name of the key in logs; never sent to anyone.'),
  sha256: parsedField(z.string(), parseHash).describe('SHA-256 of the key as 64 hexadecimal digits.'),
});

export const authSchema: z.ZodType<AuthConfig> = z
  .union([
    z.literal('none'),
    z.strictObject({
      keys: z.array(keySchema).min(1).describe('Keys that are accepted as bearer tokens.'),
    }),
  ])
  .transform((auth): AuthConfig => (auth === 'none' ? { kind: 'none' } : { kind: 'keys', keys: auth.keys }))
  .describe('Who may call: `none` for everyone, or a list of API keys.');

function parseName(text: string): Result<string, FieldProblem> {
  return /^[\w.@:-]{1,64}$/.test(text)
    ? ok(text)
    : failValue('is not a name', 'up to 64 letters, digits, `.`, `_`, `-`, `@` and `:`');
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
