import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import type { RedisAddressConfig } from '../state-config.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';
import { fileNameSchema, variableNameSchema } from './file-name.ts';
import { toHost } from './host-name.ts';

/** Where state is kept that replicas share, as it is written. */
export interface StateSetting {
  readonly redis: RedisSetting | undefined;
}

export interface RedisSetting {
  readonly url: RedisUrl;
  readonly user: string | undefined;
  /** Name of an environment variable. */
  readonly passwordEnv: string | undefined;
  readonly passwordFile: string | undefined;
  readonly database: number | undefined;
  readonly prefix: string;
  readonly ca: string | undefined;
}

/** What one address says. */
export interface RedisUrl {
  readonly address: RedisAddressConfig;
  readonly user: string | undefined;
  /** Never shown. */
  readonly password: string | undefined;
  readonly database: number | undefined;
}

export const defaultRedisPrefix = 'breakwater';

const defaultPort = 6379;
const mostDatabases = 65_535;

const urlSchema = parsedField(
  z.string({ error: 'a URL such as `redis://redis.example.com:6379`' }),
  parseRedisUrl,
);

const redisObject = z
  .strictObject({
    url: urlSchema.describe(
      'Address: `redis://HOST:PORT/DATABASE`, `rediss://` for TLS, or `unix:` and the path of a socket.',
    ),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('User to log in as (ACL). Default: the one that has no name.'),
    password_env: variableNameSchema.optional().describe('Environment variable with the password.'),
    password_file: fileNameSchema.optional().describe('File with the password.'),
    database: z.int().min(0).max(mostDatabases).optional().describe('Number of the database. Default: 0.'),
    prefix: parsedField(z.string(), parsePrefix)
      .prefault(defaultRedisPrefix)
      .describe('Stands before all keys. Gateways with the same one share their state.'),
    ca: fileNameSchema
      .optional()
      .describe("PEM file with the root of the server's certificate, for an authority of your own."),
  })
  .transform((written): RedisSetting => ({
    url: written.url,
    user: written.user,
    passwordEnv: written.password_env,
    passwordFile: written.password_file,
    database: written.database,
    prefix: written.prefix,
    ca: written.ca,
  }));

export const stateSchema: z.ZodType<StateSetting> = z
  .strictObject({
    redis: z
      .union([urlSchema.transform(toRedisSetting), redisObject], { error: 'a URL or a mapping' })
      .optional()
      .describe(
        'Redis (from 6.2 on) or Valkey, for several gateways that share one state: a URL, or a mapping.',
      ),
  })
  .transform(({ redis }): StateSetting => ({ redis }))
  .prefault({})
  .describe(
    'Where API keys, accounts, logins and the keys of sessions and tokens are kept. Default: in `state_dir`.',
  );

function toRedisSetting(url: RedisUrl): RedisSetting {
  return {
    url,
    user: undefined,
    passwordEnv: undefined,
    passwordFile: undefined,
    database: undefined,
    prefix: defaultRedisPrefix,
    ca: undefined,
  };
}

/** No message repeats a part of it, since it may hold a password. */
function parseRedisUrl(text: string): Result<RedisUrl, FieldProblem> {
  if (/^unix:/i.test(text)) return parseSocket(text);
  const url = /^rediss?:\/\/[^\s\\?#]+$/i.test(text) ? URL.parse(text) : null;
  if (url === null)
    return failValue('is not the URL of a Redis', 'a URL such as `redis://redis.example.com:6379`');
  const host = toHost(url.hostname.replace(/^\[|\]$/g, ''));
  if (host === undefined) return failValue('is not the URL of a Redis', 'the host is not valid');
  const [, database] = /^\/?(\d{0,5})$/.exec(url.pathname) ?? [];
  if (database === undefined) return failValue('has a path', 'only the number of a database may follow');
  const [user, password] = [decode(url.username), decode(url.password)];
  if (user === undefined || password === undefined) {
    return failValue('has a user or password that cannot be read', 'write `%` as `%25` there');
  }
  return ok({
    address: {
      kind: 'tcp',
      host,
      port: url.port === '' ? defaultPort : Number(url.port),
      secure: url.protocol === 'rediss:',
    },
    user: user === '' ? undefined : user,
    password: password === '' ? undefined : password,
    database: database === '' ? undefined : Number(database),
  });
}

function parseSocket(text: string): Result<RedisUrl, FieldProblem> {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  return path === '' || path.includes('\0')
    ? failValue('is not the path of a socket', 'write `unix:/run/redis/redis.sock`')
    : ok({ address: { kind: 'unix', path }, user: undefined, password: undefined, database: undefined });
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parsePrefix(text: string): Result<string, FieldProblem> {
  return /^[\w.-]{1,64}$/.test(text)
    ? ok(text)
    : failValue('is not a prefix', 'letters, digits, `_`, `.` and `-`');
}
