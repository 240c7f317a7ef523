import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../../src/auth/api-key.ts';
import { createUnfitKeys, type TokenMint } from '../../auth/resource/bad-token.ts';
import { buildBadTokens } from '../../auth/resource/bad-tokens.ts';
import { createSigner, resource, type Signer } from '../../auth/resource/verifier-rig.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import { buildRequest, domain, expectForwarded, protectedPath, type AccessCase } from './access-case.ts';
import { buildCredentialCases } from './credential-cases.ts';
import { startKeyServer, type KeyServer } from './key-server.ts';
import { startNaiveFront } from './naive-front.ts';
import { putAll, type Upstreams } from './put.ts';

const tokenPath = '/tokens';
const key = createKey();
const credentialCases = buildCredentialCases(key);

/** Tokens that a head can carry at all, each as one request. */
async function buildTokenCases(mint: TokenMint): Promise<readonly AccessCase[]> {
  const bad = await buildBadTokens(mint);
  return (
    bad
      // eslint-disable-next-line no-control-regex
      .filter(({ text }) => !/[\0-\x1f]/.test(text) && text.length < 9000 && text.trim() === text)
      .map(({ name, text }) => ({
        attack: 'token',
        name,
        request: buildRequest({ target: tokenPath, fields: `Authorization: Bearer ${text}\r\n` }),
        status: 401,
        forwarded: undefined,
      }))
  );
}

describe('credentials that do not count (A14, and the authentication half of the matrix)', () => {
  let open: Awaited<ReturnType<typeof startScriptedUpstream>>;
  let guarded: Awaited<ReturnType<typeof startScriptedUpstream>>;
  let upstreams: Upstreams;
  let signer: Signer;
  let keys: KeyServer;
  let gateway: GatewayProcess;
  let tokenCases: readonly AccessCase[] = [];
  let controlCount = 0;
  const failures: string[] = [];

  beforeAll(async () => {
    open = await startScriptedUpstream(answerJson('{}'));
    guarded = await startScriptedUpstream(answerJson('{}'));
    upstreams = { open, guarded };
    signer = await createSigner('one', Date.now());
    const unfit = createUnfitKeys();
    keys = await startKeyServer([signer.publicJwk, ...unfit.published]);
    tokenCases = await buildTokenCases({
      issuer: keys.issuer,
      resource,
      seconds: Math.floor(Date.now() / 1000),
      signer,
      stranger: await createSigner('one', Date.now()),
      unfit,
    });
    const upstream = `http://127.0.0.1:${guarded.port}/mcp`;
    gateway = await startGatewayProcess({
      upstreamPort: open.port,
      config: {
        domains: [domain],
        routes: [
          {
            path: protectedPath,
            upstream,
            auth: { keys: [{ name: 'test', sha256: toKeyHash(key) }] },
          },
          {
            path: tokenPath,
            upstream,
            auth: {
              oauth: {
                issuers: [{ issuer: keys.issuer, algorithms: ['ES256', 'RS256'] }],
                audiences: [resource],
                clock_skew: '0s',
              },
            },
          },
        ],
      },
    });
  });
  afterAll(async () => {
    await gateway.clean();
    await keys[Symbol.asyncDispose]();
    await Promise.all([open.stop(), guarded.stop()]);
    recordEvidence({
      id: 'T2-credentials',
      title: 'Access matrix: credentials and tokens that do not count',
      cases: credentialCases.length + tokenCases.length,
      failures: failures.length,
      figures: { 'credential cases': credentialCases.length, 'token cases': tokenCases.length },
      control: `a naive front let ${controlCount} of the credentials in that a gateway refuses; good ones of both kinds pass`,
    });
  });

  it(`misplaced-credential: ${credentialCases.length} ways to show a key`, async () => {
    const wrong = await putAll(credentialCases, gateway, upstreams);
    failures.push(...wrong);
    expect(wrong).toEqual([]);
    expect(guarded.bytes).not.toContain(key);
    expect(gateway.complaints).toBe('');
  });

  it('bad-token: none of them opens anything', async () => {
    expect(tokenCases.length).toBeGreaterThan(300);
    const wrong = await putAll(tokenCases, gateway, upstreams);
    failures.push(...wrong);
    expect(wrong).toEqual([]);
    expect(gateway.complaints).toBe('');
  });

  it('control: a good token opens the route, and its upstream does not see it', async () => {
    const now = Math.floor(Date.now() / 1000);
    const token = await signer.sign({ iss: keys.issuer, iat: now, exp: now + 60 });
    const admitted: AccessCase = {
      attack: 'token',
      name: 'a good token',
      request: buildRequest({ target: tokenPath, fields: `Authorization: Bearer ${token}\r\n` }),
      status: 200,
      forwarded: expectForwarded(),
      hasKey: true,
    };
    expect(await putAll([admitted], gateway, upstreams)).toEqual([]);
    expect(guarded.bytes).not.toContain(token);
  });

  it('control: a naive front lets some of them in', async () => {
    await using front = await startNaiveFront(upstreams, key);
    controlCount = (await putAll(credentialCases, front, upstreams)).filter((text) =>
      text.includes('without its key'),
    ).length;
    expect(controlCount).toBeGreaterThan(3);
  });
});
