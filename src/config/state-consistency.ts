import type { Diagnostic } from '../lib/diagnostic.ts';
import { isLoopbackHost } from '../lib/networks.ts';
import { toConflictDiagnostics, type Conflict } from './conflict.ts';
import { redisPath } from './resolve-state.ts';
import type { Risk } from './risks.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';

/** What the settings of the shared state contradict. */
export function checkState(draft: Draft, tree: SourceTree): Diagnostic[] {
  const redis = draft.state?.redis;
  if (redis === undefined) return [];
  const { url } = redis;
  const isSecure = url.address.kind === 'tcp' && url.address.secure;
  const pairs = [
    ['password', redis.passwordEnv, 'password_env', redis.passwordFile, 'password_file'],
    ['password', redis.passwordEnv ?? redis.passwordFile, toPasswordKey(redis), url.password, 'url'],
    ['user', redis.user, 'user', url.user, 'url'],
    ['database', redis.database, 'database', url.database, 'url'],
  ] as const;
  const twice = pairs.flatMap(([what, first, key, second, otherKey]): Conflict[] =>
    first === undefined || second === undefined
      ? []
      : [
          {
            path: [...redisPath, key],
            message: `\`state.redis\` has two ${what}s`,
            label: `a second ${what} for the same purpose`,
            fix: `keep one of \`${key}\` and \`${otherKey}\``,
            other: { path: [...redisPath, otherKey], label: 'the other is given here' },
          },
        ],
  );
  const idle: Conflict[] =
    redis.ca === undefined || isSecure
      ? []
      : [
          {
            path: [...redisPath, 'ca'],
            message: '`state.redis.ca` is set, but the connection has no TLS',
            label: 'no certificate would be checked',
            fix: 'write `rediss://` in the URL, or remove `ca`',
            other: { path: [...redisPath, 'url'], label: 'no TLS here' },
          },
        ];
  return toConflictDiagnostics([...twice, ...idle], tree);
}

/** Against keys and passwords that others read: on the wire, and in a file that is passed on. */
export function findStateRisks(draft: Draft, tree: SourceTree): Risk[] {
  const redis = draft.state?.redis;
  if (redis === undefined) return [];
  const { address, password } = redis.url;
  const isMapping = typeof tree.get(redisPath) === 'object';
  const path = isMapping ? [...redisPath, 'url'] : redisPath;
  const isOpen = address.kind === 'tcp' && !address.secure && !isLoopbackHost(address.host);
  const isWritten = password !== undefined && tree.origin(path).kind === 'file';
  return [
    ...(isOpen
      ? [
          {
            path,
            message: '`state.redis` has no TLS',
            label: 'the keys of sessions and tokens, and the password, cross the network in the clear',
            fix: 'write `rediss://`, unless the network between is yours alone',
          },
        ]
      : []),
    ...(isWritten
      ? [
          {
            path,
            message: 'the password of Redis is in the configuration file',
            label: 'everybody who gets the file can read it',
            fix: 'name it in `state.redis.password_env` or `password_file`, or the whole URL in BREAKWATER_STATE_REDIS',
          },
        ]
      : []),
  ];
}

function toPasswordKey({ passwordEnv }: { readonly passwordEnv: string | undefined }): string {
  return passwordEnv === undefined ? 'password_file' : 'password_env';
}
