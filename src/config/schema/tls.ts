import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

export interface TlsSetting {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A file name as it is written; relative ones are resolved later, against the file or the working directory. */
export const fileNameSchema: z.ZodType<string> = parsedField(z.string(), parseFileName);

export const tlsSchema: z.ZodType<TlsSetting> = z
  .strictObject({
    cert: fileNameSchema.optional().describe('PEM file with the certificate and its chain.'),
    key: fileNameSchema.optional().describe('PEM file with the private key of the certificate.'),
  })
  .transform(({ cert, key }) => ({ cert, key }))
  .prefault({})
  .describe('Certificate files. Without them the local certificate authority issues a certificate.');

function parseFileName(text: string): Result<string, FieldProblem> {
  return text === '' || text.includes('\0') ? failValue('is not a file name', 'a file name') : ok(text);
}
