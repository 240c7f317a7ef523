import { z } from 'zod';
import { fileNameSchema, variableNameSchema } from './file-name.ts';

/** How Breakwater shows who it is to another server, as it is written. */
export interface ClientSecretSetting {
  readonly client_id: string;
  /** Name of an environment variable. */
  readonly client_secret_env: string | undefined;
  readonly client_secret_file: string | undefined;
}

/** Exactly one of the two places of the secret is needed; see `secret-consistency.ts`. */
export const clientSecretFields: {
  readonly client_id: z.ZodType<string>;
  readonly client_secret_env: z.ZodOptional<z.ZodType<string>>;
  readonly client_secret_file: z.ZodOptional<z.ZodType<string>>;
} = {
  client_id: z.string().min(1).describe('Name of Breakwater as a client there.'),
  client_secret_env: variableNameSchema
    .optional()
    .describe('Environment variable with the secret of the client.'),
  client_secret_file: fileNameSchema.optional().describe('File with the secret of the client.'),
};

export function toClientSecret(written: {
  readonly client_id: string;
  readonly client_secret_env?: string | undefined;
  readonly client_secret_file?: string | undefined;
}): ClientSecretSetting {
  const { client_id, client_secret_env, client_secret_file } = written;
  return { client_id, client_secret_env, client_secret_file };
}
