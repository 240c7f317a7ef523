import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { RouteConfig, RuleConfig } from '../config.ts';
import type { SplitConfig } from '../split-config.ts';
import type { UpstreamLimitsConfig, UpstreamServerConfig } from '../upstream-config.ts';
import { authSchema, type AuthSetting } from './auth.ts';
import { credentialsSchema, type CredentialsSetting } from './credentials.ts';
import { parsedField, type FieldProblem } from './field.ts';
import { healthSchema, type HealthSetting } from './health.ts';
import { domainSchema } from './names.ts';
import { rulesSchema } from './rules.ts';
import { splitSchema } from './split.ts';
import { balanceSchema, upstreamLimitsSchema, upstreamsSchema } from './upstreams.ts';

export interface RouteSetting {
  readonly path: string;
  /** Empty: every host that no other route with this path names. */
  readonly hosts: readonly string[];
  /** Never empty. */
  readonly upstreams: readonly UpstreamServerConfig[];
  readonly split: readonly SplitConfig[];
  readonly balance: RouteConfig['balance'];
  readonly upstreamLimits: UpstreamLimitsConfig | undefined;
  /** `undefined` takes what fits the number of servers. */
  readonly health: HealthSetting | undefined;
  /** `undefined` takes the default of all routes. */
  readonly auth: AuthSetting | undefined;
  readonly rules: readonly RuleConfig[] | undefined;
  readonly credentials: CredentialsSetting;
}

const hostSchema = z
  .union([domainSchema.transform((host) => [host]), z.array(domainSchema).min(1)], {
    error: 'a host name or a list of them',
  })
  .optional()
  .describe(
    'The host whose requests go here, or a list of hosts: one of `domains`, or what they cover; `*.example.com` stands for one label. Without it a route serves its path for every host that has no route of its own there.',
  );

export const routeSchema: z.ZodType<RouteSetting> = z
  .strictObject({
    path: parsedField(z.string(), parsePath)
      .prefault('/mcp')
      .describe('Public path, matched exactly, with and without one trailing slash.'),
    host: hostSchema,
    upstream: upstreamsSchema,
    split: splitSchema,
    balance: balanceSchema,
    upstream_limits: upstreamLimitsSchema,
    health: healthSchema
      .optional()
      .describe(
        'Active checks of the servers: one that fails them gets no new work while there are others. Default: `tcp` every 5 s for several servers, none for one.',
      ),
    auth: authSchema.optional(),
    rules: rulesSchema
      .optional()
      .describe(
        'What callers may do. The first rule that fits decides; where none fits, the answer is no. Without rules everything is allowed.',
      ),
    credentials: credentialsSchema,
  })
  .transform(
    ({ path, host, upstream, split, balance, upstream_limits, health, auth, rules, credentials }) => ({
      path,
      hosts: [...new Set(host)],
      upstreams: upstream,
      split,
      balance,
      upstreamLimits: upstream_limits,
      health,
      auth,
      rules,
      credentials,
    }),
  );

/** Against path confusion: only paths that every client, proxy and server spells and reads the same way. */
function parsePath(text: string): Result<string, FieldProblem> {
  const problem = (predicate: string, label: string): Result<string, FieldProblem> =>
    fail({ code: 'E_CONFIG_PATH', predicate, label });
  if (!text.startsWith('/')) return problem('does not begin with `/`', 'write `/mcp`');
  if (text.includes('//')) return problem('has an empty segment', '`//` is read differently by servers');
  if (/\/\.{1,2}(?:\/|$)/.test(text))
    return problem('has a dot segment', 'write the path without `.` and `..`');
  const odd = /[^A-Za-z0-9\-._~!$&'()*+,=:@/]/.exec(text)?.[0];
  if (odd !== undefined) {
    return problem('has a character that paths of routes may not have', `leave out \`${odd}\``);
  }
  const path = text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
  return path === '/healthz' || path === '/readyz' || /^\/\.well-known(?:\/|$)/.test(path)
    ? problem('belongs to Breakwater', 'choose another path')
    : ok(path);
}
