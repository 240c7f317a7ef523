import { describe, expect, it } from 'vitest';
import { withKeys } from '../../src/config/keys.ts';
import { configOf } from './load-text.ts';

const first = { name: 'first', sha256: '1a'.repeat(32) };
const second = { name: 'second', sha256: '2b'.repeat(32) };

describe('keys added to a configuration', () => {
  it('lock every route and keep the keys that are there', async () => {
    const text = `routes: [{ upstream: 1 }, { path: /b, upstream: 2, auth: { keys: [${JSON.stringify(first)}] } }]\n`;
    const config = await configOf(text);
    const locked = withKeys(config, [second, first]);
    expect(locked.routes.map(({ auth }) => auth)).toEqual([
      { kind: 'keys', keys: [second, first] },
      { kind: 'keys', keys: [first, second] },
    ]);
    expect(Object.isFrozen(locked.routes[0]?.auth)).toBe(true);
    expect(config.routes[0]?.auth).toEqual({ kind: 'none' });
  });

  it('attack: a key opens a route that admits client certificates alone', async () => {
    const auth = { certificates: [{ name: 'ci', subject: 'CN=ci' }] };
    const tls = { clients: { ca: 'clients.pem', required: false } };
    const config = await configOf(JSON.stringify({ tls, routes: [{ upstream: 1, auth }] }));
    expect(withKeys(config, [first]).routes[0]?.auth).toEqual({
      kind: 'certificates',
      admitted: auth.certificates,
    });
  });
});
