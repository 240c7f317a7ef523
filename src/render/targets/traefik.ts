import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import {
  warnOfAddressAffinity,
  warnOfAnyName,
  warnOfListedNames,
  warnOfSilence,
} from '../common-warnings.ts';
import type { Front, FrontAddress } from '../front.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import { findOpenRoutes, findUnwritable, toGroup, toUnsupported } from '../unsupported.ts';
import { buildDynamic } from './traefik-dynamic.ts';
import { because, noted, printYaml, type YamlValue } from './yaml-text.ts';

/** Where the dynamic file is expected; Traefik knows no names relative to the static one. */
const dynamicPath = 'dynamic.yml';

/**
 * Static and dynamic configuration for Traefik from 3.5 on. Fails where a protected route would be open, for servers on Unix sockets,
 * and for texts that its templates or rules would read as something else.
 */
export function renderTraefik(front: Front): Result<Rendered, Diagnostic[]> {
  const problems = [
    // The dynamic file is a Go template before it is YAML, and rules quote with backticks.
    ...findUnwritable(front, 'Traefik', (text) => !/[{}`\p{Cc}]/u.test(text)),
    ...findOpenRoutes(front, 'Traefik'),
    ...front.routes.flatMap((route) => {
      const group = toGroup(route, 'Traefik');
      if (!group.ok) return [group.error];
      return group.value.kind === 'unix'
        ? [
            toUnsupported(
              `Traefik cannot connect to the Unix socket of \`${route.path}\``,
              'let the MCP server listen on 127.0.0.1, or render with `--mode front`',
            ),
          ]
        : [];
    }),
  ];
  if (problems.length > 0) return fail(problems);
  return ok({
    files: [
      { path: 'traefik.yml', text: printYaml(buildStatic(front)) },
      { path: dynamicPath, text: printYaml(buildDynamic(front)) },
    ],
    warnings: listWarnings(front),
  });
}

function buildStatic(front: Front): { readonly [key: string]: YamlValue | undefined } {
  const { plainHttp } = front;
  return {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    entryPoints: {
      secure: buildEntryPoint(front, front.listen),
      ...(plainHttp === undefined ? {} : { plain: buildEntryPoint(front, plainHttp) }),
    },
    providers: {
      file: noted('started from the folder of both files, or write the whole path here', {
        filename: dynamicPath,
      }),
    },
  };
}

function buildEntryPoint(front: Front, { host, port }: FrontAddress): YamlValue {
  const { trustedProxies, limits, timeouts } = front;
  return {
    address: formatAuthority(host, port),
    http: { maxHeaderBytes: because('header-room', limits.headBytes) },
    http2: { maxConcurrentStreams: limits.http2Streams },
    forwardedHeaders: because(
      'forwarded-headers',
      trustedProxies.length === 0 ? { insecure: false } : { trustedIPs: trustedProxies },
    ),
    transport: {
      respondingTimeouts: {
        readTimeout: because('slow-clients', toGoDuration(timeouts.body)),
        writeTimeout: because('long-streams', '0s'),
        idleTimeout: toGoDuration(timeouts.idle),
      },
      lifeCycle: { graceTimeOut: because('short-reload', toGoDuration(timeouts.drain)) },
    },
  };
}

/** Go knows no days. */
function toGoDuration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

function listWarnings(front: Front): readonly RenderWarning[] {
  const isDirect = front.mode === 'direct';
  return [
    {
      requirement: 'body-limit',
      message:
        'Traefik can limit request bodies only by buffering answers too, which would hold events back: one call can fill the memory of the MCP server',
    },
    ...warnOfListedNames(front, 'Traefik'),
    {
      requirement: 'host-guard',
      message:
        'Traefik answers 404 in place of 421 and 405 to what it does not know: clients see "no server here" where the name or the method is wrong',
    },
    ...(isDirect ? warnOfAnyName(front, 'Traefik') : []),
    ...(isDirect && front.routes.some((route) => route.protected) ? [noOwnCredentials] : []),
    ...warnOfSilence(front, 'Traefik'),
    ...warnOfAddressAffinity(front, 'Traefik'),
  ];
}

const noOwnCredentials: RenderWarning = {
  requirement: 'access-control',
  message:
    "Traefik cannot put the credentials that Breakwater makes for an MCP server in the place of the caller's: a server that is configured with `credentials` refuses every call",
};
