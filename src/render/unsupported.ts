import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Front, FrontAddress, FrontRoute, FrontUpstream } from './front.ts';

/** A reason to render nothing: what is missing would open a door, or break every call. */
export function toUnsupported(message: string, fix?: string): Diagnostic {
  return {
    severity: 'error',
    code: 'E_RENDER_UNSUPPORTED',
    message,
    ...(fix === undefined ? {} : { fix }),
  };
}

/** Texts of the configuration that the syntax of an engine has no way to write, where `canWrite` says so. */
export function findUnwritable(
  front: Front,
  engine: string,
  canWrite: (text: string) => boolean,
): readonly Diagnostic[] {
  const strange = listAuthorities(front).filter((text) => !authority.test(text));
  return [...new Set([...strange, ...listTexts(front).filter((text) => !canWrite(text))])].map((text) =>
    toUnsupported(
      `\`${toVisible(text)}\` cannot be written in a configuration of ${engine}`,
      'choose a name without braces, quotes and control characters',
    ),
  );
}

/** Routes that callers could enter without being asked who they are: in mode `direct` without an authz endpoint. */
export function findOpenRoutes(front: Front, engine: string): readonly Diagnostic[] {
  if (front.mode === 'front' || front.authz !== undefined) return [];
  return front.routes
    .filter((route) => route.protected)
    .map(({ path }) =>
      toUnsupported(
        `${engine} has nobody to ask who may call \`${path}\`: the authz endpoint is off`,
        'set `authz`, or render with `--mode front`',
      ),
    );
}

/**
 * The upstreams of a route as one group, for engines that ask all servers of a group in the same way. They must agree on path,
 * scheme and roots.
 */
export function toGroup(route: FrontRoute, engine: string): Result<FrontUpstream, Diagnostic> {
  const [first, ...others] = route.upstreams;
  if (first === undefined) return fail(toUnsupported(`\`${route.path}\` has no MCP server`));
  const form = toForm(first);
  if (others.every((other) => toForm(other) === form)) return ok(first);
  return fail(
    toUnsupported(
      `${engine} cannot ask the servers of \`${route.path}\` for different paths or in different ways`,
    ),
  );
}

function toForm(upstream: FrontUpstream): string {
  return JSON.stringify(
    upstream.kind === 'unix'
      ? [false, upstream.path, undefined]
      : [upstream.secure, upstream.path, upstream.ca],
  );
}

/** What hosts, addresses and origins consist of: engines take them bare, and inside of patterns. A URL may have more in its host. */
const authority = /^[\w.:/[\]*+-]+$/;

function listAuthorities(front: Front): readonly string[] {
  const { names, publicUrl, origins, trustedProxies, routes, listen, plainHttp, authz } = front;
  const upstreams = routes.flatMap((route) => route.upstreams);
  return [
    ...[listen, plainHttp, authz].flatMap((address) => (address === undefined ? [] : [address.host])),
    ...upstreams.flatMap((upstream) => (upstream.kind === 'unix' ? [] : [upstream.host])),
    ...names,
    publicUrl,
    ...origins,
    ...trustedProxies,
  ];
}

function listTexts(front: Front): readonly string[] {
  const { names, publicUrl, origins, trustedProxies, certificate, routes } = front;
  const addresses: readonly (FrontAddress | undefined)[] = [front.listen, front.plainHttp, front.authz];
  const ofRoutes = routes.flatMap(({ path, metadataPaths, upstreams }) => [
    path,
    ...metadataPaths,
    ...upstreams.flatMap((upstream) =>
      upstream.kind === 'unix'
        ? [upstream.socketPath, upstream.path]
        : [upstream.host, upstream.path, ...(upstream.ca === undefined ? [] : [upstream.ca])],
    ),
  ]);
  const hosts = addresses.flatMap((address) => (address === undefined ? [] : [address.host]));
  const all = [
    ...hosts,
    ...names,
    publicUrl,
    ...origins,
    ...trustedProxies,
    certificate.cert,
    certificate.key,
    ...ofRoutes,
  ];
  return [...new Set(all)];
}

function toVisible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
