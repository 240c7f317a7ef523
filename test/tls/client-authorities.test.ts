import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import {
  openClientAuthorities,
  type ClientAuthorityEvent,
  type ClientAuthorityWatch,
} from '../../src/tls/client-authority-watch.ts';
import type { ClientCertificates } from '../../src/tls/handshake/client-certificates.ts';
import { createTestCertificate } from '../support/certificates.ts';
import {
  createClientAuthority,
  createClientCertificate,
  createRevocationList,
} from '../support/client-certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';

const hour = 3_600_000;
const authority = await createClientAuthority();
const foreign = await createClientAuthority();
const client = await createClientCertificate({ issuer: authority });

let directory: string;
let clock: ManualClock;
let events: ClientAuthorityEvent[];
let served: ClientCertificates[];
const opened: ClientAuthorityWatch[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-clients-'));
  clock = new ManualClock();
  events = [];
  served = [];
});
afterEach(async () => {
  for (const watch of opened.splice(0)) await watch.close();
  await rm(directory, { recursive: true });
});

const paths = (): { ca: string; crl: string } => ({
  ca: join(directory, 'ca.pem'),
  crl: join(directory, 'crl.pem'),
});

async function write(files: { readonly ca?: string; readonly crl?: string }): Promise<void> {
  if (files.ca !== undefined) await writeFile(paths().ca, files.ca);
  if (files.crl !== undefined) await writeFile(paths().crl, files.crl);
}

async function open(withList = true): Promise<ClientAuthorityWatch | readonly Diagnostic[]> {
  const { ca, crl } = paths();
  const result = await openClientAuthorities({
    settings: { ca, crl: withList ? crl : undefined, required: true },
    clock,
    report: (event) => events.push(event),
    onChange: (clients) => served.push(clients),
  });
  if (!result.ok) return result.error;
  opened.push(result.value);
  return result.value;
}

async function load(withList = true): Promise<ClientAuthorityWatch> {
  const result = await open(withList);
  if (!('clients' in result)) throw new Error(result.map(({ message }) => message).join('; '));
  return result;
}

async function problems(withList = true): Promise<string[]> {
  const result = await open(withList);
  return 'clients' in result ? [] : result.map(({ code, message }) => `${code}: ${message}`);
}

describe('at the start', () => {
  it('loads authorities and their lists', async () => {
    const list = await createRevocationList({ issuer: authority });
    await write({ ca: `remark\n${authority.cert}${authority.key}`, crl: list });
    const watch = await load();
    expect(watch.clients).toEqual({ ca: authority.cert, crl: list, required: true });
    expect(watch.warnings).toEqual([]);
  });

  it('names every file that cannot be read', async () => {
    expect(await problems()).toEqual([
      expect.stringMatching(/^E_TLS_UNREADABLE: cannot read the client authority/),
      expect.stringMatching(/^E_TLS_UNREADABLE: cannot read the revocation list/),
    ]);
  });

  it('refuses a certificate of a client in place of its authority', async () => {
    await write({ ca: authority.cert + client.cert });
    expect(await problems(false)).toEqual([
      'E_TLS_CLIENT_AUTHORITY: `CN=ci, O=Example` is no certificate authority',
    ]);
  });

  it('refuses a file that holds no certificate', async () => {
    await write({ ca: 'nothing' });
    expect(await problems(false)).toEqual([expect.stringMatching(/^E_TLS_MALFORMED/)]);
  });

  it('warns of an authority whose time is over', async () => {
    const old = await createTestCertificate({
      names: ['Old CA'],
      ca: true,
      days: 1,
      notBefore: clock.now() - 48 * hour,
    });
    await write({ ca: authority.cert + old.cert });
    expect((await load(false)).warnings).toMatchObject([
      {
        severity: 'warning',
        code: 'E_TLS_CLIENT_AUTHORITY',
        message: expect.stringContaining('`CN=Old CA` has expired'),
      },
    ]);
  });

  it.each([
    [
      'that is over',
      () => createRevocationList({ issuer: authority, nextUpdate: Date.now() - 1000 }),
      /is over since/,
    ],
    [
      'of another authority with the same name',
      () => createRevocationList({ issuer: foreign }),
      /signed by no client authority/,
    ],
    ['that is no list', () => Promise.resolve(authority.cert), /holds no whole revocation list/],
    ['that is empty', () => Promise.resolve(''), /holds no whole revocation list/],
    [
      'that is damaged',
      () => Promise.resolve('-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n'),
      /list 1 is damaged/,
    ],
  ])('refuses a list %s', async (_what, create, message) => {
    await write({ ca: authority.cert, crl: await create() });
    const found = await problems();
    expect(found[0]).toMatch(/^E_TLS_REVOCATION_LIST/);
    expect(found[0]).toMatch(message);
  });

  it('refuses a list that was changed after it was signed, forged-revocation-list', async () => {
    const list = await createRevocationList({ issuer: authority, revoked: [client] });
    const bytes = Buffer.from(list.replaceAll(/-----.*-----|\s/g, ''), 'base64');
    const at = bytes.indexOf(Buffer.from(client.serialNumber, 'hex'));
    expect(at).toBeGreaterThan(0);
    bytes[at + 3] = (bytes[at + 3] ?? 0) ^ 1;
    const forged = `-----BEGIN X509 CRL-----\n${bytes.toString('base64')}\n-----END X509 CRL-----\n`;
    await write({ ca: authority.cert, crl: forged });
    expect((await problems())[0]).toMatch(/signed by no client authority/);
    await write({ crl: list });
    expect(await problems()).toEqual([]);
  });

  it('wants a list of every authority', async () => {
    const second = await createClientAuthority('Second CA');
    await write({ ca: authority.cert + second.cert, crl: await createRevocationList({ issuer: authority }) });
    expect(await problems()).toEqual([
      'E_TLS_REVOCATION_LIST: there is no revocation list of `CN=Second CA`',
    ]);
  });
});

describe('while it runs', () => {
  async function lookTwice(watch: ClientAuthorityWatch): Promise<void> {
    await watch.refresh();
    clock.advance(1000);
    await watch.refresh();
  }

  it('takes up new files', async () => {
    await write({ ca: authority.cert, crl: await createRevocationList({ issuer: authority }) });
    const watch = await load();
    const list = await createRevocationList({ issuer: authority, revoked: [client] });
    await write({ crl: list });
    await watch.refresh();
    expect(served).toEqual([{ ca: authority.cert, crl: list, required: true }]);
    expect(events).toEqual([{ kind: 'clients-replaced' }]);
  });

  it('keeps the old list when the new one is bad, and says so once', async () => {
    await write({ ca: authority.cert, crl: await createRevocationList({ issuer: authority }) });
    const watch = await load();
    await write({ crl: await createRevocationList({ issuer: foreign }) });
    await lookTwice(watch);
    await lookTwice(watch);
    expect(served).toEqual([]);
    expect(events).toMatchObject([{ kind: 'clients-kept', errors: [{ code: 'E_TLS_REVOCATION_LIST' }, {}] }]);
  });

  it('takes a new authority and its list although they come one after the other', async () => {
    await write({ ca: authority.cert, crl: await createRevocationList({ issuer: authority }) });
    const watch = await load();
    await write({ ca: foreign.cert });
    await watch.refresh();
    expect(events).toEqual([]);
    await write({ crl: await createRevocationList({ issuer: foreign }) });
    await watch.refresh();
    expect(events).toEqual([{ kind: 'clients-replaced' }]);
  });

  it('says once that the list in use is over', async () => {
    await write({
      ca: authority.cert,
      crl: await createRevocationList({ issuer: authority, nextUpdate: clock.now() + hour }),
    });
    const watch = await load();
    clock.advance(hour - 60_001);
    await watch.refresh();
    expect(events).toEqual([]);
    clock.advance(60_001);
    await watch.refresh();
    await watch.refresh();
    expect(events).toMatchObject([{ kind: 'clients-kept', errors: [{ code: 'E_TLS_REVOCATION_LIST' }] }]);
    await write({ crl: await createRevocationList({ issuer: authority, nextUpdate: clock.now() + hour }) });
    await watch.refresh();
    expect(events.at(-1)).toEqual({ kind: 'clients-replaced' });
  });

  it('is told of changes by the system', async () => {
    await write({ ca: authority.cert });
    await load(false);
    await vi.waitFor(async () => {
      await writeFile(join(directory, 'next'), foreign.cert);
      await rename(join(directory, 'next'), paths().ca);
      clock.advance(200);
      expect(served).toMatchObject([{ ca: foreign.cert }]);
    });
  });

  it('keeps what it has when the files go away', async () => {
    await write({ ca: authority.cert });
    const watch = await load(false);
    await rm(paths().ca);
    await lookTwice(watch);
    expect(events).toMatchObject([{ kind: 'clients-kept', errors: [{ code: 'E_TLS_UNREADABLE' }] }]);
    expect(served).toEqual([]);
  });

  it('leaves nothing behind when it is closed', async () => {
    await write({ ca: authority.cert });
    const watch = await load(false);
    await chmod(paths().ca, 0o600);
    await watch.close();
    expect(clock.pending).toBe(0);
  });
});
