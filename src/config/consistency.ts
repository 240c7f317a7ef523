import type { Diagnostic } from '../lib/diagnostic.ts';
import type { AuthConfig } from './config.ts';
import { isSameEndpoint, resolveListeners } from './listeners.ts';
import { formatAuthority } from './schema/host-name.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';
import { checkTls } from './tls-consistency.ts';

type Check = (draft: Draft, tree: SourceTree) => readonly Diagnostic[];

/** What no section can tell alone. Each check looks only at the sections it needs, and is silent where one is not valid. */
const checks: readonly Check[] = [
  needRoute,
  needUniquePaths,
  needUniqueNames,
  checkTls,
  needTrustForProxyProtocol,
  needSeparatePorts,
  needForeignUpstream,
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

function needUniquePaths(draft: Draft, tree: SourceTree): Diagnostic[] {
  const paths = draft.routes?.map((route) => route?.path) ?? [];
  return duplicates(paths).map(({ value, index, first }) => ({
    severity: 'error',
    code: 'E_CONFIG_DUPLICATE_ROUTE',
    message: `two routes have the path \`${value}\``,
    label: 'the same path again',
    secondary: { ...tree.place(['routes', first, 'path']), label: 'first given here' },
    ...tree.place(['routes', index, 'path']),
  }));
}

function needUniqueNames(draft: Draft, tree: SourceTree): Diagnostic[] {
  const lists: (readonly [readonly PropertyKey[], AuthConfig | undefined])[] = [
    [['auth'], draft.auth],
    ...(draft.routes ?? []).map((route, index) => [['routes', index, 'auth'], route?.auth] as const),
  ];
  return lists.flatMap(([path, auth]) => {
    const [key, entries] =
      auth?.kind === 'keys'
        ? ['keys', auth.keys]
        : ['certificates', auth?.kind === 'certificates' ? auth.admitted : []];
    return duplicates(entries.map(({ name }) => name)).map(({ value, index, first }): Diagnostic => ({
      severity: 'error',
      code: 'E_CONFIG_CONFLICT',
      message: `two ${key} of \`${formatSettingName(path)}\` are named \`${value}\``,
      label: 'the same name again',
      fix: `give one of the ${key} another name, so that logs tell them apart`,
      secondary: { ...tree.place([...path, key, first, 'name']), label: 'first given here' },
      ...tree.place([...path, key, index, 'name']),
    }));
  });
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
  const listeners = resolveListeners(draft);
  if (listeners?.plainHttp === undefined) return [];
  const { listen, plainHttp } = listeners;
  if (!isSameEndpoint(listen, plainHttp) && !isSameEndpoint(plainHttp, listen)) return [];
  return [
    {
      severity: 'error',
      code: 'E_CONFIG_CONFLICT',
      message: `\`plain_http\` and \`listen\` both want ${formatAuthority(listen.host, listen.port)}`,
      label: 'already the address for HTTPS',
      fix: 'give `plain_http` another port, or `false`',
      ...tree.place(['plain_http']),
    },
  ];
}

/** Against request loops that exhaust connections. */
function needForeignUpstream(draft: Draft, tree: SourceTree): Diagnostic[] {
  const listeners = resolveListeners(draft);
  if (listeners === undefined) return [];
  const own = [listeners.listen, ...(listeners.plainHttp === undefined ? [] : [listeners.plainHttp])];
  return (draft.routes ?? []).flatMap((route, index): Diagnostic[] => {
    const upstream = route?.upstream;
    if (upstream?.kind !== 'tcp') return [];
    const met = own.find((listener) => isSameEndpoint(listener, upstream, draft.domains));
    if (met === undefined) return [];
    return [
      {
        severity: 'error',
        code: 'E_CONFIG_UPSTREAM_LOOP',
        message: `\`${formatSettingName(['routes', index, 'upstream'])}\` is the gateway itself`,
        label: `Breakwater listens on ${formatAuthority(met.host, met.port)}`,
        ...tree.place(['routes', index, 'upstream']),
      },
    ];
  });
}

interface Duplicate {
  readonly value: string;
  readonly index: number;
  readonly first: number;
}

function duplicates(values: readonly (string | undefined)[]): Duplicate[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    return value === undefined || first === index ? [] : [{ value, index, first }];
  });
}
