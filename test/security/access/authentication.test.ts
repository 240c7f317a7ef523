import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../../src/auth/api-key.ts';
import { createSigner, resource } from '../../auth/resource/verifier-rig.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import {
  allowedOrigin,
  domain,
  extraHost,
  protectedPath,
  publicPath,
  trustedAddress,
  type AccessCase,
} from './access-case.ts';
import {
  buildContradictions,
  buildFollowers,
  buildH2Cases,
  lockCase,
  unlockCase,
  type Opener,
} from './authentication-cases.ts';
import { buildMisplacedCases } from './credential-cases.ts';
import { forwardedCases } from './forwarded-cases.ts';
import { hostCases } from './host-cases.ts';
import { startKeyServer, type KeyServer } from './key-server.ts';
import { buildNominationCases } from './nomination-cases.ts';
import { originCases } from './origin-cases.ts';
import { pathCases } from './path-cases.ts';
import { putAll, type Upstreams } from './put.ts';

const key = createKey();
const otherKey = createKey();
const signer = await createSigner('one', Date.now());
const openCases = [...pathCases, ...forwardedCases, ...hostCases, ...originCases];
/** Without a credential of their own: a second one would make them ambiguous. */
const plainCases = [...forwardedCases, ...hostCases, ...originCases];

/** The parts of the matrix for one way to be let in. */
function buildParts(
  opener: Opener,
  others: readonly Opener[],
): readonly (readonly [string, readonly AccessCase[]])[] {
  const { kind, secret } = opener;
  return [
    ['without a credential, the whole open matrix', openCases.map(lockCase)],
    ['with it, Host, Origin and claims as before', plainCases.map((entry) => unlockCase(entry, opener))],
    ['nominated by Connection', buildNominationCases(secret)],
    // Those of a key are in the suite of credentials.
    ['misplaced', kind === 'key' ? [] : buildMisplacedCases(secret)],
    ['on a connection that was let in before', buildFollowers(opener)],
    ['contradictions', buildContradictions([opener, ...others])],
    ['over HTTP/2', buildH2Cases(opener)],
  ];
}

describe('authentication matrix (A8 to A12, with keys and tokens)', () => {
  let open: Awaited<ReturnType<typeof startScriptedUpstream>>;
  let guarded: typeof open;
  let upstreams: Upstreams;
  let keys: KeyServer;
  let token = '';
  const counts = new Map<string, number>();
  let opened = 0;
  const failures: string[] = [];

  beforeAll(async () => {
    open = await startScriptedUpstream(answerJson('{}'));
    guarded = await startScriptedUpstream(answerJson('{}'));
    upstreams = { open, guarded };
    keys = await startKeyServer([signer.publicJwk]);
    const now = Math.floor(Date.now() / 1000);
    token = await signer.sign({ iss: keys.issuer, iat: now, exp: now + 600 });
  });
  afterAll(async () => {
    await keys[Symbol.asyncDispose]();
    await Promise.all([open.stop(), guarded.stop()]);
    recordEvidence({
      id: 'T2-authentication',
      title: 'Access matrix with keys and tokens',
      cases: [...counts.values()].reduce((sum, count) => sum + count, 0),
      failures: failures.length,
      figures: Object.fromEntries(counts),
      control: `a gateway that asks for nothing let all ${opened} requests through that have no right to pass`,
    });
  });

  function startGateway(auth: unknown): Promise<GatewayProcess> {
    const upstream = `http://127.0.0.1:${guarded.port}/mcp`;
    return startGatewayProcess({
      upstreamPort: guarded.port,
      config: {
        domains: [domain],
        hosts: [extraHost],
        origins: [allowedOrigin],
        trusted_proxies: [trustedAddress],
        routes: [publicPath, protectedPath].map((path) => ({ path, upstream, auth })),
      },
    });
  }

  function buildDoors(): readonly (readonly [Opener, readonly Opener[], unknown])[] {
    const listed = [key, otherKey].map((text, at) => ({ name: `caller-${at}`, sha256: toKeyHash(text) }));
    const oauth = { issuers: [keys.issuer], audiences: [resource] };
    const byKey: Opener = { kind: 'key', secret: key };
    const byOtherKey: Opener = { kind: 'key', secret: otherKey };
    const byToken: Opener = { kind: 'token', secret: token };
    return [
      [byKey, [byOtherKey], { keys: listed }],
      [byToken, [byKey], { keys: listed, oauth }],
    ];
  }

  it('no variation gets in without the right credential, and none shows it to the upstream', async () => {
    for (const [opener, others, auth] of buildDoors()) {
      const gateway = await startGateway(auth);
      for (const [part, cases] of buildParts(opener, others)) {
        const wrong = await putAll(cases, gateway, upstreams);
        counts.set(`${opener.kind}, ${part}`, cases.length);
        failures.push(...wrong);
        expect(wrong, `${opener.kind}: ${part}`).toEqual([]);
        for (const { secret } of [opener, ...others]) expect(guarded.bytes).not.toContain(secret);
      }
      expect(gateway.complaints).toBe('');
      await gateway.clean();
    }
    expect(open.requests).toHaveLength(0);
  });

  it('control: a gateway that asks for nothing lets all of them through', async () => {
    const gateway = await startGateway('none');
    // The one with all parts; those of the other are the same requests.
    const cases = buildDoors()
      .slice(-1)
      .flatMap(([opener, others]) => buildParts(opener, others))
      .flatMap(([, part]) => part)
      .filter(({ status }) => status === 401);
    const reached = (await putAll(cases, gateway, upstreams)).filter((text) =>
      text.includes('without its key'),
    );
    opened = reached.length;
    expect(reached).toHaveLength(cases.length);
    expect(cases.length).toBeGreaterThan(1000);
    expect(guarded.bytes).toContain(key);
    await gateway.clean();
  });
});
