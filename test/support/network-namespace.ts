import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network beside that of this machine: a client behind an address translator. Needs root. */
export interface TranslatedNetwork extends AsyncDisposable {
  /** Where the client reaches this machine. */
  readonly hostAddress: string;
  /** The client's address as this machine sees it. */
  readonly translatedAddress: string;
  /** What to put before a command to run it where the client is. */
  readonly client: readonly string[];
  /** Runs a command on the translator. */
  onTranslator(command: string, ...args: string[]): Promise<void>;
}

let networks = 0;

/**
 * Builds this machine - translator - client out of two network namespaces. Addresses are of 10.213.0.0/16; each
 * network of this process has its own, and names carry the process id.
 */
export async function createTranslatedNetwork(): Promise<TranslatedNetwork> {
  const number = (process.pid + 7 * networks++) % 200;
  // Names of interfaces have 15 characters at most.
  const tag = `bw${process.pid % 100_000}${networks}`;
  const [router, client] = [`${tag}r`, `${tag}c`];
  const [outside, inside] = [`10.213.${number}`, `10.214.${number}`];
  const ip = async (...args: string[]): Promise<void> => void (await run('ip', args));
  const on = async (namespace: string, ...args: string[]): Promise<void> =>
    void (await run('ip', ['netns', 'exec', namespace, ...args]));
  const remove = async (): Promise<void> => {
    for (const namespace of [router, client]) await ip('netns', 'del', namespace).catch(() => undefined);
    await ip('link', 'del', `${tag}h`).catch(() => undefined);
  };
  try {
    await ip('netns', 'add', router);
    await ip('netns', 'add', client);
    await ip('link', 'add', `${tag}h`, 'type', 'veth', 'peer', 'name', 'outer', 'netns', router);
    await ip('-n', router, 'link', 'add', 'inner', 'type', 'veth', 'peer', 'name', 'outer', 'netns', client);
    await ip('addr', 'add', `${outside}.1/24`, 'dev', `${tag}h`);
    await ip('link', 'set', `${tag}h`, 'up');
    for (const [namespace, device, address] of [
      [router, 'outer', `${outside}.2/24`],
      [router, 'inner', `${inside}.1/24`],
      [client, 'outer', `${inside}.2/24`],
    ] as const) {
      await ip('-n', namespace, 'addr', 'add', address, 'dev', device);
      await ip('-n', namespace, 'link', 'set', device, 'up');
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    await ip('-n', client, 'route', 'add', 'default', 'via', `${inside}.1`);
    await on(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    await on(router, 'iptables', '-w', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'outer', '-j', 'MASQUERADE');
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    hostAddress: `${outside}.1`,
    translatedAddress: `${outside}.2`,
    client: ['ip', 'netns', 'exec', client],
    onTranslator: (...command) => on(router, ...command),
    [Symbol.asyncDispose]: remove,
  };
}
