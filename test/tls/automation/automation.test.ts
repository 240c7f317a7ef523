import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createCertificateVault } from '../../../src/tls/automation/certificate-vault.ts';
import { IssueError, type IssuedCertificate } from '../../../src/tls/automation/issuer.ts';
import type { TlsMaterial } from '../../../src/tls/tls-material.ts';
import { until } from '../../support/until.ts';
import { FakeIssuer, toWindow } from './fake-issuer.ts';
import { createRig, day, hour, minute, start, type Rig, type RunningAutomation } from './rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

/** An automation that has its first certificate. */
async function openWithCertificate(): Promise<RunningAutomation> {
  const running = await rig.open({ tick: 10 * minute });
  running.automation.start();
  await running.automation.settled();
  expect(running.of('issued')).toHaveLength(1);
  return running;
}

const folder = (): string => join(rig.stateDir, 'certificates', 'mcp.example.com');
const refuse = (code: IssueError['code'], retryAfter?: number) => (): Promise<never> =>
  Promise.reject(new IssueError(code, 'told to fail', retryAfter === undefined ? {} : { retryAfter }));

describe('the first certificate', () => {
  it('is obtained after the start, step by step, and stored for its owner only', async () => {
    const running = await rig.open();
    expect(running.facts()).toMatchObject({ material: undefined, renewsAt: undefined });
    expect(rig.issuer.requests).toHaveLength(0);
    running.automation.start();
    await running.automation.settled();
    expect(running.of('step').map(({ step }) => step)).toEqual([
      'account',
      'order',
      'challenge',
      'issue',
      'download',
    ]);
    const [material] = running.served;
    expect(material?.facts.names).toEqual(['mcp.example.com']);
    expect(running.facts()).toMatchObject({ material, issuer: 'one', step: undefined });
    expect(running.facts().renewsAt).toBe(start + 60 * day);
    expect(await readdir(folder())).toEqual(['certificate.pem', 'renewal.json']);
    expect((await stat(join(folder(), 'certificate.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder())).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder(), 'renewal.json'), 'utf8')).not.toContain('PRIVATE KEY');
  });

  it('is there at once after a restart, while the authority is gone', async () => {
    const first = await openWithCertificate();
    await first.automation.close();
    rig.issuer.onIssue = refuse('E_ACME_UNREACHABLE');
    const second = await rig.open();
    expect(second.facts().material?.facts).toEqual(first.facts().material?.facts);
    second.automation.start();
    await second.pass(day);
    expect(rig.issuer.requests).toHaveLength(1);
  });

  it('is obtained by the real clock, whose readings are no whole numbers', async () => {
    const running = await rig.open({ clock: systemClock });
    running.automation.start();
    await running.automation.settled();
    expect(running.of('failed')).toEqual([]);
    expect(running.served).toHaveLength(1);
  });

  it('does not hold up loading when the authority never answers', async () => {
    rig.issuer.onIssue = () => new Promise(() => undefined);
    const running = await rig.open();
    running.automation.start();
    await until(() => rig.issuer.requests.length === 1);
    expect(running.facts().step).toBe('challenge');
    await running.automation.close();
    expect(await readdir(folder())).toEqual(['renewal.json']);
    const next = await rig.open();
    expect(next.facts()).toMatchObject({ nextAttemptAt: undefined, lastFailure: undefined });
  });
});

describe('renewal', () => {
  it('comes with a third of the life left, with a new key, and replaces the old certificate', async () => {
    const running = await openWithCertificate();
    const [first] = running.served;
    await running.pass(60 * day - hour);
    expect(running.served).toHaveLength(1);
    await running.pass(2 * hour);
    const [, second] = running.served;
    expect(second?.key).not.toBe(first?.key);
    expect(running.facts().material).toBe(second);
    expect(rig.issuer.requests[1]?.replaces).toBe(first);
  });

  it('comes at half of the life when that is 160 hours', async () => {
    rig.issuer.days = 160 / 24;
    const running = await openWithCertificate();
    await running.pass(80 * hour - 20 * minute);
    expect(running.served).toHaveLength(1);
    await running.pass(30 * minute);
    expect(running.served).toHaveLength(2);
  });

  it('follows the window of the authority, also into the past', async () => {
    const running = await openWithCertificate();
    const [first] = running.served;
    const wishFor = (of: TlsMaterial | undefined, at: number) => (asked: IssuedCertificate) =>
      Promise.resolve(asked.key === of?.key ? toWindow(at) : undefined);
    rig.issuer.wish = wishFor(first, start + 40 * day);
    await running.pass(40 * day - hour);
    expect(running.facts().renewsAt).toBe(start + 40 * day);
    expect(running.served).toHaveLength(1);
    await running.pass(2 * hour);
    expect(running.served).toHaveLength(2);
    rig.issuer.wish = wishFor(running.served[1], start + 10 * day);
    await running.pass(2 * day);
    expect(running.served).toHaveLength(3);
  });

  it('asks for the window at least twice a day, whatever Retry-After says, and draws the moment once', async () => {
    const draws: number[] = [];
    const running = await rig.open({
      tick: 10 * minute,
      random: () => {
        draws.push(0);
        return 0.25;
      },
    });
    rig.issuer.wish = () => Promise.resolve(toWindow(start + 70 * day, { retryAfter: 365 * day }));
    running.automation.start();
    await running.automation.settled();
    await running.pass(hour);
    const before = draws.length;
    const asked = rig.issuer.asks;
    await running.pass(10 * day);
    expect(rig.issuer.asks - asked).toBeGreaterThanOrEqual(20);
    expect(rig.issuer.asks - asked).toBeLessThanOrEqual(24);
    expect(draws).toHaveLength(before);
    await running.automation.close();
    const again = await rig.open({ random: () => 0.9 });
    expect(again.facts().renewsAt).toBe(running.facts().renewsAt);
  });

  it('is not ordered without end by an authority that wants every certificate renewed at once', async () => {
    rig.issuer.wish = () => Promise.resolve(toWindow(rig.clock.now() - day));
    const running = await openWithCertificate();
    await running.pass(60 * day);
    expect(running.served.length).toBeGreaterThan(3);
    expect(running.served.length).toBeLessThanOrEqual(9);
  });

  it.each([
    ['an end before its start', { windowStart: start + 20 * day, windowEnd: start + 10 * day }],
    [
      'a start after the end of the certificate',
      { windowStart: start + 91 * day, windowEnd: start + 99 * day },
    ],
    ['no date at all', { windowStart: Number.NaN, windowEnd: Number.NaN }],
  ])('ignores a window with %s, and says so once', async (_what, window) => {
    rig.issuer.wish = () => Promise.resolve({ ...window, explanationUrl: undefined, retryAfter: 6 * hour });
    const running = await openWithCertificate();
    await running.pass(3 * day);
    expect(running.facts().renewsAt).toBe(start + 60 * day);
    expect(running.of('warning').map(({ warning }) => warning.code)).toEqual(['E_ACME_RENEWAL_INFO']);
  });

  it('does not wait for a window that ends too late', async () => {
    const running = await openWithCertificate();
    rig.issuer.wish = () => Promise.resolve(toWindow(start + 89 * day));
    await running.pass(day);
    expect(running.facts().renewsAt).toBe(start + 85.5 * day);
  });
});

describe('an authority that fails', () => {
  it('is asked again after 1, 10 and 100 minutes and then daily, and the old certificate serves on', async () => {
    const running = await openWithCertificate();
    await running.pass(60 * day - hour);
    rig.issuer.requests.length = 0;
    const times: number[] = [];
    rig.issuer.onIssue = () => {
      times.push(rig.clock.now());
      return refuse('E_ACME_STUCK')();
    };
    const [first] = running.served;
    const watched = await watch(running, 5 * day);
    expect(watched).toEqual(new Set([first]));
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(minute);
    expect(gaps[0]).toBeLessThanOrEqual(10 * minute);
    expect(gaps[1]).toBeGreaterThanOrEqual(10 * minute);
    expect(gaps[1]).toBeLessThanOrEqual(20 * minute);
    expect(gaps[2]).toBeGreaterThanOrEqual(100 * minute);
    expect(gaps[2]).toBeLessThanOrEqual(120 * minute);
    for (const gap of gaps.slice(3)) expect(Math.abs(gap - 25.2 * hour)).toBeLessThan(hour);
  });

  it('gives way to the next one, which does not get `replaces`', async () => {
    const fallback = await FakeIssuer.create({ clock: rig.clock, id: 'two' });
    const running = await rig.open({ issuers: [rig.issuer, fallback], tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    rig.issuer.onIssue = refuse('E_ACME_UNREACHABLE');
    await running.pass(60 * day + hour);
    expect(fallback.requests).toHaveLength(1);
    expect(fallback.requests[0]?.replaces).toBeUndefined();
    expect(running.facts()).toMatchObject({ issuer: 'two', lastFailure: undefined });
    expect(running.of('warning').map(({ warning }) => warning.message)).toEqual([
      'Authority one: told to fail',
    ]);
  });

  it('is tried with the next challenge type at once, and then without `replaces`', async () => {
    const running = await openWithCertificate();
    rig.issuer.requests.length = 0;
    rig.issuer.onIssue = ({ challenges }) =>
      challenges[0] === 'tls-alpn-01' ? refuse('E_ACME_CHALLENGE')() : Promise.resolve();
    await running.pass(60 * day + hour);
    expect(rig.issuer.requests.map(({ challenges }) => challenges)).toEqual([
      ['tls-alpn-01', 'http-01'],
      ['http-01', 'tls-alpn-01'],
    ]);
    expect(rig.issuer.requests.map(({ replaces }) => replaces !== undefined)).toEqual([true, false]);
    expect(running.served).toHaveLength(2);
  });

  it('is left alone as long as it asks for, but not for years', async () => {
    const running = await openWithCertificate();
    await running.pass(60 * day - hour);
    rig.issuer.requests.length = 0;
    rig.issuer.onIssue = refuse('E_ACME_RATE_LIMITED', 5 * hour);
    await running.pass(6 * hour);
    expect(rig.issuer.requests).toHaveLength(1);
    rig.issuer.onIssue = refuse('E_ACME_RATE_LIMITED', 3650 * day);
    await running.pass(12 * hour);
    rig.issuer.onIssue = () => Promise.resolve();
    await running.pass(28 * hour);
    expect(running.served).toHaveLength(2);
  });

  it('is asked more often towards the end', async () => {
    const running = await openWithCertificate();
    rig.issuer.onIssue = refuse('E_ACME_STUCK');
    await running.pass(90 * day - 30 * minute);
    const last = rig.issuer.requests.length;
    expect(running.of('failed').length).toBeGreaterThan(50);
    expect(last).toBeLessThan(120);
    rig.issuer.onIssue = () => Promise.resolve();
    await running.pass(20 * minute);
    expect(running.served).toHaveLength(2);
  });

  it.each([
    ['for another name', async (issuer: FakeIssuer) => issuer.sign(['other.example.com'])],
    [
      'for another key',
      async (issuer: FakeIssuer) => {
        const [one, two] = [await issuer.sign(['mcp.example.com']), await issuer.sign(['mcp.example.com'])];
        return { chain: one.chain, key: two.key };
      },
    ],
    ['that has ended', async (issuer: FakeIssuer) => issuer.sign(['mcp.example.com'], -1)],
    ['that is none', async () => ({ chain: 'nonsense', key: 'nonsense' })],
  ])('delivers a certificate %s: it is not used', async (_what, forge) => {
    const running = await openWithCertificate();
    const [good] = running.served;
    rig.issuer.forge = () => forge(rig.issuer);
    await running.pass(60 * day + hour);
    expect(running.of('failed')[0]?.error.code).toBe('E_ACME_CERTIFICATE');
    expect(running.facts().material).toBe(good);
    expect(await readFile(join(folder(), 'certificate.pem'), 'utf8')).toContain(good?.chain);
  });

  it('never answers: the order is given up after half an hour', async () => {
    rig.issuer.onIssue = () => new Promise(() => undefined);
    const running = await rig.open();
    running.automation.start();
    await until(() => rig.issuer.requests.length === 1);
    rig.clock.advance(31 * minute);
    await running.automation.settled();
    expect(running.of('failed')[0]?.error.code).toBe('E_ACME_STUCK');
  });
});

describe('an order storm', () => {
  it('does not come from a process that starts over and over', async () => {
    rig.issuer.onIssue = refuse('E_ACME_CHALLENGE');
    for (let round = 0; round < 60; round++) {
      const running = await rig.open();
      running.automation.start();
      await running.automation.settled();
      await running.automation.close();
      rig.clock.advance(minute);
    }
    expect(rig.issuer.requests.length).toBeLessThanOrEqual(5);
  });

  it('does not come from people', async () => {
    const running = await openWithCertificate();
    for (let round = 0; round < 20; round++) await running.automation.renewNow('mcp.example.com');
    expect(rig.issuer.requests.length).toBeLessThanOrEqual(4);
    expect(running.of('failed').at(-1)?.error.code).toBe('E_ACME_LIMIT');
    // `certs renew` waits for this.
    const { lastFailure } = await createCertificateVault(rig.stateDir).loadRecord('mcp.example.com');
    expect(lastFailure).toMatchObject({ code: 'E_ACME_LIMIT', at: rig.clock.now() });
  });

  it('control: without limits it comes', async () => {
    const limits = { failuresPerHour: 999, certificatesPerWeek: 999, ordersPerThreeHours: 999 };
    const running = await rig.open({ limits });
    for (let round = 0; round < 12; round++) {
      await running.automation.renewNow('mcp.example.com');
      await running.pass(20 * minute);
    }
    expect(rig.issuer.requests).toHaveLength(12);
    const limited = await rig.open({ names: ['other.example.com'] });
    for (let round = 0; round < 12; round++) {
      await limited.automation.renewNow('other.example.com');
      await limited.pass(20 * minute);
    }
    expect(rig.issuer.requests).toHaveLength(16);
  });

  it.each([
    ['an hour forward', hour],
    ['an hour back', -hour],
    ['ten years forward', 3650 * day],
    ['ten years back', -3650 * day],
  ])('does not come from a clock that jumps %s', async (_what, jump) => {
    const running = await openWithCertificate();
    // The authority's clock is right: what it issues has ended for ten years by ours, or is not valid yet.
    let right = 0;
    rig.issuer.forge = async () => {
      const offset = rig.clock.now() - right;
      rig.clock.jump(-offset);
      const signed = await rig.issuer.sign(['mcp.example.com']);
      rig.clock.jump(offset);
      return signed;
    };
    right = rig.clock.now();
    rig.clock.jump(jump);
    await running.pass(2 * day);
    expect(rig.issuer.requests.length).toBeLessThanOrEqual(1 + 4);
    expect(running.facts().material).toBeDefined();
    rig.clock.jump(-jump);
    rig.issuer.forge = undefined;
    await running.pass(60 * day);
    expect(running.served).toHaveLength(2);
    expect(running.facts().material?.facts.notAfter).toBeGreaterThan(rig.clock.now() + 80 * day);
  });
});

describe('state that is damaged', () => {
  it('is set aside, reported, and obtained anew', async () => {
    const first = await openWithCertificate();
    await first.automation.close();
    await writeFile(join(folder(), 'certificate.pem'), 'garbage');
    await writeFile(join(folder(), 'renewal.json'), '{"failures":');
    const running = await rig.open();
    expect(running.of('warning').map(({ warning }) => warning.code)).toEqual([
      'E_CERT_STATE',
      'E_CERT_STATE',
    ]);
    running.automation.start();
    await running.automation.settled();
    expect(running.served).toHaveLength(1);
    expect(await readdir(folder())).toEqual([
      'certificate.pem',
      'certificate.pem.damaged',
      'renewal.json',
      'renewal.json.damaged',
    ]);
  });

  it('that a process left behind when it died is removed, a file that is being written is not', async () => {
    const first = await openWithCertificate();
    await first.automation.close();
    for (const name of ['certificate.pem.a.tmp', 'lock.b.broken', 'renewal.json.c.tmp']) {
      await writeFile(join(folder(), name), 'half');
    }
    const longAgo = new Date(Date.now() - 2 * hour);
    await utimes(join(folder(), 'certificate.pem.a.tmp'), longAgo, longAgo);
    await utimes(join(folder(), 'lock.b.broken'), longAgo, longAgo);
    await rig.open();
    expect(await readdir(folder())).toEqual(['certificate.pem', 'renewal.json', 'renewal.json.c.tmp']);
  });

  it('is written again from memory when it happens while the process runs', async () => {
    const running = await openWithCertificate();
    const before = await readFile(join(folder(), 'certificate.pem'), 'utf8');
    await writeFile(join(folder(), 'certificate.pem'), 'garbage');
    await running.pass(2 * hour);
    expect(await readFile(join(folder(), 'certificate.pem'), 'utf8')).toBe(before);
    expect(rig.issuer.requests).toHaveLength(1);
  });
});

/** What was in service in each tick. */
async function watch(running: RunningAutomation, milliseconds: number): Promise<Set<unknown>> {
  const seen = new Set<unknown>();
  for (let left = milliseconds; left > 0; left -= 10 * minute) {
    await running.pass(10 * minute);
    await nextTurn();
    seen.add(running.facts().material);
  }
  return seen;
}
