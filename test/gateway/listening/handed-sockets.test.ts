import { describe, expect, it } from 'vitest';
import type { ListenAddress } from '../../../src/config/config.ts';
import {
  takeHandedSockets,
  withHandedSockets,
  type HandedSocket,
} from '../../../src/gateway/listening/handed-sockets.ts';
import type { Diagnostic } from '../../../src/lib/diagnostic.ts';
import type { Result } from '../../../src/lib/result.ts';
import { buildTestConfig } from '../../support/gateway.ts';

const addresses: Readonly<Record<number, ListenAddress>> = {
  3: { host: '0.0.0.0', port: 443 },
  4: { host: '::', port: 80 },
};
const options = { pid: 7, readAddress: (fd: number) => addresses[fd] };
const messages = (result: Result<unknown, readonly Diagnostic[]>): readonly string[] =>
  result.ok ? [] : result.error.map(({ message }) => message);

describe('the sockets of LISTEN_FDS', () => {
  it('are read with their names, and the variables are gone for children', () => {
    const env = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'https:http', OTHER: 'stays' };
    expect(takeHandedSockets(env, options)).toEqual({
      ok: true,
      value: [
        { fd: 3, name: 'https', address: addresses[3] },
        { fd: 4, name: 'http', address: addresses[4] },
      ],
    });
    expect(env).toEqual({ OTHER: 'stays' });
  });

  it('may have no names', () => {
    const taken = takeHandedSockets({ LISTEN_PID: '7', LISTEN_FDS: '1' }, options);
    expect(taken).toEqual({ ok: true, value: [{ fd: 3, name: '', address: addresses[3] }] });
  });

  it('are none without the variables, and none of ours when they are for another process', () => {
    expect(takeHandedSockets({}, options)).toEqual({ ok: true, value: [] });
    const env = { LISTEN_PID: '8', LISTEN_FDS: '1' };
    expect(takeHandedSockets(env, options)).toEqual({ ok: true, value: [] });
    expect(env).toEqual({});
  });

  it('are refused when they do not listen on TCP, or are not a number', () => {
    const three = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'https:http:more' };
    expect(messages(takeHandedSockets(three, options))).toEqual(['socket 5 (`more`) does not listen on TCP']);
    const none = { LISTEN_PID: '7', LISTEN_FDS: '-1' };
    expect(messages(takeHandedSockets(none, options))).toEqual(['LISTEN_FDS is not a number of sockets']);
  });
});

describe('a configuration with sockets', () => {
  const config = buildTestConfig('/state', [], {
    listen: { host: '127.0.0.1', port: 8443 },
    plainHttp: { host: '127.0.0.1', port: 8080 },
  });
  const socket = (name: string, host: string, port: number): HandedSocket => ({
    fd: 3,
    name,
    address: { host, port },
  });

  it('has their addresses: those of a name wherever they are, others by the port', () => {
    expect(withHandedSockets(config, [])).toEqual({ ok: true, value: config });
    const both = [socket('https', '::', 443), socket('breakwater.socket', '0.0.0.0', 8080)];
    expect(withHandedSockets(config, both)).toEqual({
      ok: true,
      value: { ...config, listen: { host: '::', port: 443 }, plainHttp: { host: '0.0.0.0', port: 8080 } },
    });
  });

  it.each([
    ['one of another port', [socket('', '0.0.0.0', 9)], 'the socket 0.0.0.0:9 belongs to no listener of'],
    ['one whose listener is off', [socket('authz', '127.0.0.1', 8443)], 'belongs to no listener of'],
    [
      'two for one listener',
      [socket('', '0.0.0.0', 8443), socket('https', '::', 443)],
      'the socket [::]:443 (`https`) is a second one for `https`',
    ],
  ])('refuses %s', (_what, sockets, message) => {
    expect(messages(withHandedSockets(config, sockets))).toEqual([expect.stringContaining(message)]);
  });

  it('authz-on-the-network: refuses a socket for `authz` that others can reach', () => {
    const withAuthz = { ...config, authz: { host: '127.0.0.1', port: 8181 } };
    expect(withHandedSockets(withAuthz, [socket('authz', '127.0.0.1', 9)]).ok).toBe(true);
    expect(messages(withHandedSockets(withAuthz, [socket('', '0.0.0.0', 8181)]))).toEqual([
      'the socket 0.0.0.0:8181 for `authz` is not on an address of loopback',
    ]);
  });
});
