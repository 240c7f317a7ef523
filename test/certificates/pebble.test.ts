import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { IssueError, type IssuedCertificate } from '../../src/tls/automation/issuer.ts';
import { toFacts } from '../../src/tls/tls-material.ts';
import { issueLimitMs, startIssuingRig, type IssuingRig } from '../support/issuing-rig.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';

let pebble: Pebble;
let rig: IssuingRig;

const macKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';

function usePebble(options: Parameters<typeof startPebble>[0] = {}): void {
  beforeAll(async () => {
    pebble = await startPebble(options);
  });
  afterAll(() => pebble.stop());
  beforeEach(async () => {
    rig = await startIssuingRig(pebble);
  });
  afterEach(() => rig.stop());
}

function toNames({ chain }: IssuedCertificate): readonly string[] {
  return toFacts(new X509Certificate(chain)).names;
}

async function failureOf(attempt: Promise<unknown>): Promise<IssueError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof IssueError) return error;
  throw new Error('did not fail with an IssueError', { cause: error });
}

/** What a client that trusts only the authority's root gets from a server with the certificate. */
async function fetchWith(issued: IssuedCertificate, root: string): Promise<string> {
  const server = createServer({ cert: issued.chain, key: issued.key }, (_request, response) => {
    response.end('served');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await new Promise((resolve, reject) => {
      // `address()` is a string only for sockets on a path.
      const { port } = server.address() as { port: number };
      const options = { port, host: '127.0.0.1', servername: 'mcp.example.com', ca: root, agent: false };
      request(options, (response) => {
        response.setEncoding('utf8').once('data', resolve);
      })
        .once('error', reject)
        .end();
    });
  } finally {
    server.close();
  }
}

describe('real Pebble', () => {
  usePebble();

  it('issues over http-01 a certificate that clients of its root accept', async () => {
    const issued = await rig.issue(['mcp.example.com']);
    expect(toNames(issued)).toEqual(['mcp.example.com']);
    expect(await fetchWith(issued, await pebble.issuedRoot())).toBe('served');
    expect(rig.steps).toEqual(['account', 'order', 'challenge', 'issue', 'download']);
  });

  it('issues over tls-alpn-01', async () => {
    const issued = await rig.issue(['mcp.example.com', 'www.example.com'], { challenges: ['tls-alpn-01'] });
    expect(toNames(issued).toSorted()).toEqual(['mcp.example.com', 'www.example.com']);
    expect(new Set(rig.serverNames)).toEqual(new Set(['mcp.example.com', 'www.example.com']));
  });

  it('issues a wildcard together with its domain over dns-01 by a command', async () => {
    const issued = await rig.issue(['*.example.com', 'example.com'], { challenges: ['http-01', 'dns-01'] });
    expect(toNames(issued).toSorted()).toEqual(['*.example.com', 'example.com']);
    const both = await rig.issue(['*.example.org', 'example.org'], { challenges: ['dns-01'] });
    expect(toNames(both).toSorted()).toEqual(['*.example.org', 'example.org']);
    expect(rig.cleanupErrors).toEqual([]);
  });

  it('issues for an address over http-01', async () => {
    expect(toNames(await rig.issue(['127.0.0.1']))).toEqual(['127.0.0.1']);
  });

  it('issues for an address over tls-alpn-01, where the validator sends the reverse name', async () => {
    expect(toNames(await rig.issue(['127.0.0.1'], { challenges: ['tls-alpn-01'] }))).toEqual(['127.0.0.1']);
    expect(new Set(rig.serverNames)).toEqual(new Set(['1.0.0.127.in-addr.arpa']));
  });

  it('takes a new key for each certificate', async () => {
    const first = await rig.issue(['mcp.example.com']);
    const second = await rig.issue(['mcp.example.com']);
    expect(second.key).not.toBe(first.key);
  });

  it('keeps one account for orders that begin together', async () => {
    await Promise.all([rig.issue(['a.example.com']), rig.issue(['b.example.com'])]);
    const { url } = await readAccount();
    await rig.issue(['c.example.com']);
    expect((await readAccount()).url).toBe(url);
    expect((await stat(rig.accountFile)).mode & 0o777).toBe(0o600);
  });

  it('tells the authority a new address', async () => {
    await rig.issue(['mcp.example.com'], { issuer: rig.createIssuer({ email: 'one@example.com' }) });
    const { url } = await readAccount();
    await rig.issue(['mcp.example.com'], { issuer: rig.createIssuer({ email: 'two@example.com' }) });
    expect(await readAccount()).toMatchObject({ url, email: 'two@example.com' });
  });

  it('says that the authority rejects the address', async () => {
    const issuer = rig.createIssuer({ email: 'no address' });
    expect((await failureOf(rig.issue(['mcp.example.com'], { issuer }))).code).toBe('E_ACME_ACCOUNT');
  });

  it('finds the account again after a crash between key and registration', async () => {
    await rig.issue(['mcp.example.com']);
    const { url, key } = await readAccount();
    await writeFile(rig.accountFile, JSON.stringify({ key }));
    // Finding again needs neither the terms nor a new account.
    await rig.issue(['mcp.example.com'], { issuer: rig.createIssuer({ termsAccepted: false }) });
    expect((await readAccount()).url).toBe(url);
  });

  it('registers the same key again with an authority that has lost its accounts', async () => {
    await rig.issue(['mcp.example.com']);
    const { url } = await readAccount();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeFile(rig.accountFile, JSON.stringify({ key, url: url.replace(/[^/]+$/, '4711') }));
    expect(toNames(await rig.issue(['mcp.example.com']))).toEqual(['mcp.example.com']);
    expect(await readAccount()).toMatchObject({ key, url: expect.not.stringMatching(/4711$/) as string });
  });

  it('sets a damaged account aside and makes a new one', async () => {
    await rig.issue(['mcp.example.com']);
    await writeFile(rig.accountFile, '{"key":"-----BEGIN');
    await rig.issue(['mcp.example.com']);
    expect(await readFile(`${rig.accountFile}.damaged`, 'utf8')).toBe('{"key":"-----BEGIN');
  });

  it('makes no account without the terms', async () => {
    const issuer = rig.createIssuer({ termsAccepted: false });
    const error = await failureOf(rig.issue(['mcp.example.com'], { issuer }));
    expect(error.code).toBe('E_ACME_TERMS');
    expect(error.message).toMatch(/are not accepted: \S+/);
    await expect(readFile(rig.accountFile)).rejects.toThrow('ENOENT');
  });

  it("gives the authority's reason when a name cannot be verified, and takes all answers away", async () => {
    const [http] = rig.solvers;
    const deaf = { ...http, type: 'http-01' as const, present: () => Promise.resolve() };
    const removed: string[] = [];
    const issuer = rig.createIssuer({}, [
      { ...deaf, remove: ({ name }) => Promise.resolve(void removed.push(name)) },
    ]);
    const error = await failureOf(rig.issue(['mcp.example.com', 'www.example.com'], { issuer }));
    expect(error.code).toBe('E_ACME_CHALLENGE');
    expect(error.message).toMatch(/^Pebble could not verify `\w+\.example\.com` over http-01: .*404/);
    expect(removed.toSorted()).toEqual(['mcp.example.com', 'www.example.com']);
  });

  it('says which challenges would be possible for a wildcard', async () => {
    const error = await failureOf(rig.issue(['*.example.com'], { challenges: ['http-01', 'tls-alpn-01'] }));
    expect(error.code).toBe('E_ACME_CHALLENGE');
    expect(error.message).toContain('offers `dns-01` to verify `*.example.com`');
  });

  it('refuses an authority whose HTTPS certificate is not from the given root', async () => {
    const issuer = rig.createIssuer({ ca: undefined });
    const error = await failureOf(rig.issue(['mcp.example.com'], { issuer }));
    expect(error.code).toBe('E_ACME_UNREACHABLE');
    expect(error.message).toContain('is not trusted here');
  });

  it('names the profiles when the configured one is not offered', async () => {
    const issuer = rig.createIssuer({ profile: 'tlsserver' });
    const error = await failureOf(rig.issue(['mcp.example.com'], { issuer }));
    expect(error.code).toBe('E_ACME_REFUSED');
    expect(error.message).toContain('none at all');
  });

  it('stops at any step when it is no longer wanted', async () => {
    for (const last of ['account', 'order', 'challenge', 'issue', 'download']) {
      const controller = new AbortController();
      const issuer = rig.createIssuer();
      const attempt = issuer.issue({
        names: ['mcp.example.com'],
        challenges: ['http-01'],
        replaces: undefined,
        onStep: (step) => {
          if (step === last) controller.abort(new Error(`stopped at ${step}`));
        },
        signal: controller.signal,
      });
      await expect(attempt).rejects.toThrow(`stopped at ${last}`);
    }
  });

  it('gives no renewal information where the directory has none', async () => {
    const issuer = rig.createIssuer();
    const issued = await rig.issue(['mcp.example.com'], { issuer });
    expect(await issuer.renewalInfo(issued, AbortSignal.timeout(5000))).toBeUndefined();
  });
});

describe('Pebble that binds accounts', () => {
  usePebble({ bindings: { 'kid-1': macKey } });

  it('takes an account with its external binding', async () => {
    const issuer = rig.createIssuer({ eab: { kid: 'kid-1', hmacKey: macKey } });
    expect(toNames(await rig.issue(['mcp.example.com'], { issuer }))).toEqual(['mcp.example.com']);
  });

  it('control: says that the binding is missing, or wrong', async () => {
    expect((await failureOf(rig.issue(['mcp.example.com']))).code).toBe('E_ACME_ACCOUNT');
    const issuer = rig.createIssuer({ eab: { kid: 'kid-1', hmacKey: macKey.replace('z', 'y') } });
    expect((await failureOf(rig.issue(['mcp.example.com'], { issuer }))).code).toMatch(/^E_ACME_/);
  });
});

describe('Pebble with several roots', () => {
  usePebble({ alternateRoots: 2 });

  it('takes the chain that leads to the preferred root', async () => {
    for (const index of [0, 1, 2]) {
      const root = await pebble.issuedRoot(index);
      const preferredChain = new X509Certificate(root).subject.replace(/^CN=/, '');
      const issued = await rig.issue(['mcp.example.com'], { issuer: rig.createIssuer({ preferredChain }) });
      expect(await fetchWith(issued, root)).toBe('served');
    }
  });

  it('control: another root does not vouch for it', async () => {
    const issued = await rig.issue(['mcp.example.com']);
    await expect(fetchWith(issued, await pebble.issuedRoot(1))).rejects.toThrow('unable to');
  });

  it("takes the authority's choice when no chain leads there", async () => {
    const issuer = rig.createIssuer({ preferredChain: 'Unknown Root' });
    const issued = await rig.issue(['mcp.example.com'], { issuer });
    expect(await fetchWith(issued, await pebble.issuedRoot())).toBe('served');
  });
});

describe('Pebble that rejects half of all nonces and reuses half of all authorizations', () => {
  usePebble({ nonceReject: 50, reuse: 50 });

  it('issues 20 of 20 times, each within the limit', async () => {
    const durations: number[] = [];
    for (let run = 0; run < 20; run += 1) {
      const start = performance.now();
      const challenges = [run % 2 === 0 ? ('http-01' as const) : ('tls-alpn-01' as const)];
      const issued = await rig.issue(['mcp.example.com'], { challenges });
      durations.push(performance.now() - start);
      expect(toNames(issued)).toEqual(['mcp.example.com']);
    }
    console.info(`slowest of 20 issues: ${Math.round(Math.max(...durations))} ms`);
    expect(durations).toHaveLength(20);
    expect(Math.max(...durations)).toBeLessThan(issueLimitMs);
  });
});

async function readAccount(): Promise<{ url: string; key: string; email?: string }> {
  return JSON.parse(await readFile(rig.accountFile, 'utf8')) as { url: string; key: string; email?: string };
}
