import { lookup } from 'node:dns/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNameServerResolver } from '../../../src/auth/fetch/name-servers.ts';
import { startNameServer, type NameServer } from '../../support/name-server.ts';
import { until } from '../../support/until.ts';

const known = {
  'both.example.com': ['93.184.216.34', '93.184.216.35', '2001:0db8:0000:0000:0000:0000:0000:0001'],
  'old.example.com': ['93.184.216.34'],
  'new.example.com': ['0000:0000:0000:0000:0000:ffff:7f00:0001'],
  'none.example.com': [],
};

describe('name servers that are asked for what strangers choose', () => {
  let server: NameServer;
  let servers: readonly string[];
  beforeEach(async () => {
    server = await startNameServer(known);
    servers = [`127.0.0.1:${server.port}`];
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it.each([
    ['both.example.com', ['93.184.216.34', '93.184.216.35', '2001:db8::1']],
    ['old.example.com', ['93.184.216.34']],
    ['new.example.com', ['::ffff:127.0.0.1']],
    ['none.example.com', []],
  ])('%s: all addresses of both kinds, for the judgement of each', async (name, addresses) => {
    const resolve = createNameServerResolver({ servers });
    expect(await resolve(name, new AbortController().signal)).toEqual(addresses);
  });

  it('slow-resolver: silence ends with the signal, and holds up no other look-up until then', async () => {
    const resolve = createNameServerResolver({ servers });
    const controller = new AbortController();
    let ended = 0;
    const silent = Array.from({ length: 32 }, async (_none, at) => {
      const found = await resolve(`x${at}.slow.example.net`, controller.signal);
      ended += 1;
      return found;
    });
    await until(() => new Set(server.asked).size === 32);
    expect(await lookup('localhost')).toBeDefined();
    expect(await resolve('old.example.com', controller.signal)).toHaveLength(1);
    expect(ended).toBe(0);
    controller.abort();
    expect(await Promise.all(silent)).toEqual(silent.map(() => []));
  });
});
