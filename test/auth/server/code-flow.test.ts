import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizePath,
  createPkce,
  documentClient,
  issuer,
  logInAndAllow,
  redeem,
  resource,
  startAuthRig,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

let rig: AuthRig;
beforeAll(async () => {
  rig = await startAuthRig();
});
afterAll(() => rig.close());

describe('the code flow of a client with a metadata document', () => {
  it('issues a JWT for the resource after login and consent', async () => {
    const pkce = createPkce();
    const location = await logInAndAllow(rig.browser(), authorizePath(pkce));
    expect(location.searchParams.get('state')).toBe('state-of-the-client');
    expect(location.searchParams.get('iss')).toBe(issuer);
    const answer = await redeem(rig, { code: location.searchParams.get('code') ?? '', pkce });
    expect(answer.status, answer.body).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'tools:read' });
    const token = String(answer.json['access_token']);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    const keys = createLocalJWKSet(rig.server.jwks() as JSONWebKeySet);
    const { payload } = await jwtVerify(token, keys, { issuer, audience: resource });
    expect(payload).toMatchObject({ sub: 'alice', client_id: documentClient, scope: 'tools:read' });
    expect(payload['grant']).toEqual(expect.any(String));
  });
});
