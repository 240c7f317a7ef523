import { describe, expect, it } from 'vitest';
import { printConfig } from '../../src/config/print.ts';
import { configOf, cwd, loadText, problemsOf } from './load-text.ts';

const route = 'routes: [{ upstream: 3000 }]\n';
const tcp = { kind: 'tcp', host: 'redis.example.com', port: 6379, secure: false };
const plain = {
  kind: 'redis',
  address: tcp,
  user: undefined,
  password: undefined,
  passwordSource: undefined,
  database: 0,
  prefix: '{breakwater}:',
  ca: undefined,
};

describe('state', () => {
  it('is in the state directory by default', async () => {
    expect((await configOf(route)).state).toEqual({ kind: 'local' });
    expect((await configOf(`state: {}\n${route}`)).state).toEqual({ kind: 'local' });
  });

  it.each([
    ['redis://redis.example.com', {}],
    ['redis://redis.example.com/', {}],
    ['rediss://redis.example.com:6380/2', { address: { ...tcp, port: 6380, secure: true }, database: 2 }],
    ['redis://[fd00::1]', { address: { ...tcp, host: 'fd00::1' } }],
    ['redis://me@redis.example.com', { user: 'me' }],
    ['redis://:p%40ss@redis.example.com', { password: 'p@ss', passwordSource: { kind: 'url' } }],
    ['unix:/run/redis.sock', { address: { kind: 'unix', path: '/run/redis.sock' } }],
    ['unix:redis.sock', { address: { kind: 'unix', path: `${cwd}/redis.sock` } }],
    ['unix:///run/redis.sock', { address: { kind: 'unix', path: '/run/redis.sock' } }],
  ])('is in the Redis at %s', async (url, changes) => {
    expect((await configOf(`state: { redis: "${url}" }\n${route}`)).state).toEqual({ ...plain, ...changes });
  });

  it.each([
    'redis.example.com',
    'http://redis.example.com',
    'redis://',
    'redis://redis.example.com/x',
    'redis://redis.example.com/0?tls=true',
    'redis://redis.example.com/999999',
    'redis://me:%zz@redis.example.com',
    'redis://1.2.3',
    'unix:',
    '6379',
  ])('is not in %s', async (url) => {
    const problems = await problemsOf(`state: { redis: "${url}" }\n${route}`);
    expect(problems).toEqual([expect.stringMatching(/^E_CONFIG_VALUE: `state\.redis` (?:is not|has)/)]);
  });

  it('takes the password from a file or a variable, and says where from', async () => {
    const mapping = (rest: string): string =>
      `state: { redis: { url: "redis://redis.example.com", user: me, prefix: mine, ca: root.pem, ${rest} } }\n`;
    const secure = mapping('password_file: secret').replace('redis://', 'rediss://');
    expect((await configOf(secure + route, { files: { [`${cwd}/secret`]: 'hunter2\n' } })).state).toEqual({
      ...plain,
      address: { ...tcp, secure: true },
      user: 'me',
      password: 'hunter2',
      passwordSource: { kind: 'file', path: `${cwd}/secret` },
      prefix: '{mine}:',
      ca: `${cwd}/root.pem`,
    });
    const named = mapping('password_env: PW').replace('redis://', 'rediss://');
    expect((await configOf(named + route, { env: { PW: 'hunter2' } })).state).toMatchObject({
      password: 'hunter2',
      passwordSource: { kind: 'environment', name: 'PW' },
    });
    expect(await problemsOf(named + route)).toEqual([
      'E_CONFIG_VALUE: `state.redis.password_env` names a variable that is not set',
    ]);
  });

  it('comes from the environment as a whole, where a password is no risk', async () => {
    const env = { BREAKWATER_STATE_REDIS: 'rediss://:pw@redis.example.com' };
    const loaded = await loadText(route, { env });
    if (!loaded.ok) throw new Error('not valid');
    expect(loaded.value.warnings.filter(({ message }) => message.includes('redis'))).toEqual([]);
    expect(loaded.value.config.state).toMatchObject({ password: 'pw' });
    // Control: in the file it is one.
    const written = await loadText(`state: { redis: "${env.BREAKWATER_STATE_REDIS}" }\n${route}`);
    if (!written.ok) throw new Error('not valid');
    expect(written.value.warnings.map(({ message }) => message)).toContain(
      'the password of Redis is in the configuration file',
    );
  });

  it.each([
    'redis://127.0.0.1:7000/3',
    '{ url: "rediss://redis.example.com", user: me, password_env: PW, database: 4, prefix: x, ca: /root.pem }',
    '{ url: "unix:/run/redis.sock", password_file: /secret }',
  ])('is printed so that it means the same: %s', async (text) => {
    const overrides = { env: { PW: 'hunter2' }, files: { '/secret': 'hunter2' } };
    const redis = text.startsWith('{') ? text : `"${text}"`;
    const loaded = await loadText(`state: { redis: ${redis} }\n${route}`, overrides);
    if (!loaded.ok) throw new Error('not valid');
    const printed = printConfig(loaded.value.config, loaded.value.provenance);
    expect((await configOf(printed, overrides)).state).toEqual(loaded.value.config.state);
    expect(printed).not.toContain('hunter2');
  });

  it('attack: a password in the URL is read from the printed configuration', async () => {
    const loaded = await loadText(`state: { redis: "redis://me:hunter2@localhost" }\n${route}`);
    if (!loaded.ok) throw new Error('not valid');
    const printed = printConfig(loaded.value.config, loaded.value.provenance);
    expect(printed).not.toContain('hunter2');
    // Control: the rest is shown.
    expect(printed).toContain('redis://localhost:6379');
  });
});
