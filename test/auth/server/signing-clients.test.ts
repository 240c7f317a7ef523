import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../../support/auth-browser.ts';
import { ok } from '../../../src/lib/result.ts';
import {
  authorizePath,
  createPkce,
  issuer,
  logInAndAllow,
  redeem,
  startAuthRig,
  webRedirect,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

const clientId = 'https://app.example.com/signing.json';
const keysUrl = 'https://app.example.com/keys.json';
const asked: string[] = [];
let rig: AuthRig;
let key: CryptoKey;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  key = pair.privateKey;
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }];
  rig = await startAuthRig({
    loadClientMetadata: async () =>
      ok({
        clientId,
        clientName: 'Signing App',
        redirectUris: [webRedirect],
        grantTypes: [],
        scope: undefined,
        authentication: { kind: 'private_key_jwt', keys: undefined, keysUrl },
      }),
    fetchJson: async ({ url, targets }) => {
      asked.push(`${url} ${targets.onlyPublicNames ? 'public' : 'any'}`);
      return ok({ json: { keys }, freshFor: 600_000 });
    },
  });
});
afterAll(() => rig.close());

async function sign(claims: JWTPayload = {}, signingKey: CryptoKey = key): Promise<string> {
  return new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(signingKey);
}

async function logIn(assertion: string | undefined): Promise<Answer> {
  const pkce = createPkce();
  const location = await logInAndAllow(rig.browser(), authorizePath(pkce, { client_id: clientId }));
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  const changes = {
    client_id: clientId,
    client_assertion: assertion,
    client_assertion_type: assertion === undefined ? undefined : type,
  };
  return redeem(rig, { code: location.searchParams.get('code') ?? '', pkce, changes });
}

describe('clients that sign', () => {
  it('get tokens; their keys come through the guarded fetcher', async () => {
    const answer = await logIn(await sign());
    expect(answer.status, answer.body).toBe(200);
    expect(asked).toEqual([`${keysUrl} public`]);
  });

  it('client-impersonation: nobody gets tokens without the signature', async () => {
    const stranger = await generateKeyPair('ES256');
    const attempts: readonly (readonly [string, string | undefined])[] = [
      ['none', undefined],
      ['another key', await sign({}, stranger.privateKey)],
      ['another server', await sign({ aud: 'https://evil.example.net' })],
      ['another client', await sign({ iss: 'https://evil.example.net/client.json' })],
      ['no id', await sign({ jti: '' })],
    ];
    for (const [name, assertion] of attempts) {
      const answer = await logIn(assertion);
      expect(answer.status, name).toBe(401);
      expect(answer.json['error'], name).toBe('invalid_client');
    }
  });

  it('assertion-replay: a signature counts once', async () => {
    const assertion = await sign();
    expect((await logIn(assertion)).status).toBe(200);
    expect((await logIn(assertion)).json['error']).toBe('invalid_client');
  });
});
