import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, RouteConfig } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { findRoutesByName, toRouteId } from '../../config/route-id.ts';
import type { ConfigFlags } from '../../config/overlay.ts';
import { toPublicUrl } from '../../gateway/public-url.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { isLocalName } from '../../lib/local-names.ts';
import { ok, type Result } from '../../lib/result.ts';
import { toBundleFile } from '../../tls/trust/client-bundle.ts';
import type { ClientFiles } from '../../tls/trust/client-lines.ts';
import { findSource } from '../certs/source.ts';
import type { CliContext } from '../context.ts';
import type { Access } from './client-name.ts';
import { parseEndpointUrl } from './endpoint-url.ts';

/** What clients connect to. */
export interface Endpoint {
  readonly url: URL;
  /** Ways in that the route offers; empty when it wants a client certificate and nothing else. */
  readonly offered: readonly Access[];
  /** Whether `offered` comes from a configuration that says so, and is not a guess. */
  readonly isConfigured: boolean;
  /** Whether servers on the internet can reach it, as far as its name tells. */
  readonly isPublic: boolean;
  /** What clients have to trust; `undefined` with a certificate that they trust anyway. */
  readonly files: ClientFiles | undefined;
  /** Whether every connection needs a certificate of the client. */
  readonly needsCertificate: boolean;
}

export interface EndpointOptions {
  /** `--config`. */
  readonly file?: string;
  readonly flags: ConfigFlags;
  /** `--route`: the path of one route, with its host before it where others have the path too. */
  readonly route?: string;
  /** `--url`: takes the place of all configuration. */
  readonly url?: string;
}

/** Finds out where a client has to go. Throws a GatewayError E_USAGE where the options leave that open. */
export async function findEndpoint(
  options: EndpointOptions,
  context: CliContext,
): Promise<Result<Endpoint, readonly Diagnostic[]>> {
  const { file, flags, url } = options;
  if (url !== undefined && flags.target !== undefined) {
    throw new GatewayError('E_USAGE', 'TARGET and `--url` exclude each other', {
      hint: 'leave one of them out',
    });
  }
  if (url !== undefined) return fromUrl(url, options, context);
  const { env, cwd, readFile } = context.io;
  const loaded = await loadConfig({ ...(file === undefined ? {} : { file }), flags, env, cwd, readFile });
  if (!loaded.ok) return loaded;
  return ok(fromConfig(loaded.value.config, options.route));
}

async function fromUrl(
  text: string,
  { flags }: EndpointOptions,
  context: CliContext,
): Promise<Result<Endpoint, readonly Diagnostic[]>> {
  const url = toUrl(text);
  const isLocal = isLocalName(toBareHost(url));
  const { stateDir } = flags;
  const source = isLocal ? await findSource(stateDir === undefined ? {} : { stateDir }, context) : undefined;
  if (source?.ok === false) return source;
  const files = source === undefined ? undefined : toClientFiles(source.value.stateDir);
  return ok({
    url,
    offered: ['none'],
    isConfigured: false,
    isPublic: !isLocal,
    files: files !== undefined && existsSync(files.authorityFile) ? files : undefined,
    needsCertificate: false,
  });
}

function fromConfig(config: Config, name: string | undefined): Endpoint {
  const route = chooseRoute(config.routes, name);
  const { port } = config.listen;
  const text = toPublicUrl(config, route);
  if (port === 0 || text.includes('*')) {
    const what = port === 0 ? 'the port is chosen when the gateway starts' : 'the domain is a wildcard';
    throw new GatewayError('E_USAGE', `the URL is not known: ${what}`, { hint: 'name it with `--url`' });
  }
  const url = toUrl(text);
  const { automatic, files, clients } = config.tls;
  const isOwn = automatic.kind === 'local-ca' && files.length === 0;
  return {
    url,
    offered: listAccess(route),
    isConfigured: route.auth.kind === 'required',
    isPublic: !isOwn && !isLocalName(toBareHost(url)),
    files: isOwn ? toClientFiles(config.stateDir) : undefined,
    needsCertificate: clients?.required === true,
  };
}

function chooseRoute(routes: readonly RouteConfig[], name: string | undefined): RouteConfig {
  const found = name === undefined ? routes : findRoutesByName(routes, name);
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  const ids = routes.map((route) => `\`${toRouteId(route)}\``).join(', ');
  const message =
    name === undefined
      ? 'there are several routes'
      : first === undefined
        ? `there is no route \`${name}\``
        : `there are several routes \`${name}\``;
  throw new GatewayError('E_USAGE', message, { hint: `choose one with \`--route\`: ${ids}` });
}

function listAccess({ auth }: RouteConfig): readonly Access[] {
  if (auth.kind === 'none') return ['none'];
  return [
    ...(auth.oauth === undefined ? [] : (['oauth'] as const)),
    ...(auth.keys === undefined ? [] : (['key'] as const)),
  ];
}

function toUrl(text: string): URL {
  const url = parseEndpointUrl(text);
  if (url.ok) return url.value;
  throw new GatewayError('E_USAGE', `the URL of the endpoint cannot be used: ${url.error}`, {
    hint: 'write it as in `https://mcp.example.com/mcp`',
  });
}

function toBareHost({ hostname }: URL): string {
  return hostname.replaceAll(/^\[|\]$/g, '');
}

function toClientFiles(stateDir: string): ClientFiles {
  const authorityFile = join(stateDir, 'local-ca', 'ca.pem');
  return { authorityFile, bundleFile: toBundleFile({ file: authorityFile }) };
}
