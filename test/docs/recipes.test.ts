import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FetchFailure } from '../../src/auth/fetch/fetch-failure.ts';
import type { FetchedDocument, SafeFetch } from '../../src/auth/fetch/safe-fetch.ts';
import type { JsonObject } from '../../src/lib/json.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { createIssuerKeys } from '../../src/auth/resource/issuer-keys.ts';
import { createTokenVerifier, type TokenVerifier } from '../../src/auth/resource/token-verifier.ts';
import { compileRules } from '../../src/auth/rules/compile.ts';
import { decide } from '../../src/auth/rules/decide.ts';
import type { Config, OAuthConfig } from '../../src/config/config.ts';
import { buildResourceDocuments } from '../../src/gateway/access/resource-documents.ts';
import { fail, ok } from '../../src/lib/result.ts';
import { configOf } from '../config/load-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { readBlocks } from './documents.ts';
import { providerShapes, type ProviderShape } from './provider-shapes.ts';

const now = 1_800_000_000_000;
const kid = 'a-key-of-the-provider';
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
});

interface Recipe {
  readonly config: Config;
  readonly verifier: TokenVerifier;
  readonly sign: (changes?: JWTPayload) => Promise<string>;
}

/** The configuration of a page, before a provider that answers as the real one does. */
async function setUp({ page, block, issuer, metadataUrl, header, claims }: ProviderShape): Promise<Recipe> {
  const text = readBlocks(`docs/recipes/${page}`, 'yaml')[block]?.text;
  const config = await configOf(text);
  const clock = new ManualClock(now);
  const jwksUri = `${issuer}/the-keys`;
  const answers = new Map<string, JsonObject>([
    [metadataUrl, { issuer, jwks_uri: jwksUri }],
    [jwksUri, { keys: [{ ...(await exportJWK(keys.publicKey)), kid, use: 'sig', alg: 'RS256' }] }],
  ]);
  const fetch: SafeFetch = async ({ url }) => {
    await Promise.resolve();
    const json = answers.get(url);
    return json === undefined
      ? fail<FetchFailure>({ kind: 'unreachable' })
      : ok<FetchedDocument>({ json, freshFor: undefined });
  };
  const verifier = createTokenVerifier({
    resource: new URL('https://mcp.example.com/mcp'),
    oauth: oauthOf(config),
    own: undefined,
    keysOf: createIssuerKeys({ clock, fetch }),
    fetch,
    clock,
    onProblem(error) {
      throw error;
    },
  });
  return {
    config,
    verifier,
    sign: (changes = {}) =>
      new SignJWT({ iat: now / 1000, exp: now / 1000 + 600, ...claims, ...changes })
        .setProtectedHeader({ ...header, kid })
        .sign(keys.privateKey),
  };
}

function oauthOf({ routes }: Config): OAuthConfig {
  const auth = routes[0]?.auth;
  if (auth?.kind !== 'required' || auth.oauth === undefined) throw new Error('the page has no OAuth');
  return auth.oauth;
}

describe.each(providerShapes.map((shape) => [`${shape.page}, ${shape.issuer}`, shape] as const))(
  'the recipe %s',
  (_name, shape) => {
    it('understands the tokens of the provider', async () => {
      const { config, verifier, sign } = await setUp(shape);
      const principal = await admit(verifier, await sign());
      expect(principal).toMatchObject({ ...shape.expected, issuer: shape.issuer });
      for (const scope of oauthOf(config).requiredScopes) expect(principal.scopes).toContain(scope);
    });

    it('has rules that let in whom the page says', async () => {
      const { config, verifier, sign } = await setUp(shape);
      const principal = await admit(verifier, await sign());
      const rules = config.routes[0]?.rules;
      const decisionOn = (name: string): string =>
        rules === undefined
          ? 'no rules'
          : decide(compileRules(rules), { principal, method: 'tools/call', kind: 'tool', name }).kind;
      for (const tool of shape.allowed) expect(decisionOn(tool), tool).toBe('allow');
      for (const tool of shape.denied) expect(decisionOn(tool), tool).toBe('deny');
    });

    it.each(shape.outsiders)('has rules that keep others out: %j', async (changes) => {
      const { config, verifier, sign } = await setUp(shape);
      const principal = await admit(verifier, await sign(changes));
      const rules = compileRules(config.routes[0]?.rules ?? []);
      const kinds = shape.allowed.map(
        (name) => decide(rules, { principal, method: 'tools/call', kind: 'tool', name }).kind,
      );
      const isReadOnly = config.routes[0]?.rules?.some(({ who }) => who.groups.length === 0) === true;
      // Keycloak's page lets everybody read; nobody but its group gets further.
      expect(isReadOnly && shape.page === 'keycloak.md' ? kinds.at(-1) : kinds.join()).toMatch(
        /^deny(,deny)*$/,
      );
    });

    it.each(shape.mistakes)('refuses what comes of a mistake: %s', async (_what, changes, refusal) => {
      const { verifier, sign } = await setUp(shape);
      expect(await verifier.verify(await sign(changes))).toEqual({ kind: 'refused', refusal });
    });

    it('tells clients which scopes to ask for', async () => {
      const { config } = await setUp(shape);
      const [document = '{}'] = buildResourceDocuments(config).values();
      expect(JSON.parse(document)).toMatchObject({
        resource: 'https://mcp.example.com/mcp',
        authorization_servers: [shape.issuer],
        scopes_supported: shape.advertised,
      });
    });
  },
);

async function admit(verifier: TokenVerifier, token: string): Promise<Principal> {
  const verdict = await verifier.verify(token);
  if (verdict.kind !== 'accepted') throw new Error(JSON.stringify(verdict));
  return verdict.principal;
}
