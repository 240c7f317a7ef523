import { describe, expect, it } from 'vitest';
import { withStoredKeys } from '../../src/config/keys.ts';
import { configOf } from './load-text.ts';

const first = { name: 'first', sha256: '1a'.repeat(32) };

describe('stored keys added to a configuration', () => {
  it('lock every route and keep the keys that are there', async () => {
    const text = `routes: [{ upstream: 1 }, { path: /b, upstream: 2, auth: { keys: [${JSON.stringify(first)}] } }]\n`;
    const config = await configOf(text);
    const locked = withStoredKeys(config);
    expect(locked.routes.map(({ auth }) => auth)).toMatchObject([
      { kind: 'required', keys: { listed: [], stored: true } },
      { kind: 'required', keys: { listed: [first], stored: true } },
    ]);
    expect(Object.isFrozen(locked.routes[0]?.auth)).toBe(true);
    expect(config.routes[0]?.auth).toEqual({ kind: 'none' });
  });

  it('attack: a key opens a route that admits client certificates alone', async () => {
    const auth = { certificates: [{ name: 'ci', subject: 'CN=ci' }] };
    const tls = { clients: { ca: 'clients.pem', required: false } };
    const config = await configOf(JSON.stringify({ tls, routes: [{ upstream: 1, auth }] }));
    expect(withStoredKeys(config).routes[0]?.auth).toEqual({
      kind: 'required',
      keys: undefined,
      certificates: auth.certificates,
      oauth: undefined,
    });
  });
});
