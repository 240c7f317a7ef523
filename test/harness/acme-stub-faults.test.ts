import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createAcmeIssuer } from '../../src/tls/acme/acme-issuer.ts';
import type { ChallengeSolver, PresentedChallenge } from '../../src/tls/acme/challenge.ts';
import type { AcmeHttp } from '../../src/tls/acme/acme-http.ts';
import { AcmeRawClient } from '../support/acme-raw-client.ts';
import { createAcmeStub, type AcmeStub } from '../support/acme-stub/acme-stub.ts';
import { parseRecord, toRecord } from '../support/acme-stub/exchange.ts';
import type { Fault } from '../support/acme-stub/faults.ts';
import { createStubHttp } from '../support/acme-stub/stub-http.ts';
import { startAcmeStubServer } from '../support/acme-stub/stub-server.ts';
import type { AcmeStubOptions } from '../support/acme-stub/settings.ts';
import { ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 1);
const names = ['example.com'];

let clock: ManualClock;
let stub: AcmeStub;
let client: AcmeRawClient;

async function open(options: Partial<AcmeStubOptions> = {}): Promise<void> {
  clock = new ManualClock(start);
  stub = await createAcmeStub({ clock, validate: () => 'valid', ...options });
  client = new AcmeRawClient(stub);
  await client.register();
}

beforeEach(() => open());

/** Start and end of the window the stub gives for its last certificate, and when to ask again, in seconds. */
async function askRenewalInfo(): Promise<{
  start: number;
  end: number;
  retryAfter: string | undefined;
  status: number;
}> {
  const certId = stub.ledger.certificates.at(-1)?.certId ?? '';
  const { body, headers, status } = await client.get(`${await client.find('renewalInfo')}/${certId}`);
  const window = toRecord(parseRecord(body)?.['suggestedWindow']);
  const [from, to] = [Date.parse(String(window?.['start'])), Date.parse(String(window?.['end']))];
  return { start: from, end: to, retryAfter: headers['retry-after'], status };
}

describe('faults of whole requests', () => {
  it.each([
    [{ kind: 'down', how: 'error' }, 500],
    [{ kind: 'down', how: 'unavailable' }, 503],
    [{ kind: 'down', how: 'garbage' }, 200],
    [{ kind: 'redirect', location: 'https://example.net/' }, 307],
  ] as const satisfies readonly (readonly [Fault, number])[])('%o', async (fault, status) => {
    const off = stub.faults.add(fault);
    const answer = await client.get(stub.directoryUrl);
    expect(answer.status).toBe(status);
    expect(answer.json['newOrder']).toBeUndefined();
    off();
    expect((await client.get(stub.directoryUrl)).json['newOrder']).toBeDefined();
  });

  it('a refused connection changes nothing, a lost answer was carried out', async () => {
    const before = stub.ledger.orders.length;
    stub.faults.add({ kind: 'down', how: 'refused' }, { at: ['newOrder'], times: 1 });
    await expect(client.requestOrder(names)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(stub.ledger.orders).toHaveLength(before);
    stub.faults.add({ kind: 'down', how: 'lost' }, { at: ['newOrder'], times: 1 });
    await expect(client.requestOrder(names)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(stub.ledger.orders).toHaveLength(before + 1);
  });

  it('silence lasts until the client gives up', async () => {
    stub.faults.add({ kind: 'down', how: 'silent' });
    const hurry = new AbortController();
    const request = { method: 'GET', url: stub.directoryUrl, headers: { 'user-agent': 'raw' }, body: '' };
    const answer = stub.handle(request, hurry.signal);
    hurry.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });

  it('holds from one moment to another, and as often as it is told', async () => {
    stub.faults.add({ kind: 'down', how: 'error' }, { from: start + hour, until: start + 2 * hour });
    stub.faults.add({ kind: 'down', how: 'unavailable' }, { from: start + 3 * hour, times: 1 });
    const seen: number[] = [];
    for (let step = 0; step < 5; step++) {
      seen.push((await client.get(stub.directoryUrl)).status);
      clock.advance(hour);
    }
    expect(seen).toEqual([200, 500, 200, 503, 200]);
  });

  it('rejects its share of the nonces', async () => {
    stub.faults.add({ kind: 'badNonce', rate: 0.5 });
    let rejected = 0;
    for (let count = 0; count < 200; count++) {
      const { problem, headers } = await client.post(client.kid ?? '');
      if (problem === 'badNonce') rejected++;
      expect(headers['replay-nonce']).toBeDefined();
    }
    expect(rejected).toBeGreaterThan(70);
    expect(rejected).toBeLessThan(130);
  });

  it('limits with seconds or a date, and notes who does not wait', async () => {
    stub.faults.add({ kind: 'rateLimited', retryAfter: { seconds: 3600 } }, { times: 1 });
    const first = await client.requestOrder(names);
    expect([first.status, first.problem, first.headers['retry-after']]).toEqual([429, 'rateLimited', '3600']);
    clock.advance(hour);
    await client.requestOrder(names);
    expect(stub.ledger.violations).toEqual([]);
    stub.faults.add({ kind: 'rateLimited', retryAfter: { seconds: 3600, as: 'date' } }, { times: 1 });
    const second = await client.requestOrder(names);
    expect(Date.parse(second.headers['retry-after'] ?? '')).toBe(clock.now() + hour);
    clock.advance(hour - 1000);
    await client.requestOrder(['other.example.com']);
    expect(stub.ledger.violations).toEqual([]);
    await client.requestOrder(names);
    expect(stub.ledger.violations).toMatchObject([{ limit: 'retryAfter', names }]);
  });

  it('wants new terms agreed to, and says where', async () => {
    stub.faults.add({ kind: 'termsChanged' });
    const { problem, headers, json } = await client.requestOrder(names);
    expect(problem).toBe('userActionRequired');
    expect(headers['link']).toContain(`<${String(json['instance'])}>;rel="terms-of-service"`);
  });

  it('wants accounts bound from now on, and answers with more than anyone should read', async () => {
    stub.faults.add({ kind: 'externalAccountRequired' });
    expect((await new AcmeRawClient(stub).register()).problem).toBe('externalAccountRequired');
    stub.faults.add({ kind: 'oversized', bytes: 2_000_000 }, { at: ['directory'] });
    expect((await client.get(stub.directoryUrl)).body.length).toBeGreaterThan(2_000_000);
  });
});

describe('faults of orders', () => {
  it('stuck before it is ready, and while it is processed', async () => {
    const off = stub.faults.add({ kind: 'orderStuck', at: 'pending' });
    const order = await client.order(names);
    await client.prove(order);
    const status = async (): Promise<unknown> => (await client.post(order.url)).json['status'];
    expect(await status()).toBe('pending');
    off();
    expect(await status()).toBe('ready');
    const free = stub.faults.add({ kind: 'orderStuck', at: 'processing' });
    await client.finalize(order, names);
    clock.advance(hour);
    expect(await status()).toBe('processing');
    expect(stub.ledger.certificates).toHaveLength(0);
    free();
    expect(await status()).toBe('valid');
  });

  it('validations that fail with a problem of choice', async () => {
    const problem = { type: 'dns', status: 400, detail: 'no such name' };
    stub.faults.add({ kind: 'validationFails', problem });
    const order = await client.order(names);
    await client.prove(order);
    expect((await client.post(order.url)).json).toMatchObject({
      status: 'invalid',
      error: { type: 'urn:ietf:params:acme:error:dns', detail: 'no such name' },
    });
  });

  it.each(['foreignKey', 'otherNames', 'expired', 'notYetValid', 'strangerSigned'] as const)(
    'a wrong certificate: %s',
    async (how) => {
      stub.faults.add({ kind: 'wrongCertificate', how });
      const { chain, key } = await client.obtain(names);
      const leaf = new X509Certificate(chain);
      const intermediate = new X509Certificate(
        chain.slice(chain.indexOf('-----END CERTIFICATE-----') + 25).trim(),
      );
      expect(leaf.checkPrivateKey(key)).toBe(how !== 'foreignKey');
      expect(leaf.checkHost('example.com')).toBe(how === 'otherNames' ? undefined : 'example.com');
      expect(Date.parse(leaf.validTo) < clock.now()).toBe(how === 'expired');
      expect(Date.parse(leaf.validFrom) > clock.now()).toBe(how === 'notYetValid');
      expect(leaf.verify(intermediate.publicKey)).toBe(how !== 'strangerSigned');
      expect(stub.ledger.certificates).toMatchObject([{ wrong: true }]);
    },
  );

  it.each([
    ['truncated', ['leaf']],
    ['reversed', ['intermediate', 'leaf']],
    ['empty', []],
    ['notPem', []],
  ] as const)('a wrong chain: %s', async (how, parts) => {
    stub.faults.add({ kind: 'wrongChain', how }, { times: 1 });
    const { chain } = await client.obtain(names);
    const blocks = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    expect(blocks.map((block) => (new X509Certificate(block).ca ? 'intermediate' : 'leaf'))).toEqual(parts);
    expect(stub.ledger.certificates).toMatchObject([{ wrong: false, deliveredAt: undefined }]);
  });
});

describe('renewal information', () => {
  it.each([
    ['classic', 90 * day, 60 * day],
    ['shortlived', 160 * hour, 80 * hour],
  ] as const)('is around the usual moment for %s', async (profile, lifetime, ideal) => {
    await client.obtain(names, { profile });
    const { start: from, end: to, retryAfter } = await askRenewalInfo();
    const middle = (from + to) / 2 - (start - hour);
    expect(Math.abs(middle - ideal)).toBeLessThan(lifetime / 100);
    expect(retryAfter).toBe('21600');
    expect(stub.ledger.renewalReads).toHaveLength(1);
  });

  it('moves into the past when a certificate is recalled, and stays there', async () => {
    await client.obtain(names);
    stub.recall(stub.ledger.certificates[0]?.certId ?? '');
    clock.advance(hour);
    expect((await askRenewalInfo()).end).toBeLessThan(clock.now());
    await client.obtain(names);
    stub.faults.add({ kind: 'renewalInfo', how: 'past' }, { times: 1 });
    expect((await askRenewalInfo()).end).toBeLessThan(clock.now());
    expect((await askRenewalInfo()).end).toBeLessThan(clock.now());
  });

  it.each([
    ['endBeforeStart', (window: { start: number; end: number }) => window.end < window.start],
    ['noDates', (window: { start: number }) => Number.isNaN(window.start)],
    ['empty', (window: { start: number }) => Number.isNaN(window.start)],
    ['notJson', (window: { start: number }) => Number.isNaN(window.start)],
    ['notFound', (window: { status: number }) => window.status === 404],
    ['error', (window: { status: number }) => window.status === 500],
    ['retryAfterHuge', (window: { retryAfter: string | undefined }) => Number(window.retryAfter) > 3e8],
    ['retryAfterNegative', (window: { retryAfter: string | undefined }) => window.retryAfter === '-1'],
    ['farFuture', (window: { start: number }) => window.start > start + 89 * day],
  ] as const)('talks nonsense: %s', async (how, holds) => {
    await client.obtain(names);
    expect(holds(await askRenewalInfo())).toBe(false);
    stub.faults.add({ kind: 'renewalInfo', how });
    expect(holds(await askRenewalInfo())).toBe(true);
  });

  it('is not there for an authority without it, or for a certificate of somebody else', async () => {
    expect((await client.get(`${await client.find('renewalInfo')}/AAAA.BBBB`)).status).toBe(404);
    await open({ renewalInfo: false });
    expect(await client.find('renewalInfo')).toBe('undefined');
  });
});

describe('limits', () => {
  it('five failures an hour for a name and account, then 429', async () => {
    stub.faults.add(
      { kind: 'validationFails', problem: { type: 'connection', status: 400, detail: 'no' } },
      { until: start + hour },
    );
    for (let count = 0; count < 5; count++) {
      const order = await client.order(names);
      await client.prove(order);
      expect((await client.post(order.url)).json['status']).toBe('invalid');
      clock.advance(minute);
    }
    expect(stub.ledger.violations).toEqual([]);
    const refused = await client.requestOrder(names);
    expect([refused.problem, refused.headers['retry-after']]).toEqual(['rateLimited', '3300']);
    expect(stub.ledger.violations).toMatchObject([{ limit: 'failedAuthorizations', names }]);
    expect((await client.requestOrder(['other.example.com'])).problem).toBeUndefined();
    clock.advance(55 * minute);
    expect((await client.requestOrder(names)).problem).toBeUndefined();
    expect(stub.ledger.violations).toHaveLength(1);
  });

  it('five certificates a week for the same names, renewals by `replaces` not counted', async () => {
    for (let count = 0; count < 5; count++) {
      await client.obtain(names);
      clock.advance(hour);
    }
    const replaces = stub.ledger.certificates.at(-1)?.certId ?? '';
    expect((await client.requestOrder(names)).problem).toBe('rateLimited');
    await client.obtain(names, { replaces });
    expect(stub.ledger.orders.at(-1)).toMatchObject({ replaces, exempt: true });
    clock.advance(7 * day);
    await client.obtain(names);
    expect(stub.ledger.violations.map(({ limit }) => limit)).toEqual(['certificatesPerNames']);
  });

  it('300 orders in three hours, ten accounts in three hours', async () => {
    for (let count = 0; count < 300; count++) {
      expect((await client.requestOrder([`${count}.example.com`])).problem).toBeUndefined();
    }
    expect((await client.requestOrder(names)).problem).toBe('rateLimited');
    for (let count = 0; count < 9; count++) {
      expect((await new AcmeRawClient(stub).register()).problem).toBeUndefined();
    }
    expect((await new AcmeRawClient(stub).register()).problem).toBe('rateLimited');
    clock.advance(3 * hour);
    expect((await new AcmeRawClient(stub).register()).problem).toBeUndefined();
    expect(stub.ledger.violations.map(({ limit }) => limit)).toEqual(['ordersPerAccount', 'accounts']);
  });

  it('an order that is still open is given again instead of a new one', async () => {
    const first = await client.order(names);
    expect((await client.order(names)).url).toBe(first.url);
    expect((await client.order([...names, 'www.example.com'])).url).not.toBe(first.url);
    expect(stub.ledger.orders).toHaveLength(2);
  });

  it('`replaces` for a certificate that is unknown, of another account, without a common name, or taken', async () => {
    await client.obtain(names);
    const replaces = stub.ledger.certificates.at(-1)?.certId ?? '';
    expect((await client.requestOrder(names, { replaces: 'AAAA.BBBB' })).problem).toBe('malformed');
    expect((await client.requestOrder(['example.net'], { replaces })).problem).toBe('malformed');
    const other = new AcmeRawClient(stub);
    await other.register();
    expect((await other.requestOrder(names, { replaces })).problem).toBe('unauthorized');
    const off = stub.faults.add({ kind: 'replacesRefused' });
    expect((await client.requestOrder(names, { replaces })).problem).toBe('alreadyReplaced');
    off();
    await client.obtain(names, { replaces });
    const again = await client.requestOrder(names, { replaces });
    expect([again.status, again.problem]).toEqual([409, 'alreadyReplaced']);
  });
});

describe('orders without need', () => {
  it('are found: the same names twice while the first certificate is good', async () => {
    await client.obtain(names);
    clock.advance(29 * day);
    await client.obtain(['EXAMPLE.com'.toLowerCase()]);
    await client.obtain(['www.example.com']);
    expect(stub.ledger.duplicates()).toMatchObject([
      { first: { order: { order: '1' } }, second: { order: { order: '2' } } },
    ]);
  });

  it('are not a renewal in time, one after a recall, or one after something unusable', async () => {
    await client.obtain(names);
    clock.advance(31 * day);
    await client.obtain(names);
    stub.recall(stub.ledger.certificates[1]?.certId ?? '');
    clock.advance(hour);
    stub.faults.add({ kind: 'wrongCertificate', how: 'foreignKey' }, { times: 1 });
    await client.obtain(names);
    stub.faults.add({ kind: 'wrongChain', how: 'truncated' }, { times: 1 });
    await client.obtain(names);
    await client.obtain(names);
    expect(stub.ledger.certificates).toHaveLength(5);
    expect(stub.ledger.duplicates()).toEqual([]);
  });
});

/** Answers that the stub looks up. */
function createSolver(answers: Map<string, string>): ChallengeSolver {
  return {
    type: 'http-01',
    present({ token, keyAuthorization }: PresentedChallenge) {
      answers.set(token, keyAuthorization);
      return Promise.resolve();
    },
    remove({ token }) {
      answers.delete(token);
      return Promise.resolve();
    },
  };
}

/** One certificate by way of the program's own client, and what that client is told about its renewal. */
async function issueWithClient(options: {
  readonly target: AcmeStub;
  readonly answers: Map<string, string>;
  readonly ca?: string;
  readonly http?: AcmeHttp;
}): Promise<{ readonly fits: boolean; readonly windowEnd: number | undefined }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-stub-'));
  onTestFinished(() => rm(stateDir, { recursive: true }));
  const ca = join(stateDir, 'roots.pem');
  await writeFile(ca, (options.ca ?? '') + options.target.roots.join(''));
  const issuer = createAcmeIssuer({
    settings: {
      directory: options.target.directoryUrl,
      email: 'ops@example.com',
      termsAccepted: true,
      profile: 'tlsserver',
      preferredChain: undefined,
      ca,
      eab: undefined,
    },
    stateDir,
    solvers: [createSolver(options.answers)],
    clock: systemClock,
    version: 'test',
    ...(options.http === undefined ? {} : { http: options.http }),
  });
  const { signal } = new AbortController();
  const { chain, key } = await issuer.issue({
    names: ['example.com'],
    challenges: ['http-01'],
    replaces: undefined,
    onStep() {},
    signal,
  });
  const fits = new X509Certificate(chain).checkPrivateKey(createPrivateKey(key));
  return { fits, windowEnd: (await issuer.renewalInfo({ chain, key }, signal))?.windowEnd };
}

describe("the gateway's own client gets a certificate", () => {
  it('in memory', async () => {
    const answers = new Map<string, string>();
    const target = await createAcmeStub({ clock: systemClock, lookup: ({ token }) => answers.get(token) });
    const issued = await issueWithClient({ target, answers, http: createStubHttp(target, systemClock) });
    expect(issued).toEqual({ fits: true, windowEnd: expect.any(Number) });
    expect(target.ledger).toMatchObject({ refusals: [], violations: [] });
  });

  it('over HTTPS', async () => {
    const answers = new Map<string, string>();
    await using server = await startAcmeStubServer({
      clock: systemClock,
      lookup: ({ token }) => answers.get(token),
    });
    const issued = await issueWithClient({ target: server.stub, answers, ca: server.serverRoot });
    expect(issued.fits).toBe(true);
    expect(server.stub.ledger.refusals).toEqual([]);
    server.stub.faults.add({ kind: 'down', how: 'refused' });
    await expect(
      issueWithClient({ target: server.stub, answers, ca: server.serverRoot }),
    ).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
  });
});

it('400 virtual days of a short-lived certificate pass in seconds', async () => {
  const startedAt = performance.now();
  let replaces: string | undefined;
  for (let next = 0; clock.now() < start + 400 * day; next = (await askRenewalInfo()).start) {
    while (clock.now() < next) {
      clock.advance(6 * hour);
      await askRenewalInfo();
    }
    await client.obtain(names, { profile: 'shortlived', ...(replaces === undefined ? {} : { replaces }) });
    replaces = stub.ledger.certificates.at(-1)?.certId;
  }
  expect(stub.ledger.certificates.length).toBeGreaterThan(110);
  expect(stub.ledger.violations).toEqual([]);
  expect(stub.ledger.refusals).toEqual([]);
  expect(stub.ledger.duplicates()).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});
