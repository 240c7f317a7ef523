import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claims } from '../support/claimed-fields.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

const REQUESTS_A_MINUTE = 300;
const paths = ['/oauth/', '/.well-known/oauth-authorization-server'];

interface LoginRig extends AsyncDisposable {
  readonly rig: Rig;
  /** Stands for the authorization server behind its socket. */
  readonly login: ScriptedUpstream;
}

async function startLogin(
  options: { readonly clock?: ManualClock; readonly trustedProxies?: readonly string[] } = {},
): Promise<LoginRig> {
  const { clock, trustedProxies = [] } = options;
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-login-'));
  const loginSocket = join(directory, 'login.sock');
  const login = await startScriptedUpstream(answerJson('{"login":true}'), { socketPath: loginSocket });
  const rig = await startRig({
    answer: answerJson('{}'),
    changes: { trustedProxies },
    ...(clock === undefined ? {} : { clock }),
    changeAccess: (access) => ({
      ...access,
      loginSocket,
      paths: { ...access.paths, login: paths },
    }),
  });
  return {
    rig,
    login,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await login.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const get = (path: string, fields = '', host = 'localhost'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

describe('the paths of the authorization server', () => {
  it.each(['/oauth/', '/oauth/authorize?client_id=x', '/.well-known/oauth-authorization-server'])(
    '%s goes to its socket, and nowhere else',
    async (path) => {
      await using started = await startLogin();
      expect((await started.rig.ask(get(path))).body).toBe('{"login":true}');
      expect(started.login.requests[0]?.head).toContain(`GET ${path} HTTP/1.1`);
      expect(started.rig.upstream.requests).toEqual([]);
    },
  );

  it.each(['/oauth', '/oauthx/', '/.well-known/oauth-authorization-server/', '//oauth/', '/%6fauth/'])(
    '%s is none of them',
    async (path) => {
      await using started = await startLogin();
      expect((await started.rig.ask(get(path))).status).toBe(404);
      expect(started.login.requests).toEqual([]);
    },
  );

  it('DNS rebinding: refuses other hosts', async () => {
    await using started = await startLogin();
    for (const path of ['/oauth/authorize', '/.well-known/oauth-authorization-server'])
      expect((await started.rig.ask(get(path, '', 'evil.example'))).status).toBe(421);
    expect(started.login.requests).toEqual([]);
  });

  it.each([
    ['a stranger', [], '127.0.0.1'],
    ['a trusted proxy', ['127.0.0.1'], '198.51.100.7'],
  ])('forged-address: says itself who the client is, before %s', async (_who, trustedProxies, address) => {
    await using started = await startLogin({ trustedProxies });
    const forged =
      'X-Forwarded-For: 198.51.100.7\r\nX-Real-IP: 198.51.100.8\r\nForwarded: for=198.51.100.9\r\n' +
      'X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-User: root\r\nRemote-User: root\r\n';
    await started.rig.ask(get('/oauth/authorize', `${forged}Cookie: a=b\r\nOrigin: https://localhost\r\n`));
    const lines = started.login.requests[0]?.head.trim().split('\r\n').slice(1).toSorted();
    // The control: what makes a login work passes.
    expect(lines).toEqual([
      'cookie: a=b',
      'host: localhost',
      'origin: https://localhost',
      `x-forwarded-for: ${address}`,
      'x-forwarded-proto: https',
    ]);
  });

  it.each([
    ['as they are', (name: string) => name],
    ['in capitals', (name: string) => name.toUpperCase()],
    ['with underscores', (name: string) => name.replaceAll('-', '_')],
    ['with dots', (name: string) => name.replaceAll('-', '.')],
  ])('forged-identity: no claim passes that a proxy could have made, %s', async (_how, spell) => {
    await using started = await startLogin({ trustedProxies: ['127.0.0.1'] });
    for (const name of claims) {
      // This one counts, and is written anew.
      if (spell(name).toLowerCase() === 'x-forwarded-for') continue;
      await started.rig.ask(get('/oauth/authorize', `${spell(name)}: root\r\nX-Other: passes\r\n`));
      const lines = started.login.requests.at(-1)?.head.trim().split('\r\n').slice(1).toSorted();
      expect(lines, name).toEqual([
        'host: localhost',
        'x-forwarded-for: 127.0.0.1',
        'x-forwarded-proto: https',
        'x-other: passes',
      ]);
    }
    expect(started.login.requests.length).toBeGreaterThan(80);
  });

  it(`credential guessing: takes ${REQUESTS_A_MINUTE} requests a minute from one address`, async () => {
    const clock = new ManualClock();
    await using started = await startLogin({ clock, trustedProxies: ['127.0.0.1'] });
    const from = (address: string): string => get('/oauth/login', `X-Forwarded-For: ${address}\r\n`);
    const client = await started.rig.connect();
    for (let count = 0; count < REQUESTS_A_MINUTE; count++) client.send(from('198.51.100.7'));
    await client.until((text) => text.split('{"login":true}').length === REQUESTS_A_MINUTE + 1);
    const refused = await started.rig.ask(from('198.51.100.7'));
    expect(refused.status).toBe(429);
    expect(Number(refused.field('retry-after'))).toBeGreaterThan(0);
    expect((await started.rig.ask(from('198.51.100.8'))).status).toBe(200);
    // Calls are not counted with logins.
    expect((await started.rig.ask(get('/mcp', 'X-Forwarded-For: 198.51.100.7\r\n'))).status).toBe(200);
    clock.advance(60_000);
    expect((await started.rig.ask(from('198.51.100.7'))).status).toBe(200);
  });
});
