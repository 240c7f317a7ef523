import { z } from 'zod';
import type { KeepAliveConfig, LimitsConfig, ListenAddress, LogConfig, TimeoutsConfig } from '../config.ts';
import type { SessionsConfig } from '../sessions-config.ts';
import { authSchema, type AuthSetting } from './auth.ts';
import { switchField } from './field.ts';
import { fileNameSchema } from './file-name.ts';
import { keepAliveSchema } from './keep-alive.ts';
import { limitsSchema } from './limits.ts';
import { authzSchema, listenSchema, plainHttpSchema, type ListenSetting } from './listen.ts';
import { logSchema } from './log.ts';
import { domainsSchema, hostsSchema, originsSchema, publicUrlSchema, trustedProxiesSchema } from './names.ts';
import { routeSchema, type RouteSetting } from './route.ts';
import { sessionsSchema } from './sessions.ts';
import { stateSchema, type StateSetting } from './state.ts';
import { timeoutsSchema } from './timeouts.ts';
import { workersSchema } from './workers.ts';
import { tlsSchema, type TlsSetting } from './tls.ts';

/** Every section after its own parser and before the sections are put together. Keys are those of the file. */
export interface Sections {
  readonly listen: ListenSetting | undefined;
  readonly plain_http: ListenSetting | false | undefined;
  readonly authz: ListenAddress | undefined;
  readonly domains: readonly string[];
  readonly public_url: string | undefined;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly tls: TlsSetting;
  readonly http2: boolean;
  readonly routes: readonly RouteSetting[];
  readonly auth: AuthSetting | undefined;
  readonly trusted_proxies: readonly string[];
  readonly proxy_protocol: boolean;
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
  readonly keep_alive: KeepAliveConfig;
  readonly sessions: SessionsConfig;
  readonly log: LogConfig;
  readonly workers: number;
  readonly state: StateSetting;
  readonly state_dir: string | undefined;
  readonly danger_allow_public: boolean;
}

/** The schema, one entry a section: they are parsed one by one, so that a mistake in one hides none in another. */
export const sectionSchemas: { readonly [name in keyof Sections]: z.ZodType<Sections[name]> } = {
  listen: listenSchema,
  plain_http: plainHttpSchema,
  authz: authzSchema,
  domains: domainsSchema,
  public_url: publicUrlSchema,
  hosts: hostsSchema,
  origins: originsSchema,
  tls: tlsSchema,
  http2: switchField('Offer HTTP/2 to clients.', true),
  routes: z
    .array(routeSchema)
    .prefault([])
    .describe('Public paths and the MCP servers behind them. At least one is needed.'),
  auth: authSchema
    .optional()
    .describe(
      'Default of all routes for who may call: `none` for everyone, `oauth` for whoever logs in at the built-in server, or a mapping of methods, of which each one alone admits. Default: `none`.',
    ),
  trusted_proxies: trustedProxiesSchema,
  proxy_protocol: switchField(
    'Demand a PROXY protocol header (version 1 or 2) on every connection; needs `trusted_proxies`.',
    false,
  ),
  limits: limitsSchema,
  timeouts: timeoutsSchema,
  keep_alive: keepAliveSchema,
  sessions: sessionsSchema,
  log: logSchema,
  workers: workersSchema,
  state: stateSchema,
  state_dir: fileNameSchema
    .optional()
    .describe(
      'Directory for certificates and keys. Default: `$STATE_DIRECTORY`, `$XDG_STATE_HOME/breakwater` or `~/.local/state/breakwater`.',
    ),
  danger_allow_public: switchField(
    'Allow a public address without access control. Everyone who finds it can call every tool.',
    false,
  ),
};

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema of the file as it is written, in draft-07 because yaml-language-server reads no later one. */
export function buildJsonSchema(): JsonSchema {
  const document = z.strictObject(sectionSchemas).meta({
    title: 'Breakwater configuration',
    description: 'The configuration of Breakwater, the secure front door for MCP servers.',
  });
  const { ...schema } = z.toJSONSchema(document, { target: 'draft-07', io: 'input' });
  return schema;
}
