import { formatAuthority } from '../lib/authority.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { listAuths } from './access-places.ts';
import { findDuplicates, toConflictDiagnostics, type Conflict } from './conflict.ts';
import { checkHealth } from './health-consistency.ts';
import { isSameEndpoint, listListeners, resolveListeners } from './listeners.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';
import { checkHosts, needUniqueRoutes } from './host-consistency.ts';
import { checkOAuth } from './oauth-consistency.ts';
import { checkRules } from './rules-consistency.ts';
import { checkSplits } from './split-consistency.ts';
import { checkState } from './state-consistency.ts';
import { checkTls } from './tls-consistency.ts';
import { checkUpstreams, listUpstreams } from './upstream-consistency.ts';

type Check = (draft: Draft, tree: SourceTree) => readonly Diagnostic[];

/** What no section can tell alone. Each check looks only at the sections it needs, and is silent where one is not valid. */
const checks: readonly Check[] = [
  needRoute,
  needUniqueRoutes,
  needUniqueNames,
  checkHosts,
  checkOAuth,
  checkRules,
  checkTls,
  checkState,
  checkHealth,
  needTrustForProxyProtocol,
  needSeparatePorts,
  needForeignUpstream,
  checkUpstreams,
  checkSplits,
];

export function checkConsistency(draft: Draft, tree: SourceTree): Diagnostic[] {
  return checks.flatMap((check) => check(draft, tree));
}

function needRoute(draft: Draft, tree: SourceTree): Diagnostic[] {
  if (draft.routes === undefined || draft.routes.length > 0) return [];
  return [
    {
      severity: 'error',
      code: 'E_CONFIG_NO_ROUTE',
      message: 'no MCP server is configured',
      label: 'needs `routes` with at least one `upstream`',
      ...tree.place(['routes']),
    },
  ];
}

function needUniqueNames(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = listAuths(draft).flatMap(({ path, auth }): Conflict[] => {
    if (auth.kind === 'none') return [];
    const methods = [
      ['keys', auth.keys?.listed ?? []],
      ['certificates', auth.certificates ?? []],
    ] as const;
    return methods.flatMap(([key, entries]) =>
      findDuplicates(entries.map(({ name }) => name)).map(({ value, index, first }) => ({
        path: [...path, key, index, 'name'],
        message: `two ${key} of \`${formatSettingName(path)}\` are named \`${value}\``,
        label: 'the same name again',
        fix: `give one of the ${key} another name, so that logs tell them apart`,
        other: { path: [...path, key, first, 'name'], label: 'first given here' },
      })),
    );
  });
  return toConflictDiagnostics(conflicts, tree);
}

/** Against forged client addresses: a PROXY header is believed only from addresses that are named. */
function needTrustForProxyProtocol(draft: Draft, tree: SourceTree): Diagnostic[] {
  if (draft.proxy_protocol !== true || draft.trusted_proxies?.length !== 0) return [];
  return [
    {
      severity: 'error',
      code: 'E_CONFIG_CONFLICT',
      message: '`proxy_protocol` is on, but no proxy is trusted',
      label: 'needs `trusted_proxies`',
      fix: 'add the addresses of the proxies to `trusted_proxies`',
      ...tree.place(['proxy_protocol']),
    },
  ];
}

function needSeparatePorts(draft: Draft, tree: SourceTree): Diagnostic[] {
  const resolved = resolveListeners(draft);
  if (resolved === undefined) return [];
  const listeners = listListeners(resolved);
  return listeners.flatMap(({ name, address }, index): Diagnostic[] => {
    const other = listeners
      .slice(0, index)
      .find(
        (earlier) => isSameEndpoint(earlier.address, address) || isSameEndpoint(address, earlier.address),
      );
    if (other === undefined) return [];
    const { host, port } = other.address;
    return [
      {
        severity: 'error',
        code: 'E_CONFIG_CONFLICT',
        message: `\`${name}\` and \`${other.name}\` both want ${formatAuthority(host, port)}`,
        label:
          other.name === 'listen' ? 'already the address for HTTPS' : 'already the address for plain HTTP',
        fix: `give \`${name}\` another port${name === 'plain_http' ? ', or `false`' : ''}`,
        ...tree.place([name]),
      },
    ];
  });
}

/** Against request loops that exhaust connections. */
function needForeignUpstream(draft: Draft, tree: SourceTree): Diagnostic[] {
  const listeners = resolveListeners(draft);
  if (listeners === undefined) return [];
  const own = listListeners(listeners).map(({ address }) => address);
  return listUpstreams(draft, tree).flatMap(({ target: upstream, path }): Diagnostic[] => {
    if (upstream.kind !== 'tcp') return [];
    const met = own.find((listener) => isSameEndpoint(listener, upstream, draft.domains));
    if (met === undefined) return [];
    return [
      {
        severity: 'error',
        code: 'E_CONFIG_UPSTREAM_LOOP',
        message: `\`${formatSettingName(path)}\` is the gateway itself`,
        label: `Breakwater listens on ${formatAuthority(met.host, met.port)}`,
        ...tree.place(path),
      },
    ];
  });
}
