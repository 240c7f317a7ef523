import * as modern from '@modelcontextprotocol/client';
import * as legacy from '@modelcontextprotocol/sdk/client/auth.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  documentClient,
  issuer,
  logInAndAllow,
  resource,
  startAuthRig,
  webRedirect,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

let rig: AuthRig;
beforeAll(async () => {
  rig = await startAuthRig();
});
afterAll(() => rig.close());

/** Carries the requests of an SDK over the private socket. */
async function relayFetch(input: string | URL, init?: RequestInit): Promise<Response> {
  const asking = new Request(input, init);
  const { pathname, search } = new URL(asking.url);
  const body = asking.method === 'GET' ? undefined : await asking.text();
  const headers = Object.fromEntries(asking.headers);
  const answer = await rig.ask({
    method: asking.method,
    path: pathname + search,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return new Response(answer.body, {
    status: answer.status,
    headers: { 'Content-Type': 'application/json' },
  });
}

describe.each([
  ['1.x', legacy],
  ['2.x', modern],
] as const)('the TypeScript SDK %s', (_version, sdk) => {
  it.each(['document', 'registration'])('logs in and refreshes, by %s', async (way) => {
    const metadata = await sdk.discoverAuthorizationServerMetadata(issuer, { fetchFn: relayFetch });
    if (metadata === undefined) throw new Error('no metadata');
    const clientInformation =
      way === 'document'
        ? { client_id: documentClient }
        : await sdk.registerClient(issuer, {
            metadata,
            fetchFn: relayFetch,
            clientMetadata: {
              redirect_uris: [webRedirect],
              client_name: 'SDK',
              grant_types: ['authorization_code', 'refresh_token'],
              response_types: ['code'],
              token_endpoint_auth_method: 'none',
            },
          });
    const common = { metadata, clientInformation, resource: new URL(resource), fetchFn: relayFetch };
    const { authorizationUrl, codeVerifier } = await sdk.startAuthorization(issuer, {
      ...common,
      redirectUrl: webRedirect,
      scope: 'tools:read offline_access',
      state: 'x',
    });
    const { pathname, search } = authorizationUrl;
    const location = await logInAndAllow(rig.browser(), pathname + search);
    const answer = {
      ...common,
      // The newer one checks who answers (RFC 9207).
      iss: location.searchParams.get('iss') ?? '',
      authorizationCode: location.searchParams.get('code') ?? '',
      codeVerifier,
      redirectUri: webRedirect,
    };
    const tokens = await sdk.exchangeAuthorization(issuer, answer);
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'tools:read' });
    const { refresh_token: refreshToken = '' } = tokens;
    const next = await sdk.refreshAuthorization(issuer, { ...common, refreshToken });
    expect(next.refresh_token).toEqual(expect.any(String));
    expect(next.refresh_token).not.toBe(refreshToken);
  });
});
