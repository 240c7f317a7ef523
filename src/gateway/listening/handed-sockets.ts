import { readFileSync, readlinkSync } from 'node:fs';
import type { Config, ListenAddress } from '../../config/config.ts';
import { findListeningAddress } from '../../http/tcp-table.ts';
import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { isLoopbackHost } from '../../lib/networks.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

/** A listening socket that the service manager has opened and handed over. */
export interface HandedSocket {
  readonly fd: number;
  /** `FileDescriptorName=` of its unit, else the name of the unit; empty where none was told. */
  readonly name: string;
  readonly address: ListenAddress;
}

/** Sockets begin here (sd_listen_fds(3), SD_LISTEN_FDS_START). */
const FIRST = 3;
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** What there is to know of a descriptor; `undefined` when it is no listening TCP socket. */
export type ReadAddress = (fd: number) => ListenAddress | undefined;

/**
 * The sockets that were handed to this process by LISTEN_FDS (sd_listen_fds(3)); none where the variables are absent or another
 * process is meant. The variables are taken out, so that no child takes them for its own.
 */
export function takeHandedSockets(
  env: NodeJS.ProcessEnv,
  { pid, readAddress }: { readonly pid: number; readonly readAddress: ReadAddress },
): Result<readonly HandedSocket[], readonly Diagnostic[]> {
  const [forPid, count, names = ''] = VARIABLES.map((name) => env[name]);
  for (const name of VARIABLES) delete env[name];
  if (count === undefined || forPid !== String(pid)) return ok([]);
  if (!/^\d{1,4}$/.test(count)) return fail([toProblem('LISTEN_FDS is not a number of sockets')]);
  const each = names.split(':');
  const problems: Diagnostic[] = [];
  const sockets: HandedSocket[] = [];
  for (let index = 0; index < Number(count); index++) {
    const fd = FIRST + index;
    const name = each[index] ?? '';
    const address = readAddress(fd);
    if (address === undefined)
      problems.push(toProblem(`socket ${fd}${inNames(name)} does not listen on TCP`));
    else sockets.push({ fd, name, address });
  }
  return problems.length > 0 ? fail(problems) : ok(sockets);
}

/** Asks Linux, which is where there is systemd. */
export function readListeningAddress(fd: number): ListenAddress | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(readOr('', () => readlinkSync(`/proc/self/fd/${fd}`)))?.[1];
  if (inode === undefined) return undefined;
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const found = findListeningAddress(
      readOr('', () => readFileSync(path, 'latin1')),
      inode,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `FileDescriptorName=` of a unit, and the listener of the configuration that it stands for. */
const listeners = { https: 'listen', http: 'plainHttp', authz: 'authz' } as const;
type ListenerName = keyof typeof listeners;

/**
 * The configuration with the addresses of the sockets in the place of its own, so that whoever asks who can reach the gateway learns it
 * of the sockets that are used. A socket belongs to the listener of its name, else to the one on its port.
 */
export function withHandedSockets(
  config: Config,
  sockets: readonly HandedSocket[],
): Result<Config, readonly Diagnostic[]> {
  const problems: Diagnostic[] = [];
  const taken = new Map<ListenerName, ListenAddress>();
  for (const socket of sockets) {
    const { address, name } = socket;
    const where = `${formatAuthority(address.host, address.port)}${inNames(name)}`;
    const listener = findListener(config, socket);
    if (listener === undefined)
      problems.push(toProblem(`the socket ${where} belongs to no listener of the configuration`));
    else if (taken.has(listener))
      problems.push(toProblem(`the socket ${where} is a second one for \`${listener}\``));
    // As with `authz` of the configuration: whoever reaches it can say whose request it is.
    else if (listener === 'authz' && !isLoopbackHost(address.host))
      problems.push(toProblem(`the socket ${where} for \`authz\` is not on an address of loopback`));
    else taken.set(listener, address);
  }
  if (problems.length > 0) return fail(problems);
  const changes = [...taken].map(([listener, address]) => [listeners[listener], address]);
  return ok({ ...config, ...(Object.fromEntries(changes) as Partial<Config>) });
}

function findListener(config: Config, { name, address }: HandedSocket): ListenerName | undefined {
  const on = (Object.keys(listeners) as ListenerName[]).filter(
    (each) => config[listeners[each]] !== undefined,
  );
  if (Object.hasOwn(listeners, name)) return on.find((each) => each === name);
  return on.find((each) => config[listeners[each]]?.port === address.port);
}

function inNames(name: string): string {
  return name === '' ? '' : ` (\`${name}\`)`;
}

function toProblem(message: string): Diagnostic {
  return { severity: 'error', code: 'E_LISTEN_HANDED_OVER', message };
}

function readOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    // A descriptor that is not open, or a table of an address family that is not there.
    return otherwise;
  }
}
