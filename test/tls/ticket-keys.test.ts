import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { CertificateStore } from '../../src/tls/handshake/certificate-store.ts';
import { createTicketKeys, type TicketKeys } from '../../src/tls/handshake/ticket-keys.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { echo, handshake, startEchoServer, type EchoServer } from '../support/tls-peers.ts';
import { toMaterial } from './material.ts';

const hour = 3_600_000;
const minute = 60_000;
const material = toMaterial(await createTestCertificate({ names: ['a.test'] }));

let stateDir: string;
let clock: ManualClock;
let warnings: Diagnostic[];
const opened: TicketKeys[] = [];
const servers: EchoServer[] = [];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-tickets-'));
  clock = new ManualClock();
  warnings = [];
});
afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close();
  for (const server of servers.splice(0)) await server.close();
  const defect = warnings.find(({ code }) => code === 'E_INTERNAL');
  if (defect !== undefined) throw new Error(defect.message);
  await rm(stateDir, { recursive: true });
});

const file = (): string => join(stateDir, 'tls', 'ticket-keys.json');

function create(onRotate: (keys: Buffer) => void = () => undefined): TicketKeys {
  const keys = createTicketKeys({ stateDir, clock, report: (warning) => warnings.push(warning), onRotate });
  opened.push(keys);
  return keys;
}

async function createShared(onRotate?: (keys: Buffer) => void): Promise<TicketKeys> {
  const keys = create(onRotate);
  await keys.share();
  return keys;
}

/** Lets every store look, one after the other; twice, since the looks that a clock set forward starts overlap and the later keys win. */
async function look(...all: readonly TicketKeys[]): Promise<void> {
  for (const keys of [...all, ...all]) await keys.refresh();
}

describe('keys of one process', () => {
  it('are random and leave no trace until they are shared', async () => {
    const [first, second] = [create(), create()];
    expect(first.current).toHaveLength(48);
    expect(first.current.equals(second.current)).toBe(false);
    await look(first);
    await expect(stat(file())).rejects.toThrow(/ENOENT/);
  });

  it('are replaced after twelve hours', async () => {
    const rotated: Buffer[] = [];
    const keys = create((current) => rotated.push(current));
    const { current } = keys;
    clock.advance(12 * hour - 1);
    await look(keys);
    expect(rotated).toEqual([]);
    clock.advance(1);
    await look(keys);
    expect(rotated).toEqual([keys.current]);
    expect(keys.current.equals(current)).toBe(false);
  });
});

describe('keys of a state directory', () => {
  it('are kept for its owner only, and by nobody else', async () => {
    const keys = await createShared();
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(stateDir, 'tls'))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
      createdAt: clock.now(),
      keys: keys.current.toString('base64'),
    });
  });

  it('are the same in every process, and after a restart', async () => {
    const first = await createShared();
    const second = await createShared();
    expect(second.current).toEqual(first.current);
    clock.advance(11 * hour);
    expect((await createShared()).current).toEqual(first.current);
  });

  it('agree soon when processes start at the same moment', async () => {
    const all = Array.from({ length: 5 }, () => create());
    await Promise.all(all.map((keys) => keys.share()));
    await look(...all);
    expect(new Set(all.map(({ current }) => current.toString('hex'))).size).toBe(1);
  });

  it('change together, and the old ones are not kept', async () => {
    const all = [await createShared(), await createShared()];
    const old = all[0]?.current.toString('base64') ?? '';
    clock.advance(12 * hour);
    await look(...all);
    expect(all[0]?.current).toEqual(all[1]?.current);
    expect(all[0]?.current.toString('base64')).not.toBe(old);
    expect(await readFile(file(), 'utf8')).not.toContain(old);
  });

  it('are looked at every minute', async () => {
    const rotated: Buffer[] = [];
    const keys = await createShared((current) => rotated.push(current));
    const other = { createdAt: clock.now(), keys: Buffer.alloc(48, 7).toString('base64') };
    await writeFile(file(), JSON.stringify(other));
    await utimes(file(), 1, 1);
    clock.advance(minute);
    await vi.waitFor(() => expect(rotated).toEqual([Buffer.alloc(48, 7)]));
    expect(keys.current).toEqual(Buffer.alloc(48, 7));
  });

  it.each([
    [
      'too old',
      () => JSON.stringify({ createdAt: clock.now() - 12 * hour, keys: Buffer.alloc(48).toString('base64') }),
    ],
    [
      'from the future',
      () => JSON.stringify({ createdAt: clock.now() + hour, keys: Buffer.alloc(48).toString('base64') }),
    ],
    [
      'too short',
      () => JSON.stringify({ createdAt: clock.now(), keys: Buffer.alloc(47).toString('base64') }),
    ],
    ['of another form', () => JSON.stringify({ createdAt: clock.now(), keys: null })],
    ['no object', () => 'null'],
    ['damaged', () => '{"createdAt":'],
  ])('that are %s are replaced', async (_what, text) => {
    await mkdir(join(stateDir, 'tls'), { recursive: true });
    await writeFile(file(), text(), { mode: 0o600 });
    const keys = await createShared();
    expect(keys.current.equals(Buffer.alloc(48))).toBe(false);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({
      keys: keys.current.toString('base64'),
    });
    expect(warnings).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'that others can read are not used, planted-ticket-keys',
    async () => {
      const planted = JSON.stringify({
        createdAt: clock.now(),
        keys: Buffer.alloc(48, 5).toString('base64'),
      });
      await mkdir(join(stateDir, 'tls'), { recursive: true });
      await writeFile(file(), planted);
      await chmod(file(), 0o644);
      const keys = await createShared();
      expect(keys.current).not.toEqual(Buffer.alloc(48, 5));
      expect((await stat(file())).mode & 0o777).toBe(0o600);
      // The control: private to the owner they are taken.
      await writeFile(file(), planted);
      await chmod(file(), 0o600);
      await look(keys);
      expect(keys.current).toEqual(Buffer.alloc(48, 5));
    },
  );

  it('stay in memory where the state cannot be written, with one warning', async () => {
    await writeFile(join(stateDir, 'tls'), 'in the way');
    const rotated: Buffer[] = [];
    const keys = await createShared((current) => rotated.push(current));
    await look(keys);
    clock.advance(12 * hour);
    await look(keys);
    expect(rotated).toHaveLength(1);
    expect(warnings).toMatchObject([{ severity: 'warning', code: 'E_STATE_UNWRITABLE' }]);
    await rm(join(stateDir, 'tls'));
    await look(keys);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({
      keys: keys.current.toString('base64'),
    });
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('sessions of two processes in %s', (version) => {
  async function serve(): Promise<{ readonly keys: TicketKeys; readonly port: number }> {
    let store: CertificateStore | undefined;
    const keys = await createShared((current) => store?.rotateTicketKeys(current));
    store = new CertificateStore({
      materials: [material],
      domains: [],
      unknownName: 'default',
      ticketKeys: keys.current,
    });
    const options = store.createTlsOptions({ http2: false, handshakeTimeout: 5000 });
    const server = await startEchoServer(options, (tls) => store?.attach(tls));
    servers.push(server);
    return { keys, port: server.port };
  }

  const base = { servername: 'a.test', minVersion: version, maxVersion: version } as const;

  async function takeSession(port: number): Promise<Buffer> {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...base });
    const session = once(socket, 'session');
    await once(socket, 'secureConnect');
    await echo(socket, 'x');
    const [bytes]: Buffer[] = await session;
    socket.destroy();
    if (bytes === undefined) throw new Error('no session was issued');
    return bytes;
  }

  async function isResumed(options: ConnectionOptions): Promise<boolean> {
    const socket = await handshake({ ...base, ...options });
    // It works, resumed or not.
    expect(await echo(socket, 'x')).toBe('x');
    const resumed = socket.isSessionReused();
    socket.destroy();
    return resumed;
  }

  it('are resumed by each other; after a rotation a ticket costs one full handshake and no failure', async () => {
    const [first, second] = [await serve(), await serve()];
    const session = await takeSession(first.port);
    expect(await isResumed({ port: second.port, session })).toBe(true);
    clock.advance(12 * hour);
    await look(first.keys, second.keys);
    for (const { port } of [first, second]) expect(await isResumed({ port, session })).toBe(false);
    const fresh = await takeSession(second.port);
    for (const { port } of [first, second]) expect(await isResumed({ port, session: fresh })).toBe(true);
  });
});
