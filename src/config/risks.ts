import type { Diagnostic } from '../lib/diagnostic.ts';
import { findAccessRisks } from './access-risks.ts';
import { chooseChallenges, chooseSigner, listIssuers } from './automatic-issuance.ts';
import { findAuthority } from './known-authorities.ts';
import { resolveListeners } from './listeners.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';
import { findStateRisks } from './state-consistency.ts';

export interface Risk {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly label: string;
  readonly fix: string;
}

/** Settings that work but weaken something; each is one warning with its consequence. */
export function findRisks(draft: Draft, tree: SourceTree, now: number): Diagnostic[] {
  return [
    ...trustInEveryone(draft),
    ...staleUpstreams(draft),
    ...openDoor(draft),
    ...untrustedCertificates(draft),
    ...unreachablePorts(draft),
    ...findAccessRisks(draft, now),
    ...findStateRisks(draft, tree),
  ].map(({ path, ...risk }) => ({
    severity: 'warning',
    code: 'E_CONFIG_RISK',
    ...risk,
    ...tree.place(path),
  }));
}

/** Against forged client addresses. */
function trustInEveryone(draft: Draft): Risk[] {
  return (draft.trusted_proxies ?? []).flatMap((block, index) =>
    block.endsWith('/0')
      ? [
          {
            path: ['trusted_proxies', index],
            message: '`trusted_proxies` contains every address',
            label: 'anyone can claim any client address',
            fix: 'list only the addresses of your own proxies',
          },
        ]
      : [],
  );
}

function staleUpstreams(draft: Draft): Risk[] {
  return (draft.timeouts?.upstreamIdle ?? 0) < 5000
    ? []
    : [
        {
          path: ['timeouts', 'upstream_idle'],
          message: '`timeouts.upstream_idle` is not below 5 seconds',
          label: 'uvicorn and Node close idle connections after 5s',
          fix: 'use `4s` unless the MCP server keeps idle connections longer',
        },
      ];
}

function openDoor(draft: Draft): Risk[] {
  const isOpen = (draft.routes ?? []).some(
    (route) => (route?.auth ?? draft.auth ?? { kind: 'none' }).kind === 'none',
  );
  return draft.danger_allow_public === true && isOpen && draft.tls?.clients?.required !== true
    ? [
        {
          path: ['danger_allow_public'],
          message: '`danger_allow_public` is on and a route has no access control',
          label: 'everyone who finds the address can call every tool',
          fix: 'add `auth` to the route, or start with `--auth key`',
        },
      ]
    : [];
}

function untrustedCertificates({ tls }: Draft): Risk[] {
  return tls?.acme?.staging === true
    ? [
        {
          path: ['tls', 'acme', 'staging'],
          message: '`tls.acme.staging` is on',
          label: 'no client trusts these certificates',
          fix: 'remove it when the experiment is over',
        },
      ]
    : [];
}

/** Public authorities connect to ports 80 and 443 and to no others (RFC 8555 section 8.3, RFC 8737 section 3). */
function unreachablePorts(draft: Draft): Risk[] {
  const { tls, domains } = draft;
  const listeners = resolveListeners(draft);
  if (tls === undefined || domains === undefined || listeners === undefined) return [];
  const isPublic = listIssuers(tls.acme).some(({ directory }) => findAuthority(directory) !== undefined);
  if (!isPublic || chooseSigner(tls, domains) !== 'acme' || domains.length === 0) return [];
  const { listen, plainHttp } = listeners;
  const challenges = chooseChallenges({
    acme: tls.acme,
    hasPlainHttp: plainHttp !== undefined,
    hasAddress: false,
    needsClientCertificate: tls.clients?.required === true,
  });
  const ways = [
    { name: 'tls-alpn-01', wanted: 443, port: listen.port, path: ['listen'] },
    { name: 'http-01', wanted: 80, port: plainHttp?.port, path: ['plain_http'] },
  ].filter(({ name }) => challenges.some((challenge) => challenge === name));
  const [first] = ways;
  if (first === undefined || challenges.includes('dns-01')) return [];
  if (ways.some(({ port, wanted }) => port === wanted)) return [];
  return [
    {
      path: first.path,
      message: `certificate authorities connect to port ${first.wanted}, but \`${first.name}\` is answered on port ${first.port}`,
      label: `right only where port ${first.wanted} is forwarded to this one`,
      fix: `listen on port ${first.wanted}, forward it to this port, or use \`tls.acme.dns\``,
    },
  ];
}
