import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CertificateEvent } from '../../src/tls/certificate-provider.ts';
import { loadCertificates, type Certificates, type CertificatesOptions } from '../../src/tls/certificates.ts';
import { createTestCertificate, createTestChain, type TestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  echo,
  handshake,
  refusal,
  serialSeen,
  startEchoServer,
  type EchoServer,
} from '../support/tls-peers.ts';
import { toMaterial } from './material.ts';

const hour = 3_600_000;
const day = 24 * hour;
let root: string;
let clock: ManualClock;
let events: CertificateEvent[];
const opened: Certificates[] = [];
const servers: EchoServer[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'breakwater-certificates-'));
  clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  events = [];
});
afterEach(async () => {
  for (const certificates of opened.splice(0)) await certificates.close();
  for (const server of servers.splice(0)) await server.close();
  await rm(root, { recursive: true });
});

const paths = (): { cert: string; key: string } => ({
  cert: join(root, 'cert.pem'),
  key: join(root, 'key.pem'),
});

async function write(certificate: TestCertificate): Promise<void> {
  await writeFile(paths().cert, certificate.cert);
  await writeFile(paths().key, certificate.key, { mode: 0o600 });
}

async function load(options: Partial<CertificatesOptions> = {}): Promise<Certificates> {
  const loaded = await loadCertificates({
    files: [paths()],
    automatic: { kind: 'none' },
    domains: [],
    stateDir: join(root, 'state'),
    clock,
    report: (event) => events.push(event),
    ...options,
  });
  if (!loaded.ok) throw new Error(loaded.error.map((error) => error.message).join('; '));
  opened.push(loaded.value);
  return loaded.value;
}

async function serve(certificates: Certificates): Promise<number> {
  const options = certificates.createTlsOptions({ http2: false, handshakeTimeout: 5000 });
  const server = await startEchoServer(options, (tls) => certificates.attach(tls));
  servers.push(server);
  return server.port;
}

/** Files that contradict each other get a second to settle. */
async function lookTwice(certificates: Certificates): Promise<void> {
  await certificates.refresh();
  clock.advance(1000);
  await certificates.refresh();
}

/** Lets time pass in small steps, since a look begins some turns of the loop after its timer. */
function settleTo(kind: CertificateEvent['kind']): Promise<void> {
  return vi.waitFor(() => {
    clock.advance(100);
    expect(kinds()).toEqual([kind]);
  });
}

function serial(certificate: TestCertificate): string {
  return toMaterial(certificate).facts.serialNumber;
}

function kinds(): string[] {
  return events.map((event) => event.kind);
}

describe('certificate files', () => {
  it('are served, told about and forgotten on close', async () => {
    const certificate = await createTestCertificate({ names: ['a.test'] });
    await write(certificate);
    const certificates = await load({ domains: ['a.test', 'b.test'] });
    const port = await serve(certificates);
    expect(certificates.warnings).toMatchObject([{ code: 'E_TLS_NAME_UNCOVERED' }]);
    expect(certificates.authorityFile).toBeUndefined();
    expect(certificates.expiry()).toMatchObject([
      { names: ['a.test'], serialNumber: serial(certificate), renewsAt: undefined },
    ]);
    expect(await serialSeen({ port })).toBe(serial(certificate));
    expect(await serialSeen({ port, servername: 'b.test' })).toBe(serial(certificate));
    expect(await refusal({ port, servername: 'c.test' })).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    await certificates.close();
    expect(clock.pending).toBe(0);
  });

  it('are told about when they end soon, until they are closed', async () => {
    await write(await createTestCertificate({ names: ['a.test'], notBefore: clock.now() - hour, days: 3 }));
    const certificates = await load();
    expect(events).toMatchObject([{ kind: 'expiring', daysLeft: 2, facts: { names: ['a.test'] } }]);
    clock.advance(day);
    expect(events.filter(({ kind }) => kind === 'expiring')).toHaveLength(2);
    await certificates.close();
    clock.advance(day);
    expect(events.filter(({ kind }) => kind === 'expiring')).toHaveLength(2);
  });

  it('answer every name when no domain is configured', async () => {
    await write(await createTestCertificate({ names: ['a.test'] }));
    const port = await serve(await load());
    expect(await serialSeen({ port, servername: 'c.test' })).toBeDefined();
  });

  it('that cannot be used are all problems of one answer', async () => {
    const loaded = await loadCertificates({
      files: [paths()],
      automatic: { kind: 'none' },
      domains: [],
      stateDir: root,
      clock,
      report: (event) => events.push(event),
    });
    expect(loaded).toMatchObject({
      ok: false,
      error: [{ code: 'E_TLS_UNREADABLE' }, { code: 'E_TLS_UNREADABLE' }],
    });
    expect(clock.pending).toBe(0);
  });

  it('are swapped by refresh under an open connection', async () => {
    const [first, second] = [await createTestCertificate(), await createTestCertificate()];
    await write(first);
    const certificates = await load();
    const port = await serve(certificates);
    const open = await handshake({ port });
    await write(second);
    await certificates.refresh();
    expect(await serialSeen({ port, servername: 'localhost' })).toBe(serial(second));
    expect(await serialSeen({ port })).toBe(serial(second));
    expect(await echo(open, 'still here')).toBe('still here');
    open.destroy();
    expect(events).toMatchObject([{ kind: 'replaced', facts: { serialNumber: serial(second) } }]);
  });

  it('that turn bad are reported once, and the old certificate serves on', async () => {
    const [first, second] = [await createTestCertificate(), await createTestCertificate()];
    await write(first);
    const certificates = await load();
    const port = await serve(certificates);

    await writeFile(paths().cert, second.cert);
    await lookTwice(certificates);
    await lookTwice(certificates);
    expect(events).toMatchObject([{ kind: 'kept', errors: [{ code: 'E_TLS_KEY_MISMATCH' }] }]);

    await rm(paths().cert);
    await lookTwice(certificates);
    await lookTwice(certificates);
    expect(events[1]).toMatchObject({ kind: 'kept', errors: [{ code: 'E_TLS_UNREADABLE' }] });
    expect(events).toHaveLength(2);
    expect(await serialSeen({ port })).toBe(serial(first));

    await write(second);
    await certificates.refresh();
    expect(await serialSeen({ port })).toBe(serial(second));
    expect(kinds()).toEqual(['kept', 'kept', 'replaced']);
  });

  it('that are replaced one after the other are no failure, and no outage', async () => {
    const [first, second] = [await createTestCertificate(), await createTestCertificate()];
    await write(first);
    const certificates = await load();
    const port = await serve(certificates);
    await writeFile(paths().cert, second.cert);
    await certificates.refresh();
    clock.advance(999);
    expect(await serialSeen({ port })).toBe(serial(first));
    await writeFile(paths().key, second.key);
    await settleTo('replaced');
    expect(await serialSeen({ port })).toBe(serial(second));
  });

  it('that contradict each other for a second are reported without another event', async () => {
    await write(await createTestCertificate());
    const certificates = await load();
    await writeFile(paths().cert, (await createTestCertificate()).cert);
    await certificates.refresh();
    clock.advance(999);
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    await settleTo('kept');
  });

  it('that are still being written do not lose their chain', async () => {
    const { intermediate, leaf } = await createTestChain();
    const chain = leaf.cert + intermediate.cert;
    await write({ ...leaf, cert: chain });
    const certificates = await load();
    await writeFile(paths().cert, chain.slice(0, leaf.cert.length + 200));
    await lookTwice(certificates);
    expect(events).toMatchObject([{ kind: 'kept', errors: [{ code: 'E_TLS_MALFORMED' }] }]);
  });

  it('that have expired are taken with a warning', async () => {
    await write(await createTestCertificate());
    const certificates = await load();
    await write(await createTestCertificate({ notBefore: clock.now() - 40 * day, days: 30 }));
    await certificates.refresh();
    expect(events).toMatchObject([
      { kind: 'replaced' },
      { kind: 'warning', warning: { code: 'E_TLS_EXPIRED' } },
    ]);
  });

  it('that do not change cause nothing', async () => {
    const certificate = await createTestCertificate();
    await write(certificate);
    const certificates = await load();
    await write(certificate);
    await certificates.refresh();
    expect(events).toEqual([]);
  });

  it('survive a report that throws, and a store that cannot be changed', async () => {
    await write(await createTestCertificate());
    const seen: string[] = [];
    const certificates = await load({
      report: (event) => {
        seen.push(event.kind === 'kept' ? (event.errors[0]?.code ?? '') : event.kind);
        if (seen.length === 1) throw new Error('broken on purpose');
      },
    });
    await write(await createTestCertificate());
    await certificates.refresh();
    expect(seen).toEqual(['replaced', 'E_INTERNAL']);
    await write(await createTestCertificate());
    await certificates.refresh();
    expect(seen).toEqual(['replaced', 'E_INTERNAL', 'replaced']);
  });
});

describe('watching', () => {
  /** Waits for the system to tell of a change, then lets the quiet time pass. */
  async function settle(timers: number): Promise<void> {
    await vi.waitFor(() => expect(clock.pending).toBeGreaterThan(timers), { timeout: 4000 });
    clock.advance(1000);
    await vi.waitFor(() => expect(events).not.toEqual([]), { timeout: 4000 });
  }

  /** The watch is set up in the background; a change before that would be noticed a minute later only. */
  async function loadWatched(): Promise<{ readonly certificates: Certificates; readonly timers: number }> {
    const certificates = await load();
    const timers = clock.pending;
    const probe = join(root, 'probe');
    let count = 0;
    await vi.waitFor(async () => {
      await writeFile(probe, String(count++));
      expect(clock.pending).toBeGreaterThan(timers);
    });
    clock.advance(1000);
    await certificates.refresh();
    await vi.waitFor(() => expect(clock.pending).toBe(timers));
    return { certificates, timers };
  }

  it('takes up files that are written over', async () => {
    await write(await createTestCertificate());
    const { certificates, timers } = await loadWatched();
    const second = await createTestCertificate();
    await write(second);
    await settle(timers);
    expect(certificates.expiry()[0]?.serialNumber).toBe(serial(second));
    expect(kinds()).toEqual(['replaced']);
  });

  it('takes up files that are renamed into place, one after the other, as one change', async () => {
    await write(await createTestCertificate());
    const { certificates, timers } = await loadWatched();
    const second = await createTestCertificate();
    for (const [name, text] of Object.entries({ 'key.pem': second.key, 'cert.pem': second.cert })) {
      await writeFile(join(root, 'next'), text, { mode: 0o600 });
      await rename(join(root, 'next'), join(root, name));
    }
    await settle(timers);
    expect(certificates.expiry()[0]?.serialNumber).toBe(serial(second));
    expect(kinds()).toEqual(['replaced']);
  });

  it('follows links whose directory is swapped, as Kubernetes does', async () => {
    const second = await createTestCertificate();
    for (const [name, certificate] of [
      ['v1', await createTestCertificate()],
      ['v2', second],
    ] as const) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, 'cert.pem'), certificate.cert);
      await writeFile(join(root, name, 'key.pem'), certificate.key, { mode: 0o600 });
    }
    await symlink('v1', join(root, '..data'));
    await symlink('..data/cert.pem', paths().cert);
    await symlink('..data/key.pem', paths().key);
    const { certificates, timers } = await loadWatched();
    await symlink('v2', join(root, '..next'));
    await rename(join(root, '..next'), join(root, '..data'));
    await settle(timers);
    expect(certificates.expiry()[0]?.serialNumber).toBe(serial(second));
  });

  it('looks every minute where no events arrive', async () => {
    await write(await createTestCertificate());
    const certificates = await load({ files: [paths()], automatic: { kind: 'none' } });
    const second = await createTestCertificate();
    await write(second);
    clock.advance(60_000);
    await certificates.refresh();
    expect(certificates.expiry()[0]?.serialNumber).toBe(serial(second));
  });
});

describe('the local authority', () => {
  const local = { files: [], automatic: { kind: 'local-ca' } } as const;

  it('serves loopback and the domains to a client that trusts it', async () => {
    const certificates = await load({ ...local, domains: ['mcp.test'] });
    const port = await serve(certificates);
    expect(certificates.authorityFile).toBe(join(root, 'state', 'local-ca', 'ca.pem'));
    expect(certificates.expiry()).toMatchObject([{ names: ['localhost', '127.0.0.1', '::1', 'mcp.test'] }]);
    expect(await serialSeen({ port, servername: 'elsewhere.test' })).toBeDefined();
  });

  it('refuses a public name with a way out', async () => {
    const loaded = await loadCertificates({
      ...local,
      domains: ['mcp.example.com'],
      stateDir: join(root, 'state'),
      clock,
      report: (event) => events.push(event),
    });
    expect(loaded).toMatchObject({
      ok: false,
      error: [{ severity: 'error', code: 'E_TLS_LOCAL_NAME', fix: expect.stringContaining('--cert') }],
    });
  });

  it('renews by itself after two thirds of the life, under an open connection', async () => {
    const certificates = await load(local);
    const port = await serve(certificates);
    const [before] = certificates.expiry();
    const open = await handshake({ port });
    const untilRenewal = (before?.renewsAt ?? 0) - clock.now();
    expect(untilRenewal).toBe(60 * day - hour);

    clock.jump(untilRenewal - 60_001);
    clock.advance(60_000);
    await certificates.refresh();
    expect(events).toEqual([]);
    clock.advance(60_000);
    await vi.waitFor(() => expect(events).not.toEqual([]));

    const [after] = certificates.expiry();
    expect(kinds()).toEqual(['replaced']);
    expect(after?.notAfter).toBe(clock.now() - (clock.now() % 1000) - hour + 90 * day);
    expect(await serialSeen({ port })).toBe(after?.serialNumber);
    expect(after?.serialNumber).not.toBe(before?.serialNumber);
    expect(await echo(open, 'still here')).toBe('still here');
    open.destroy();
  });

  it('renews for years without a gap', async () => {
    const certificates = await load(local);
    const end = clock.now() + 3 * 365 * day;
    while (clock.now() < end) {
      clock.jump(2 * day);
      await certificates.refresh();
      const [current] = certificates.expiry();
      expect((current?.notAfter ?? 0) - clock.now()).toBeGreaterThan(28 * day);
    }
    expect(new Set(kinds())).toEqual(new Set(['replaced']));
    expect(events.length).toBeGreaterThan(15);
  });

  it('uses a renewed certificate that cannot be kept', async () => {
    const certificates = await load(local);
    const [before] = certificates.expiry();
    await rm(join(root, 'state', 'local-ca'), { recursive: true });
    await writeFile(join(root, 'state', 'local-ca'), 'in the way');
    clock.jump(70 * day);
    await certificates.refresh();
    await certificates.refresh();
    expect(events).toMatchObject([
      { kind: 'replaced' },
      { kind: 'warning', warning: { code: 'E_STATE_UNWRITABLE' } },
    ]);
    expect(certificates.expiry()[0]?.serialNumber).not.toBe(before?.serialNumber);
  });

  it('keeps the old certificate and says so once when the authority has expired', async () => {
    const certificates = await load(local);
    const [before] = certificates.expiry();
    clock.jump(3653 * day);
    await certificates.refresh();
    await certificates.refresh();
    expect(events).toMatchObject([{ kind: 'kept', errors: [{ code: 'E_TLS_STATE' }] }]);
    expect(certificates.expiry()[0]?.serialNumber).toBe(before?.serialNumber);
  });
});

it('rotates ticket keys every twelve hours', async () => {
  await write(await createTestCertificate());
  const certificates = await load();
  await serve(certificates);
  await certificates.refresh();
  const [server] = servers;
  const seen = [server?.server.getTicketKeys().toString('hex')];
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(12 * hour - 1);
    expect(server?.server.getTicketKeys().toString('hex')).toBe(seen.at(-1));
    clock.advance(1);
    // The minutes of half a day end at the same moment.
    await certificates.refresh();
    seen.push(server?.server.getTicketKeys().toString('hex'));
  }
  expect(new Set(seen).size).toBe(4);
});
