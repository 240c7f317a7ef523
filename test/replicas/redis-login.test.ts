import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { RedisSettings } from '../../src/state/redis/redis-settings.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { findFreePort } from '../support/programs.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { openReplica, timeFailure } from './redis-rig.ts';

const password = 'correct-horse-7f3a';
const opened: RedisServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server[Symbol.asyncDispose]();
});

async function startServer(...args: Parameters<typeof startRedisServer>): Promise<RedisServer> {
  const server = await startRedisServer(...args);
  opened.push(server);
  return server;
}

/** Opens, writes and reads; resolves to what was read. */
async function use(port: number, rest: Partial<RedisSettings> = {}): Promise<unknown> {
  const replica = await openReplica(port, rest);
  try {
    await replica.store.put('Grant', 'a', { n: 1 });
    return await replica.store.get('Grant', 'a');
  } finally {
    replica.close();
  }
}

describe.skipIf(redisIsExcused)('the password of Redis', () => {
  const source = { kind: 'environment', name: 'REDIS_PASSWORD' } as const;

  it('lets in', async () => {
    const server = await startServer([], { password });
    expect(await use(server.port, { password, passwordSource: source })).toEqual({ n: 1 });
  });

  it('that is wrong is told at once by the name of its setting, and never shown', async () => {
    const server = await startServer([], { password });
    const wrong = `${password}-mistyped`;
    const { error, milliseconds } = await timeFailure(
      openReplica(server.port, { password: wrong, passwordSource: source }),
    );
    expect(error).toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining('refuses the user name or password'),
      hint: expect.stringContaining('the variable `REDIS_PASSWORD` of `state.redis.password_env`'),
    });
    expect(milliseconds).toBeLessThan(1000);
    expect(inspect(error, { depth: 10 })).not.toContain(password);
  });

  it('that is missing is asked for', async () => {
    const server = await startServer([], { password });
    await expect(openReplica(server.port)).rejects.toMatchObject({
      message: expect.stringContaining('wants a password'),
      hint: expect.stringContaining('`state.redis.password_env`'),
    });
  });

  it('that changes under a running gateway is told, and good again when it changes back', async () => {
    const server = await startServer([], { password });
    const replica = await openReplica(server.port, { password, passwordSource: source });
    const rotate = (from: string, to: string): void => {
      server.cli('-a', from, 'config', 'set', 'requirepass', to);
      for (const type of ['pubsub', 'normal']) server.cli('-a', to, 'client', 'kill', 'type', type);
    };
    rotate(password, 'another');
    await until(() => replica.problems.some((problem) => problem.includes('refuses')));
    expect(replica.problems.join()).toContain('refuses the user name or password');
    rotate('another', password);
    await until(() => replica.recoveries.length > 0);
    await replica.store.put('Grant', 'a', {});
    expect(replica.problems.join()).not.toContain(password);
    replica.close();
  });

  it('password-echo: an old server repeats it with the command that it does not know', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () =>
        socket.write(
          `-ERR unknown command \`HELLO\`, with args beginning with: \`3\`, \`AUTH\`, \`default\`, \`${password}\`, \r\n`,
        ),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    // `address()` is a string only for sockets on a path.
    const { port } = server.address() as AddressInfo;
    const { error } = await timeFailure(openReplica(port, { password, passwordSource: source }));
    server.close();
    expect(error).toMatchObject({ message: expect.stringContaining('it is too old') });
    expect(inspect(error, { depth: 10 })).not.toContain(password);
  });

  it('of a user who may do what is needed and no more is enough, and one who may less is told what lacks', async () => {
    const server = await startServer();
    const rights = ['~{breakwater}:*', '&{breakwater}:*', '+@all', '-@admin', '-@dangerous'];
    server.cli('acl', 'setuser', 'breakwater', 'on', `>${password}`, ...rights);
    server.cli('acl', 'setuser', 'reader', 'on', `>${password}`, '~{breakwater}:*', '+@read', '+@connection');
    expect(await use(server.port, { user: 'breakwater', password })).toEqual({ n: 1 });
    await expect(use(server.port, { user: 'reader', password })).rejects.toMatchObject({
      message: expect.stringContaining('the user lacks permissions'),
      hint: expect.stringContaining('~{breakwater}:*'),
    });
    // Control: what another program keeps there is out of reach.
    const other = { user: 'breakwater', password, prefix: '{other}:' };
    await expect(use(server.port, other)).rejects.toThrow('lacks permissions');
  });
});

describe.skipIf(redisIsExcused)('the way to Redis', () => {
  it('is TLS, with a certificate that is checked', async () => {
    const authority = await createTestCertificate({ names: ['a root'], ca: true });
    const certificate = await createTestCertificate({ names: ['localhost', '127.0.0.1'], issuer: authority });
    const tlsPort = await findFreePort();
    const server = await startServer();
    const write = async (name: string, text: string): Promise<string> => {
      const path = join(server.folder, name);
      await writeFile(path, text);
      return path;
    };
    const ca = await write('ca.pem', authority.cert);
    server.cli('config', 'set', 'tls-auth-clients', 'no');
    const files = [
      'tls-cert-file',
      await write('cert.pem', certificate.cert),
      'tls-key-file',
      await write('key.pem', certificate.key),
      'tls-ca-cert-file',
      ca,
    ];
    expect(server.cli('config', 'set', ...files)).toBe('OK');
    expect(server.cli('config', 'set', 'tls-port', `${tlsPort}`)).toBe('OK');
    const address = { kind: 'tcp', host: 'localhost', port: tlsPort, secure: true } as const;
    expect(await use(0, { address, ca })).toEqual({ n: 1 });
    // Control: nobody knows this authority otherwise.
    await expect(use(0, { address })).rejects.toMatchObject({
      message: expect.stringContaining('certificate is not trusted'),
      hint: expect.stringContaining('`state.redis.ca`'),
    });
    await expect(use(0, { address, ca: join(server.folder, 'none.pem') })).rejects.toThrow('cannot be read');
    const plain = { ...address, port: server.port };
    await expect(use(0, { address: plain, ca })).rejects.toMatchObject({
      hint: expect.stringContaining('speaks TLS'),
    });
  });

  it('impostor: a certificate of the right authority for another name is refused', async () => {
    const authority = await createTestCertificate({ names: ['a root'], ca: true });
    const certificate = await createTestCertificate({ names: ['other.example.com'], issuer: authority });
    const tlsPort = await findFreePort();
    const server = await startServer();
    await writeFile(join(server.folder, 'ca.pem'), authority.cert);
    await writeFile(join(server.folder, 'cert.pem'), certificate.cert);
    await writeFile(join(server.folder, 'key.pem'), certificate.key);
    server.cli('config', 'set', 'tls-auth-clients', 'no');
    const paths = ['tls-cert-file', 'cert.pem', 'tls-key-file', 'key.pem', 'tls-ca-cert-file', 'ca.pem'];
    server.cli('config', 'set', ...paths.map((path, n) => (n % 2 === 0 ? path : join(server.folder, path))));
    expect(server.cli('config', 'set', 'tls-port', `${tlsPort}`)).toBe('OK');
    const address = { kind: 'tcp', host: 'localhost', port: tlsPort, secure: true } as const;
    await expect(use(0, { address, ca: join(server.folder, 'ca.pem') })).rejects.toThrow('not trusted');
  });

  it('is a socket on a path', async () => {
    const server = await startServer(['--unixsocket', 'redis.sock']);
    const path = join(server.folder, 'redis.sock');
    expect(await use(0, { address: { kind: 'unix', path } })).toEqual({ n: 1 });
    const none = join(server.folder, 'none.sock');
    await expect(use(0, { address: { kind: 'unix', path: none } })).rejects.toThrow(
      `cannot use Redis at ${none}: there is no such socket`,
    );
  });

  it('leads to one database of several, and below one prefix of several', async () => {
    const server = await startServer();
    await use(server.port, { database: 3 });
    await use(server.port, { database: 3, prefix: '{other}:' });
    expect(server.cli('-n', '0', 'dbsize')).toBe('0');
    expect(server.cli('-n', '3', 'exists', '{breakwater}:version', '{other}:version')).toBe('2');
    await expect(use(server.port, { database: 99 })).rejects.toMatchObject({
      message: expect.stringContaining('it has no database 99'),
    });
  });

  it('is refused where a newer version wrote, which stays as it is', async () => {
    const server = await startServer();
    server.cli('set', '{breakwater}:version', '2');
    await expect(use(server.port)).rejects.toMatchObject({
      code: 'E_STATE_VERSION',
      message: expect.stringContaining('has version 2; this Breakwater knows 1'),
    });
    expect(server.cli('keys', '*')).toBe('{breakwater}:version');
  });

  it('leads to the node of a cluster that has the keys', async () => {
    const startNode = async (): Promise<RedisServer> =>
      startServer(['--cluster-enabled', 'yes', '--cluster-port', `${await findFreePort()}`]);
    const [near, far] = [await startNode(), await startNode()];
    far.cli('cluster', 'addslotsrange', '0', '16383');
    const bus = far.cli('config', 'get', 'cluster-port').split('\n').at(-1) ?? '';
    near.cli('cluster', 'meet', '127.0.0.1', `${far.port}`, bus);
    await until(() => near.cli('cluster', 'info').includes('cluster_state:ok'), 20_000);
    expect(near.cli('get', '{breakwater}:version')).toContain('MOVED');
    expect(await use(near.port)).toEqual({ n: 1 });
    expect(far.cli('dbsize')).not.toBe('0');
  });
});
