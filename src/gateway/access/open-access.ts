import { ensureKey, openKeyStore } from '../../auth/key-file.ts';
import { createNameServerResolver } from '../../auth/fetch/name-servers.ts';
import { createSafeFetch } from '../../auth/fetch/safe-fetch.ts';
import { createStoredKeyVerifier } from '../../auth/keys/stored-keys.ts';
import { createSigningKeys } from '../../auth/outbound/signing-keys.ts';
import type { TokenVerifier } from '../../auth/resource/token-verifier.ts';
import type { ServerEvent } from '../../auth/server/server-options.ts';
import type { Config } from '../../config/config.ts';
import { toRouteId } from '../../config/route-id.ts';
import { sealsSessions } from '../../config/sealed-sessions.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { readVersion } from '../../lib/version.ts';
import { createSealKeys } from '../../sessions/seal-keys.ts';
import { createSessionSeal, type SessionSeal } from '../../sessions/seal.ts';
import type { RedisConnection } from '../../state/redis/redis-connection.ts';
import { openRedisStore } from '../../state/store/redis-store.ts';
import { createRedisTexts } from '../../state/redis/redis-texts.ts';
import { createSecretFiles } from '../../state/secret-files.ts';
import type { Store } from '../../state/store/store.ts';
import type { OwnPaths } from '../routes.ts';
import { createRouteAccessBuilder } from './build-route-access.ts';
import { startLoginServer } from './login-server.ts';
import { buildResourceDocuments } from './resource-documents.ts';
import type { RouteAccess } from './route-access.ts';

export interface AccessOptions {
  readonly clock: Clock;
  /** Makes a key for whoever asked for keys on the command line, where there is none. */
  readonly wantsKey: boolean;
  readonly onOwnerCode: (code: string) => void;
  /** What happens in the authorization server. */
  readonly onLogin: (event: ServerEvent) => void;
  /** The store cannot be read or written; what is known counts on. */
  readonly onProblem: (error: unknown) => void;
  /** Where replicas share the store and the keys; it stays open. */
  readonly redis: RedisConnection | undefined;
  readonly onWarning: (warning: Diagnostic) => void;
}

/** Everything that decides who comes in, and what is behind it. */
export interface Access {
  /** By the identity of the route. */
  readonly routes: ReadonlyMap<string, RouteAccess>;
  readonly paths: OwnPaths;
  /** Socket of the built-in authorization server. */
  readonly loginSocket: string | undefined;
  /** `undefined` where no route knows its callers, or has several servers. */
  readonly seal: SessionSeal | undefined;
  /** Where replicas share what is remembered of sessions; `undefined` where there are none. */
  readonly sessionStore: Store | undefined;
  /** The keys that tokens for upstreams are signed with (RFC 7517); `undefined` where none are. */
  readonly jwks: (() => object) | undefined;
  /** A key made just now; it is shown once. */
  readonly createdKey: string | undefined;
  close(): Promise<void>;
}

/** Opens what the routes of a configuration need, and nothing else. Rejects with a GatewayError; nothing is left open then. */
export async function openAccess(config: Config, options: AccessOptions): Promise<Access> {
  const opened: Closable[] = [];
  const keep: Keep = (thing) => {
    opened.push(thing);
    return thing;
  };
  const close = async (): Promise<void> => {
    for (const thing of opened.splice(0).toReversed()) await thing.close();
  };
  try {
    return { ...(await openParts(config, options, keep)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Keep = <T extends Closable>(thing: T) => T;

interface Closable {
  close(): void | Promise<void>;
}

async function openParts(config: Config, options: AccessOptions, keep: Keep): Promise<Omit<Access, 'close'>> {
  const { clock, onProblem, onWarning, redis } = options;
  const { stateDir, routes } = config;
  const hasStoredKeys = routes.some(({ auth }) => auth.kind === 'required' && auth.keys?.stored === true);
  const hasServer = routes.some(({ auth }) => auth.kind === 'required' && auth.oauth?.server !== undefined);
  const texts = redis && createRedisTexts(redis);
  const store =
    hasStoredKeys || hasServer ? keep(await openKeyStore({ stateDir, clock, onProblem, redis })) : undefined;
  // Before the keys are loaded: it is shown once, and has to be good from then on.
  const createdKey = store !== undefined && options.wantsKey ? await createFirstKey(store, clock) : undefined;
  const verifiers: TokenVerifier[] = [];
  const login =
    store === undefined
      ? undefined
      : await startLoginServer(config, {
          store,
          texts,
          clock,
          // resolver-flood: what strangers point at takes nothing that issuers and servers need, neither slots nor threads.
          safeFetch: createSafeFetch({ clock, version: readVersion(), resolve: createNameServerResolver() }),
          onOwnerCode: options.onOwnerCode,
          onEvent: options.onLogin,
          onGrantRevoked: (grantId) => {
            for (const verifier of verifiers) verifier.forgetGrant(grantId);
          },
        });
  if (login !== undefined) keep(login.server);
  const keyOptions = { texts: texts ?? createSecretFiles(stateDir, clock), clock, report: onWarning };
  const sealKeys = sealsSessions(config) ? await share(keep(createSealKeys(keyOptions))) : undefined;
  const signingKeys = routes.some(({ credentials }) => credentials.kind === 'jwt')
    ? await share(keep(createSigningKeys(keyOptions)))
    : undefined;
  const sessionStore =
    redis !== undefined && config.sessions.revival
      ? (store ?? keep(await openRedisStore({ connection: redis, clock })))
      : undefined;
  const build = createRouteAccessBuilder(config, {
    clock,
    safeFetch: createSafeFetch({ clock, version: readVersion() }),
    signingKeys,
    login: login?.server,
    storedKeys:
      store !== undefined && hasStoredKeys
        ? keep(await createStoredKeyVerifier(store, { clock, onProblem }))
        : undefined,
    onProblem,
    onVerifier: (verifier) => verifiers.push(keep(verifier)),
  });
  return {
    routes: new Map(
      await Promise.all(routes.map(async (route) => [toRouteId(route), await build(route)] as const)),
    ),
    paths: { documents: buildResourceDocuments(config), login: login?.server.paths ?? [] },
    loginSocket: login?.socketPath,
    seal: sealKeys && createSessionSeal({ keys: sealKeys }),
    sessionStore,
    jwks: signingKeys && (() => signingKeys.jwks()),
    createdKey,
  };
}

async function share<T extends { share(): Promise<void> }>(keys: T): Promise<T> {
  await keys.share();
  return keys;
}

async function createFirstKey(store: Store, clock: Clock): Promise<string | undefined> {
  return (await ensureKey(store, { name: 'default', clock })).created;
}
