import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createAcmeHttp, type AcmeHttp } from '../../src/tls/acme/acme-http.ts';
import { createAcmeIssuer } from '../../src/tls/acme/acme-issuer.ts';
import type { ChallengeType } from '../../src/tls/acme/challenge.ts';
import type { CertificateIssuer, IssuedCertificate } from '../../src/tls/automation/issuer.ts';
import { currentPebbleVersion, findCurrentPebble } from '../support/current-pebble.ts';
import { startIssuingRig, type IssuingRig } from '../support/issuing-rig.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';
import { programsAreMandatory, toProgramPath } from '../support/programs.ts';

const program = findCurrentPebble();
/** Where programs are mandatory, a missing one fails in `beforeAll`. */
const isExcused = program.kind === 'missing' && !programsAreMandatory;
const title = `Pebble ${currentPebbleVersion}${isExcused ? ` did not run: ${program.reason}` : ''}`;

if (isExcused) console.warn(title);

const hour = 3_600_000;
const day = 24 * hour;
const profiles = {
  classic: { description: 'as always', validityPeriod: 90 * 86_400, promoteCommonName: true },
  shortlived: { description: 'for six days', validityPeriod: 6 * 86_400 },
};

let pebble: Pebble;
let rig: IssuingRig;

const renewalInfo = (
  issuer: CertificateIssuer,
  issued: IssuedCertificate,
): ReturnType<typeof issuer.renewalInfo> => issuer.renewalInfo(issued, AbortSignal.timeout(10_000));

function toLifetime({ chain }: IssuedCertificate): number {
  const { validFrom, validTo } = new X509Certificate(chain);
  return Date.parse(validTo) - Date.parse(validFrom) + 1000;
}

/** The leaf alone, as PEM. */
function toLeaf({ chain }: IssuedCertificate): string {
  return new X509Certificate(chain).toString();
}

interface SentOrder {
  readonly replaces: unknown;
  readonly profile: unknown;
  readonly answer: unknown;
}

/** An issuer whose orders can be read, and whose directory can be made to offer more than it does. */
async function createWatchedIssuer(
  settings: { readonly profile?: string; readonly offered?: string } = {},
): Promise<{ issuer: CertificateIssuer; orders: SentOrder[]; http: AcmeHttp }> {
  const orders: SentOrder[] = [];
  const roots = await readFile(pebble.rootFile, 'utf8');
  const real = createAcmeHttp({ roots, version: 'test', allowPlainLoopback: false, clock: systemClock });
  const http: AcmeHttp = {
    async send(request) {
      const response = await real.send(request);
      if (request.url === pebble.directory && settings.offered !== undefined) {
        return { ...response, body: response.body.replace('"profiles": {', `$&"${settings.offered}": "x",`) };
      }
      if (request.url.endsWith('/order-plz')) orders.push(readOrder(request.body, response.body));
      return response;
    },
    close: () => real.close(),
  };
  const issuer = createAcmeIssuer({
    settings: {
      directory: pebble.directory,
      title: 'Pebble',
      email: undefined,
      termsAccepted: true,
      profile: settings.profile ?? 'classic',
      preferredChain: undefined,
      ca: pebble.rootFile,
      eab: undefined,
    },
    stateDir: rig.stateDir,
    solvers: rig.solvers,
    clock: systemClock,
    version: 'test',
    http,
  });
  return { issuer, orders, http };
}

function readOrder(body: string | undefined, answer: string): SentOrder {
  // Both were written by programs that are known to write JSON objects.
  const { payload } = JSON.parse(body ?? '{}') as { payload: string };
  const sent = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
  const { type, status } = JSON.parse(answer) as Record<string, unknown>;
  return { replaces: sent['replaces'], profile: sent['profile'], answer: type ?? status };
}

describe.skipIf(isExcused)(title, () => {
  beforeAll(async () => {
    pebble = await startPebble({
      program: toProgramPath(program),
      config: { profiles, retryAfter: { authz: 1, order: 1 }, keyAlgorithm: 'ecdsa' },
    });
  });
  // It is not there when it could not be started.
  afterAll(() => pebble?.stop());
  beforeEach(async () => {
    rig = await startIssuingRig(pebble);
  });
  afterEach(() => rig.stop());

  it.each([['http-01'], ['tls-alpn-01'], ['dns-01']] as const satisfies [ChallengeType][])(
    'issues over %s, beside challenges of which the client knows nothing',
    async (challenge) => {
      const issuer = rig.createIssuer({ profile: 'classic' });
      const issued = await rig.issue(['mcp.example.com'], { issuer, challenges: [challenge] });
      const leaf = new X509Certificate(issued.chain);
      expect(leaf.subjectAltName).toBe('DNS:mcp.example.com');
      expect(toLifetime(issued)).toBe(90 * day);
    },
  );

  it('issues the short-lived profile on request, and for addresses without one', async () => {
    const issuer = rig.createIssuer({ profile: 'shortlived' });
    expect(toLifetime(await rig.issue(['mcp.example.com'], { issuer }))).toBe(6 * day);
    const address = await rig.issue(['127.0.0.1']);
    expect(new X509Certificate(address.chain).subjectAltName).toBe('IP Address:127.0.0.1');
    expect(toLifetime(address)).toBe(6 * day);
  });

  it('says which profiles there are when the configured one is not offered', async () => {
    const issuer = rig.createIssuer({ profile: 'tlsserver' });
    await expect(rig.issue(['mcp.example.com'], { issuer })).rejects.toMatchObject({
      code: 'E_ACME_REFUSED',
      message: expect.stringMatching(/`tlsserver`.*`classic`, `shortlived`/) as string,
    });
  });

  it("gives Pebble's reason when it refuses a profile that its directory offered", async () => {
    const { issuer, orders, http } = await createWatchedIssuer({ profile: 'gone', offered: 'gone' });
    await expect(rig.issue(['mcp.example.com'], { issuer })).rejects.toMatchObject({
      code: 'E_ACME_REFUSED',
      message: expect.stringContaining('unrecognized profile name') as string,
    });
    expect(orders).toMatchObject([{ profile: 'gone', answer: 'urn:ietf:params:acme:error:invalidProfile' }]);
    http.close();
  });

  it('tells the window in which to renew, for both lifetimes', async () => {
    for (const [profile, lifetime] of [
      ['classic', 90 * day],
      ['shortlived', 6 * day],
    ] as const) {
      const issuer = rig.createIssuer({ profile });
      const issued = await rig.issue(['mcp.example.com'], { issuer });
      const ideal = Date.parse(new X509Certificate(issued.chain).validTo) - lifetime / 3;
      const info = await renewalInfo(issuer, issued);
      expect(Math.abs((info?.windowStart ?? 0) - (ideal - day))).toBeLessThan(5000);
      expect(Math.abs((info?.windowEnd ?? 0) - (ideal + day))).toBeLessThan(5000);
      expect(info?.retryAfter).toBe(6 * hour);
    }
  });

  it('tells a window that was moved, as before a revocation, with its explanation', async () => {
    const issuer = rig.createIssuer({ profile: 'classic' });
    const issued = await rig.issue(['mcp.example.com'], { issuer });
    const other = await rig.issue(['www.example.com'], { issuer });
    const explanationURL = 'https://example.com/incident';
    const suggestedWindow = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' };
    await pebble.setRenewalInfo(toLeaf(issued), JSON.stringify({ suggestedWindow, explanationURL }));
    expect(await renewalInfo(issuer, issued)).toEqual({
      windowStart: Date.UTC(2026, 0, 1),
      windowEnd: Date.UTC(2026, 0, 2),
      explanationUrl: explanationURL,
      retryAfter: 6 * hour,
    });
    const untouched = await renewalInfo(issuer, other);
    expect(untouched?.windowStart).toBeGreaterThan(Date.now());
  });

  it.each([
    [
      'a window that ends before it begins',
      '{"suggestedWindow":{"start":"2026-02-02T00:00:00Z","end":"2026-02-01T00:00:00Z"}}',
    ],
    ['a window without dates', '{"suggestedWindow":{"start":"soon","end":"later"}}'],
    ['no window', '{}'],
    ['half of an object', '{"suggestedWindow":'],
  ])('believes nothing that is nonsense: %s', async (_what, answer) => {
    const issuer = rig.createIssuer({ profile: 'classic' });
    const issued = await rig.issue(['mcp.example.com'], { issuer });
    await pebble.setRenewalInfo(toLeaf(issued), answer);
    await expect(renewalInfo(issuer, issued)).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
  });

  it('takes the place of the certificate before, once, and is issued nevertheless when that was taken', async () => {
    const { issuer, orders, http } = await createWatchedIssuer();
    const first = await rig.issue(['mcp.example.com'], { issuer });
    const second = await rig.issue(['mcp.example.com'], { issuer, replaces: first });
    const third = await rig.issue(['mcp.example.com'], { issuer, replaces: first });
    const serials = [first, second, third].map(({ chain }) => new X509Certificate(chain).serialNumber);
    expect(new Set(serials).size).toBe(3);
    const replaces = expect.stringMatching(/^[\w-]+\.[\w-]+$/) as string;
    // Told not to, it uses one authorization of a hundred again.
    const taken = expect.stringMatching(/^(?:pending|ready)$/) as string;
    expect(orders).toMatchObject([
      { replaces: undefined, answer: taken },
      { replaces, answer: taken },
      { replaces, answer: 'urn:ietf:params:acme:error:alreadyReplaced' },
      { replaces: undefined, answer: taken },
    ]);
    http.close();
  });
});
