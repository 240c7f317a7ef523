import { readFile } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import type { RedisModule } from './redis-module.ts';
import { RedisRefusal } from './redis-errors.ts';
import type { RedisAddress, RedisSettings } from './redis-settings.ts';
import { within } from './time-limit.ts';

/** One connection, from the moment that it is good until it is lost. */
export interface RedisLink {
  /** Rejects with what the client or the server said. */
  send(words: readonly string[]): Promise<unknown>;
  /** Has what is published on a channel told, too; does nothing where it is already. */
  subscribe(channel: string): Promise<void>;
  /** Resolves with the reason when the connection is over. */
  readonly lost: Promise<unknown>;
  /** Ends it; what was asked and not answered rejects. */
  drop(reason: unknown): void;
}

export interface LinkOptions {
  readonly redis: RedisModule;
  readonly settings: RedisSettings;
  /** In the place of the one in the settings: a node of a cluster. */
  readonly address: RedisAddress;
  readonly clock: Clock;
  /** For everything up to the first use, in milliseconds. */
  readonly limit: number;
  /** Without the prefix. */
  readonly channels: readonly string[];
  /** Told what is published on the channels. */
  readonly onMessage: (channel: string, message: string) => void;
}

/** Form of what is below the prefix, under the key `version`. */
const FORM = 1;
/** Questions that wait for their answers; who asks more while the server is slow is told at once. */
const MOST_WAITING = 10_000;

/** Connects, logs in, and makes sure that this is a server that can be written to. */
export async function openLink(options: LinkOptions): Promise<RedisLink> {
  const { redis, settings, clock, limit } = options;
  const { user, password, database } = settings;
  const client = redis.createClient({
    RESP: 3,
    socket: { ...(await toSocketOptions(options)), connectTimeout: limit, reconnectStrategy: false },
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandsQueueMaxLength: MOST_WAITING,
  });
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const drop = (reason: unknown): void => {
    resolve(reason);
    client.destroy();
  };
  client.on('error', drop);
  client.on('end', drop);
  const subscribed = new Set<string>();
  const subscribe = async (channel: string): Promise<void> => {
    if (subscribed.has(channel)) return;
    subscribed.add(channel);
    const onMessage = (message: string): void => options.onMessage(channel, message);
    await listen(() => client.subscribe(`${settings.prefix}${channel}`, onMessage));
  };
  const link: RedisLink = { send: (words) => client.sendCommand([...words]), subscribe, lost, drop };
  const prepare = async (): Promise<void> => {
    await client.connect();
    await requirePrimary(link);
    await requireForm(link, settings.prefix);
    for (const channel of options.channels) await subscribe(channel);
  };
  try {
    await within(clock, limit, prepare());
    return link;
  } catch (error) {
    drop(error);
    throw error;
  }
}

async function toSocketOptions({ settings, address }: LinkOptions): Promise<
  | { readonly path: string; readonly tls: false }
  | { readonly host: string; readonly port: number }
  | {
      readonly host: string;
      readonly port: number;
      readonly tls: true;
      readonly minVersion: 'TLSv1.2';
      readonly rejectUnauthorized: true;
      readonly ca?: Buffer;
    }
> {
  if (address.kind === 'unix') return { path: address.path, tls: false };
  const { host, port } = address;
  if (!address.secure) return { host, port };
  const ca = settings.ca === undefined ? {} : { ca: await readRoots(settings.ca) };
  // The last is said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment gives no stranger the password.
  return { host, port, tls: true, minVersion: 'TLSv1.2', ...ca, rejectUnauthorized: true };
}

/** At each connection, so that a file that was replaced counts. */
async function readRoots(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = `the roots of its certificate, \`${path}\`, cannot be read: ${explainFileError(error)}`;
    throw new RedisRefusal({ kind: 'refused', reason, hint: 'correct `state.redis.ca`' });
  }
}

/** After a failover an old name may lead to what is a replica now. */
async function requirePrimary(link: RedisLink): Promise<void> {
  const greeting = await link.send(['HELLO']);
  const role = typeof greeting === 'object' && greeting !== null && 'role' in greeting ? greeting.role : '';
  if (role !== 'replica' && role !== 'slave') return;
  throw new RedisRefusal({
    kind: 'stale',
    reason: 'it is a read-only replica',
    hint: 'let `state.redis` name the primary, or a name that follows it',
  });
}

async function requireForm(link: RedisLink, prefix: string): Promise<void> {
  const key = `${prefix}version`;
  const found = Number((await link.send(['GET', key])) ?? 0);
  if (found === 0) await link.send(['SET', key, `${FORM}`, 'NX']);
  if (found <= FORM) return;
  throw new RedisRefusal({
    kind: 'refused',
    code: 'E_STATE_VERSION',
    reason: `what is below \`${prefix}\` has version ${found}; this Breakwater knows ${FORM}`,
    hint: 'run the newer version, or set another `state.redis.prefix`',
  });
}

/** Who may not listen looks once a second instead, as everybody does besides. */
async function listen(subscribe: () => Promise<void>): Promise<void> {
  try {
    await subscribe();
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOPERM'))) throw error;
  }
}
