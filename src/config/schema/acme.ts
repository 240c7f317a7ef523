import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import { suggestion, toHint } from '../../lib/suggestion.ts';
import { findAuthority, knownAuthorities } from '../known-authorities.ts';
import {
  countField,
  durationField,
  failValue,
  parsedField,
  switchField,
  type FieldProblem,
} from './field.ts';
import { fileNameSchema, variableNameSchema } from './file-name.ts';

/** One authority as it is written. */
export interface IssuerSetting {
  /** URL; a known name is already replaced. */
  readonly directory: string | undefined;
  readonly email: string | undefined;
  readonly accept_terms: boolean;
  readonly profile: string | undefined;
  readonly chain: string | undefined;
  readonly ca: string | undefined;
  readonly eab: BindingSetting | undefined;
}

export interface BindingSetting {
  readonly kid: string;
  readonly hmac_key_file: string | undefined;
  /** Name of an environment variable. */
  readonly hmac_key_env: string | undefined;
}

export type ChallengeName = 'http-01' | 'tls-alpn-01' | 'dns-01';

export interface AcmeSetting extends IssuerSetting {
  readonly staging: boolean;
  /** `undefined` leaves the choice to the other settings. */
  readonly challenges: readonly ChallengeName[] | undefined;
  readonly dns: { readonly command: readonly [string, ...string[]]; readonly wait: number } | undefined;
  readonly fallback: readonly IssuerSetting[];
  readonly on_demand: { readonly ask: string; readonly per_hour: number } | undefined;
}

const names = knownAuthorities.map(({ name }) => `\`${name}\``).join(', ');

const directorySchema = parsedField(z.string(), parseDirectory);

const issuerFields = {
  email: parsedField(z.string(), parseEmail)
    .optional()
    .describe('Address that the authority may write to when something is wrong.'),
  accept_terms: switchField('You accept the terms of service of the authority.', false),
  profile: parsedField(z.string(), parseProfile)
    .optional()
    .describe('Kind of certificate, as the authority names it: `classic`, `tlsserver`, `shortlived`.'),
  chain: z
    .string()
    .min(1)
    .optional()
    .describe('Common name of the root that the chain should lead to, where the authority offers several.'),
  ca: fileNameSchema
    .optional()
    .describe("PEM file with the root of the directory's own certificate, for an authority of your own."),
  eab: z
    .strictObject({
      kid: z.string().min(1).describe('Key identifier, as the authority gave it.'),
      hmac_key_env: variableNameSchema
        .optional()
        .describe('Environment variable with the HMAC key in base64url.'),
      hmac_key_file: fileNameSchema.optional().describe('File with the HMAC key in base64url.'),
    })
    .transform(({ kid, hmac_key_file, hmac_key_env }): BindingSetting => ({
      kid,
      hmac_key_file,
      hmac_key_env,
    }))
    .optional()
    .describe('External account binding, for authorities that open accounts only to their customers.'),
};

const fallbackSchema = z
  .strictObject({
    directory: directorySchema.describe(`Authority: ${names}, or the HTTPS URL of a directory.`),
    ...issuerFields,
    email: issuerFields.email.describe('Address that the authority may write to. Default: `tls.acme.email`.'),
  })
  .transform((issuer) => toIssuer(issuer));

const dnsSchema = z
  .strictObject({
    command: parsedField(
      z.union([z.string(), z.array(z.string()).min(1)], {
        error: 'a program, or a list of program and arguments',
      }),
      parseCommand,
    ).describe(
      'Program and its arguments as a list. It is called with `present` or `cleanup`, the name of the record and its value.',
    ),
    wait: durationField({
      default: '30s',
      min: 0,
      description: 'Time that a record needs to be seen everywhere.',
    }),
  })
  .transform(({ command, wait }) => ({ command, wait }));

const onDemandSchema = z
  .strictObject({
    ask: parsedField(z.string(), parseAsk).describe(
      'URL that is asked with `?domain=NAME`; only an answer with status 200 allows the name.',
    ),
    per_hour: countField({ default: 10, min: 1, max: 1000, description: 'Most new names an hour.' }),
  })
  .transform(({ ask, per_hour }) => ({ ask, per_hour }));

const acmeObject = z
  .strictObject({
    directory: directorySchema
      .optional()
      .describe(`Authority: ${names}, or the HTTPS URL of a directory. Default: \`letsencrypt\`.`),
    ...issuerFields,
    staging: switchField("Use the staging directory of Let's Encrypt or Google, for experiments.", false),
    challenges: z
      .array(z.enum(['http-01', 'tls-alpn-01', 'dns-01']))
      .min(1)
      .optional()
      .describe(
        'Ways to prove that a name is ours, the preferred one first. Default: `dns-01` with `dns`, else `http-01` where plain HTTP is on, and `tls-alpn-01`.',
      ),
    dns: dnsSchema.optional().describe('How DNS records are set, for `dns-01` and wildcards.'),
    fallback: z
      .array(fallbackSchema)
      .prefault([])
      .describe('Authorities that are asked, in this order, when the one before fails.'),
    on_demand: onDemandSchema
      .optional()
      .describe(
        'Certificates for names that are not in `domains`, obtained when a client first asks for them.',
      ),
  })
  .transform((setting): AcmeSetting => ({
    ...toIssuer(setting),
    staging: setting.staging,
    challenges: setting.challenges === undefined ? undefined : [...new Set(setting.challenges)],
    dns: setting.dns,
    fallback: setting.fallback,
    on_demand: setting.on_demand,
  }));

/** `true` stands for a mapping that says nothing. */
export const acmeSchema: z.ZodType<AcmeSetting> = z
  .union([z.literal(true).transform(() => acmeObject.parse({})), acmeObject], {
    error: '`true` or a mapping',
  })
  .describe(
    "Certificates of a public authority, or of one of your own, over ACME (RFC 8555). `true` or `{}` is Let's Encrypt.",
  );

type Written<Setting> = { readonly [key in keyof Setting]?: Setting[key] | undefined };

function toIssuer(written: Written<IssuerSetting>): IssuerSetting {
  const { directory, email, accept_terms = false, profile, chain, ca, eab } = written;
  return { directory, email, accept_terms, profile, chain, ca, eab };
}

function parseDirectory(text: string): Result<string, FieldProblem> {
  const known = findAuthority(text);
  if (known !== undefined) return ok(known.directory);
  const url = URL.parse(text);
  if (url === null || !text.includes('://')) {
    const meant = suggestion(
      text,
      knownAuthorities.map(({ name }) => name),
    );
    const label = toHint(meant, `one of ${names}, or an HTTPS URL`);
    return failValue('is not a known authority', label);
  }
  // Against orders and account keys on the wire (RFC 8555 section 6.1).
  if (url.protocol !== 'https:') return failValue('is not an HTTPS URL', 'ACME is spoken over HTTPS alone');
  return url.username !== '' || url.password !== '' || url.hash !== ''
    ? failValue('is not the URL of a directory', 'leave out user name, password and fragment')
    : ok(url.href);
}

function parseEmail(text: string): Result<string, FieldProblem> {
  return /^[!-?A-~]+@[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text)
    ? ok(text)
    : failValue('is not an email address', 'an address such as `ops@example.com`');
}

function parseProfile(text: string): Result<string, FieldProblem> {
  return /^[\w.-]{1,64}$/.test(text)
    ? ok(text)
    : failValue('is not a profile', 'a name such as `shortlived`');
}

function parseCommand(
  value: string | readonly string[],
): Result<readonly [string, ...string[]], FieldProblem> {
  const [program = '', ...rest] = typeof value === 'string' ? [value] : value;
  if (program === '' || [program, ...rest].some((part) => part.includes('\0'))) {
    return failValue('is not a command', 'a program, such as `/etc/breakwater/dns-hook`');
  }
  return typeof value === 'string' && /\s/.test(value)
    ? failValue('has spaces', 'write program and arguments as a list: `[hook, --zone, example.com]`')
    : ok([program, ...rest]);
}

function parseAsk(text: string): Result<string, FieldProblem> {
  const url = URL.parse(text);
  const isUrl = url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
  return isUrl && url.username === '' && url.password === '' && url.hash === ''
    ? ok(url.href)
    : failValue('is not a URL', 'a URL such as `http://127.0.0.1:9000/may-have`');
}
