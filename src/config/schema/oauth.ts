import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import type { OAuthConfig, TokenIssuerConfig } from '../config.ts';
import { clientSecretFields, toClientSecret, type ClientSecretSetting } from './client-secret.ts';
import { endpointSchema, issuerSchema } from './endpoint.ts';
import { durationField, failValue, parsedField, type FieldProblem } from './field.ts';
import { fileNameSchema } from './file-name.ts';
import { serverSchema, type ServerSetting } from './login.ts';
import { scopesSchema } from './scopes.ts';

/** One issuer as it is written. */
export interface TokenIssuerSetting extends Omit<TokenIssuerConfig, 'introspection'> {
  readonly introspection: (ClientSecretSetting & { readonly url: string }) | undefined;
}

export interface OAuthSetting extends Pick<OAuthConfig, 'audiences' | 'requiredScopes' | 'clockSkew'> {
  /** The one issuer that is written as a URL alone. */
  readonly issuer: string | undefined;
  readonly issuers: readonly TokenIssuerSetting[] | undefined;
  /** `true` is the server that another place of the file describes, or else the default one. */
  readonly server: ServerSetting | true | undefined;
  /** `undefined` advertises those that are required. */
  readonly scopes: readonly string[] | undefined;
}

/** Those with public keys: whoever can check a token must not be able to make one (RFC 8725 section 3.1). */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const claimField = (byDefault: string, description: string): z.ZodPrefault<z.ZodString> =>
  z.string().min(1).prefault(byDefault).describe(description);

const audiencesField = z.array(z.string().min(1)).prefault([]);

const issuerObject = z
  .strictObject({
    issuer: issuerSchema.describe('URL of the issuer, exactly as its tokens have it in `iss`.'),
    jwks: endpointSchema.optional().describe('URL of its keys. Default: what its metadata says.'),
    introspection: z
      .strictObject({ url: endpointSchema.describe('URL that is asked.'), ...clientSecretFields })
      .transform(({ url, ...client }) => ({ url, ...toClientSecret(client) }))
      .optional()
      .describe(
        'Ask the issuer about each token (RFC 7662); for tokens that are no JWT, or that it revokes.',
      ),
    algorithms: z
      .array(z.enum(algorithms, { error: 'an algorithm with public keys' }))
      .min(1)
      .prefault([...algorithms])
      .describe('Signature algorithms that are accepted.'),
    audiences: audiencesField.describe(
      'Audiences of its tokens that are accepted, besides those for all issuers.',
    ),
    types: z
      .array(parsedField(z.string(), parseType))
      .prefault([])
      .describe('Accepted types of its tokens, such as `at+jwt`. Default: any.'),
    claims: z
      .strictObject({
        subject: claimField('sub', 'Claim with the user or service.'),
        client: claimField('client_id', 'Claim with the OAuth client; `azp` with some issuers.'),
        scopes: claimField('scope', 'Claim with the scopes; `scp` with some issuers.'),
        groups: claimField('groups', 'Claim with the groups; `realm_access.roles` with some issuers.'),
      })
      .prefault({})
      .describe('Names of the claims that say who calls.'),
    scope_prefix: z
      .string()
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]*$/, { error: 'a text that can stand in a scope' })
      .optional()
      .describe(
        'What clients write before scopes when they ask this issuer for them, where its tokens leave it out: `api://APPLICATION/` with Entra.',
      ),
    ca: fileNameSchema
      .optional()
      .describe("PEM file with the root of the issuer's own certificate, for an issuer in your own network."),
  })
  .transform((written): TokenIssuerSetting => ({
    issuer: written.issuer,
    jwksUri: written.jwks,
    introspection: written.introspection,
    algorithms: [...new Set(written.algorithms)],
    audiences: written.audiences,
    types: written.types,
    claims: written.claims,
    scopePrefix: written.scope_prefix ?? '',
    ca: written.ca,
  }));

const oauthObject = z
  .strictObject({
    issuer: issuerSchema.optional().describe('URL of the one issuer whose tokens are accepted.'),
    issuers: z
      .array(z.union([issuerSchema.transform(toIssuer), issuerObject], { error: 'a URL or a mapping' }))
      .min(1)
      .optional()
      .describe('Issuers whose tokens are accepted: a URL, or a mapping.'),
    server: serverSchema.optional(),
    audiences: audiencesField.describe('Audiences that are accepted besides the public URL of the route.'),
    scopes: scopesSchema.optional().describe('Scopes that clients are told of. Default: `required_scopes`.'),
    required_scopes: scopesSchema.prefault([]).describe('Scopes that every token needs.'),
    clock_skew: durationField({
      default: '30s',
      min: 0,
      max: 300_000,
      description: 'How far the clocks of issuers may differ from ours; at most 5m.',
    }),
  })
  .transform((written): OAuthSetting => ({
    issuer: written.issuer,
    issuers: written.issuers,
    server:
      written.server ?? (written.issuer === undefined && written.issuers === undefined ? true : undefined),
    audiences: written.audiences,
    scopes: written.scopes,
    requiredScopes: written.required_scopes,
    clockSkew: written.clock_skew,
  }));

/** The setting that says nothing but that there is one. */
export const defaultOAuth: OAuthSetting = oauthObject.parse({});

/** An issuer of which nothing but the URL is given. */
export function toIssuer(issuer: string): TokenIssuerSetting {
  return issuerObject.parse({ issuer });
}

export const oauthSchema: z.ZodType<OAuthSetting> = z
  .union([z.literal(true).transform(() => defaultOAuth), oauthObject], { error: '`true` or a mapping' })
  .describe(
    'Access tokens (OAuth 2.1), of issuers of yours or of the built-in authorization server; `true` is the built-in one.',
  );

/** RFC 7515 section 4.1.9: letter case does not count, and `application/` may be left out. */
function parseType(text: string): Result<string, FieldProblem> {
  const type = text.toLowerCase().replace(/^application\//, '');
  return /^[\w.+-]{1,64}$/.test(type) ? ok(type) : failValue('is not a type', 'a type such as `at+jwt`');
}
