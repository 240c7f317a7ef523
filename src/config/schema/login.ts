import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { AuthorizationServerConfig, LoginConfig } from '../config.ts';
import { clientSecretFields, toClientSecret, type ClientSecretSetting } from './client-secret.ts';
import { issuerSchema, redirectSchema } from './endpoint.ts';
import {
  durationField,
  failValue,
  findChoice,
  parsedField,
  switchField,
  type FieldProblem,
} from './field.ts';
import { toHostName } from './host-name.ts';
import { scopesSchema } from './scopes.ts';

/** One way to log in as it is written: secrets are still names of variables and files. */
export type LoginSetting = WithSecretSetting<LoginConfig>;

type WithSecretSetting<Login> = Login extends { readonly clientSecret: string }
  ? Omit<Login, 'clientId' | 'clientSecret' | 'clientSecretSource'> & ClientSecretSetting
  : Login;

export interface ServerSetting extends Omit<AuthorizationServerConfig, 'login'> {
  readonly login: readonly LoginSetting[];
}

const minute = 60_000;
const day = 1440 * minute;

// An empty list would let everybody in, as none at all does: whoever writes one means the contrary.
const nameList = z.array(parsedField(z.string(), parseMember)).min(1).optional();

const oidcSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('What the button says. Default: the host of the issuer.'),
  issuer: issuerSchema.describe('URL of the identity provider.'),
  ...clientSecretFields,
  scopes: scopesSchema
    .optional()
    .describe(
      'Scopes to ask the provider for. Default: `[openid, profile, email]`, and `groups` where groups are allowed.',
    ),
  allow: z
    .strictObject({
      users: nameList.describe('Users by subject, or by an email address that the provider has verified.'),
      domains: nameList.describe('Domains of verified email addresses.'),
      groups: nameList.describe('Groups.'),
    })
    .prefault({})
    .describe('Who may log in: whoever is on one of the lists. Without any, whoever has an account there.'),
});

const githubSchema = z.strictObject({
  ...clientSecretFields,
  allow: parsedField(
    z.strictObject({
      users: nameList.describe('User names.'),
      organizations: nameList.describe('Organizations.'),
    }),
    ({ users = [], organizations = [] }) =>
      users.length + organizations.length > 0
        ? ok({ users, organizations })
        : failValue('lets nobody in', 'needs `users` or `organizations`'),
  ).describe('Who may log in: whoever is on one of the lists.'),
});

const providerSchema = parsedField(
  z.strictObject({
    oidc: oidcSchema.optional().describe('An identity provider that speaks OpenID Connect.'),
    github: githubSchema.optional().describe('GitHub.'),
  }),
  parseProvider,
);

const loginSchema: z.ZodType<LoginSetting> = z.union(
  [z.enum(['accounts', 'owner']).transform((kind) => ({ kind })), providerSchema],
  { error: '`accounts`, `owner`, or a mapping with `oidc` or `github`' },
);

const serverObject = z
  .strictObject({
    login: z
      .array(loginSchema)
      .min(1)
      .prefault(['owner'])
      .describe(
        'How people log in: `accounts` of `breakwater users`, `owner` with a code on the terminal, or an identity provider.',
      ),
    registration: switchField('Let clients register themselves (RFC 7591).', true),
    redirects: z
      .array(redirectSchema)
      .prefault([])
      .describe(
        'Redirect URIs with private schemes that clients may have: `com.example.app:/callback`, or `com.example.app:/` for all below. HTTPS and loopback need none.',
      ),
    metadata_hosts: z
      .array(parsedField(z.string(), parseMetadataHost))
      .prefault([])
      .describe('Hosts that metadata documents of clients may come from. Default: any.'),
    access_token: durationField({
      default: '15m',
      min: minute,
      max: day,
      description: 'How long an access token counts; between 1m and 1d.',
    }),
    refresh_token: durationField({
      default: '30d',
      min: 60 * minute,
      max: 400 * day,
      description: 'How long a login lasts without being used; between 1h and 400d.',
    }),
  })
  .transform(({ metadata_hosts, access_token, refresh_token, ...server }): ServerSetting => ({
    ...server,
    metadataHosts: metadata_hosts,
    accessTokenLifetime: access_token,
    refreshTokenLifetime: refresh_token,
  }));

/** What the server is when no setting says anything of it. */
export const defaultServer: ServerSetting = serverObject.parse({});

/** `true` stands for the server that another place of the file describes, or else for the defaults. */
export const serverSchema: z.ZodType<ServerSetting | true> = z
  .union([z.literal(true), serverObject], { error: '`true` or a mapping' })
  .describe(
    'The built-in authorization server; on when no issuer is given. `true` is the one that another route describes, else the defaults.',
  );

function parseProvider(written: {
  readonly oidc?: z.infer<typeof oidcSchema> | undefined;
  readonly github?: z.infer<typeof githubSchema> | undefined;
}): Result<LoginSetting, FieldProblem> {
  const problem = findChoice(written, ['oidc', 'github']);
  if (problem !== undefined) return fail(problem);
  const { oidc, github } = written;
  if (github !== undefined) return ok({ kind: 'github', ...toClientSecret(github), allow: github.allow });
  if (oidc === undefined) return failValue('is no login', 'needs `oidc` or `github`');
  const { issuer, name = new URL(issuer).host } = oidc;
  const { users = [], domains = [], groups = [] } = oidc.allow;
  const usual = ['openid', 'profile', 'email', ...(groups.length > 0 ? ['groups'] : [])];
  // Without it the answer has no ID token, which says who logged in.
  const scopes = oidc.scopes === undefined ? usual : [...new Set(['openid', ...oidc.scopes])];
  const allow = { users, domains, groups };
  return ok({ kind: 'oidc', name, issuer, ...toClientSecret(oidc), scopes, allow });
}

/** Compared as a whole: a pattern would let in whoever finds a name that it matches. */
function parseMember(text: string): Result<string, FieldProblem> {
  return text === '' || /[*\p{Cc}]|^\s|\s$/u.test(text)
    ? failValue('is not a name', 'one whole name; patterns are not known here')
    : ok(text);
}

function parseMetadataHost(text: string): Result<string, FieldProblem> {
  const name = toHostName(text);
  return name === undefined ? failValue('is not a host name', 'a name such as `app.example.com`') : ok(name);
}
