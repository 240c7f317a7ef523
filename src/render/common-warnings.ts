import { isIP } from 'node:net';
import { isLoopbackHost } from '../lib/networks.ts';
import type { Front } from './front.ts';
import type { RenderWarning } from './rendered.ts';

/** What several engines cannot do; `engine` is the name for people. */
type Warn = (front: Front, engine: string) => readonly RenderWarning[];

export const warnOfAnyName: Warn = (front, engine) =>
  front.names.length > 0
    ? []
    : [
        {
          requirement: 'host-guard',
          message: `no \`domains\` are configured, so that ${engine} answers under any name: a page can reach it by DNS rebinding`,
        },
      ];

/** Where Breakwater stands behind, it sends the comments. */
export const warnOfSilence: Warn = (front, engine) =>
  front.mode === 'front'
    ? []
    : [
        {
          requirement: 'heartbeat',
          message: `${engine} adds nothing to quiet streams: clients and load balancers give up a stream on which the MCP server is silent for a minute or five`,
        },
      ];

/** For engines that choose a server by the address of the client. */
export const warnOfAddressAffinity: Warn = (front, engine) =>
  front.routes
    .filter(({ upstreams }) => upstreams.length > 1)
    .map(({ path }) => ({
      requirement: 'session-affinity',
      message: `${engine} cannot tell which server began a session of \`${path}\`: it chooses by the address of the client, and a client whose address changes loses its session`,
    }));

/** For engines that know no beginnings of names; Breakwater, where it stands behind, does. */
export const warnOfListedNames: Warn = (front, engine) =>
  front.mode === 'front'
    ? []
    : [
        {
          requirement: 'identity-headers',
          message: `${engine} deletes headers by their whole names: the ones in use are listed, and an unusual one passes`,
        },
      ];

/** For engines that compare certificates of upstreams with names, and not with addresses. */
export const warnOfAddressCertificates: Warn = (front, engine) =>
  front.routes.flatMap(({ upstreams }) =>
    upstreams
      .filter(
        (each) => each.kind === 'tcp' && each.secure && isIP(each.host) !== 0 && !isLoopbackHost(each.host),
      )
      .map((each) => ({
        requirement: 'tls-policy',
        message: `${engine} finds no addresses in certificates: it refuses \`${each.kind === 'tcp' ? each.host : ''}\` unless a name in its certificate is that text; give the upstream by its name`,
      })),
  );
