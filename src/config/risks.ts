import type { Diagnostic } from '../lib/diagnostic.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';

interface Risk {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly label: string;
  readonly fix: string;
}

/** Settings that work but weaken something; each is one warning with its consequence. */
export function findRisks(draft: Draft, tree: SourceTree): Diagnostic[] {
  return [...trustInEveryone(draft), ...staleUpstreams(draft), ...openDoor(draft)].map(
    ({ path, ...risk }) => ({
      severity: 'warning',
      code: 'E_CONFIG_RISK',
      ...risk,
      ...tree.place(path),
    }),
  );
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
  return draft.danger_allow_public === true && isOpen
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
