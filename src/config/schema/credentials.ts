import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { UpstreamCredentialsConfig } from '../config.ts';
import { clientSecretFields, toClientSecret, type ClientSecretSetting } from './client-secret.ts';
import { endpointSchema } from './endpoint.ts';
import { durationField, failValue, findChoice, parsedField, type FieldProblem } from './field.ts';
import { fileNameSchema, variableNameSchema } from './file-name.ts';
import { scopesSchema } from './scopes.ts';

/** The credentials as they are written: secrets are still names of variables and files. */
export type CredentialsSetting =
  | Extract<UpstreamCredentialsConfig, { kind: 'none' | 'jwt' }>
  | {
      readonly kind: 'header';
      readonly name: string;
      readonly value_env: string | undefined;
      readonly value_file: string | undefined;
    }
  | (ClientSecretSetting & {
      readonly kind: 'exchange';
      readonly tokenEndpoint: string;
      readonly audience: string | undefined;
      readonly scopes: readonly string[];
    });

const second = 1000;
const audienceField = z.string().min(1).optional();

const jwtObject = z.strictObject({
  audience: audienceField.describe('Whom the token is for. Default: the URL of the upstream.'),
  lifetime: durationField({
    default: '60s',
    min: 5 * second,
    max: 3600 * second,
    description: 'How long a token counts; between 5s and 1h.',
  }),
});

const oneOfSchema = z.strictObject({
  header: z
    .strictObject({
      name: parsedField(z.string(), parseFieldName).describe('Name of the header field.'),
      value_env: variableNameSchema.optional().describe('Environment variable with its value.'),
      value_file: fileNameSchema.optional().describe('File with its value.'),
    })
    .optional()
    .describe('A header field that is the same in every request, such as `Authorization`.'),
  jwt: z
    .union([z.literal(true).transform(() => jwtObject.parse({})), jwtObject], {
      error: '`true` or a mapping',
    })
    .optional()
    .describe('A short token about the caller that Breakwater signs. `true` takes the defaults.'),
  exchange: z
    .strictObject({
      token_endpoint: endpointSchema.describe('URL that tokens are exchanged at (RFC 8693).'),
      ...clientSecretFields,
      audience: audienceField.describe('Whom the new token is for, as the issuer names it.'),
      scopes: scopesSchema.prefault([]).describe('Scopes that the new token is asked with.'),
    })
    .optional()
    .describe("The caller's token, exchanged for one for the upstream."),
});

export const credentialsSchema: z.ZodType<CredentialsSetting> = z
  .union(
    [z.literal('none').transform(() => ({ kind: 'none' }) as const), parsedField(oneOfSchema, parseOne)],
    {
      error: '`none` or a mapping',
    },
  )
  .prefault('none')
  .describe(
    "What the upstream is shown. The caller's own key or token never reaches it. `none` shows nothing.",
  );

function parseOne(written: z.infer<typeof oneOfSchema>): Result<CredentialsSetting, FieldProblem> {
  const problem = findChoice(written, ['header', 'jwt', 'exchange']);
  if (problem !== undefined) return fail(problem);
  const { header, jwt, exchange } = written;
  if (header !== undefined) {
    const { name, value_env, value_file } = header;
    return ok({ kind: 'header', name, value_env, value_file });
  }
  if (exchange !== undefined) {
    const { token_endpoint: tokenEndpoint, audience, scopes } = exchange;
    return ok({ kind: 'exchange', tokenEndpoint, ...toClientSecret(exchange), audience, scopes });
  }
  return ok(
    jwt === undefined ? { kind: 'none' } : { kind: 'jwt', audience: jwt.audience, lifetime: jwt.lifetime },
  );
}

/** Fields that rule the connection, frame the message, or are the protocol's or Breakwater's own. */
const ownFields =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept|accept-encoding|origin|forwarded|x-forwarded-.*|mcp-.*|last-event-id)$/;

function parseFieldName(text: string): Result<string, FieldProblem> {
  const name = text.toLowerCase();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/.test(name)) {
    return failValue('is not the name of a header field', 'a name such as `Authorization` or `X-API-Key`');
  }
  return ownFields.test(name)
    ? failValue('is a header field that Breakwater writes itself', 'use another field')
    : ok(name);
}
