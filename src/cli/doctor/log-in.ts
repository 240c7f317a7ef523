import { createServer, type Server } from 'node:http';
import * as oauth from 'openid-client';
import { createSafeFetch } from '../../auth/fetch/safe-fetch.ts';
import { configuredTargets } from '../../auth/fetch/target-policy.ts';
import { toMetadataUrl } from '../../auth/resource/metadata.ts';
import type { Target } from '../../doctor/facts.ts';
import { systemClock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readVersion } from '../../lib/version.ts';
import type { CliContext } from '../context.ts';

/** A person needs this long to find a password. */
const patience = 5 * 60_000;
const fetchDeadline = 10_000;

/**
 * Logs a person in as a client of MCP does: metadata, registration, a code by the browser, and a token for this resource alone. The token
 * is kept nowhere. Fails with what stood in the way.
 */
export async function logIn(
  target: Target,
  { ca }: { readonly ca: string | undefined },
  { io }: CliContext,
): Promise<string> {
  if (ca !== undefined) {
    throw new GatewayError('E_USAGE', '`--login` does not know the roots of `--ca`', {
      hint: 'set NODE_EXTRA_CA_CERTS to the same file',
    });
  }
  const { issuer, scopes } = await readMetadata(target);
  const callback = await listen();
  try {
    const redirect = `http://127.0.0.1:${callback.port}/callback`;
    const configuration = await register(issuer, redirect);
    const verifier = oauth.randomPKCECodeVerifier();
    const state = oauth.randomState();
    const url = oauth.buildAuthorizationUrl(configuration, {
      redirect_uri: redirect,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      resource: target.url,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    });
    io.stderr.write(`Log in at\n\n  ${url.href}\n\n`);
    const answer = await callback.answered;
    const tokens = await oauth.authorizationCodeGrant(
      configuration,
      new URL(answer, redirect),
      { pkceCodeVerifier: verifier, expectedState: state },
      { resource: target.url },
    );
    return tokens.access_token;
  } catch (error) {
    throw toFailure(error);
  } finally {
    callback.server.closeAllConnections();
    callback.server.close();
  }
}

interface Metadata {
  readonly issuer: string;
  readonly scopes: readonly string[];
}

async function readMetadata(target: Target): Promise<Metadata> {
  const url = toMetadataUrl(new URL(target.url));
  const fetch = createSafeFetch({ clock: systemClock, version: readVersion(), timeout: fetchDeadline });
  const fetched = await fetch({ url, targets: configuredTargets });
  if (!fetched.ok) {
    throw new GatewayError('E_AUTH_REQUIRED', `\`${url}\` says nothing about a login`, {
      hint: 'run `breakwater doctor` without `--login`: it says what is missing',
    });
  }
  const { authorization_servers: servers, scopes_supported: scopes } = fetched.value.json;
  const issuer: unknown = Array.isArray(servers) ? servers[0] : undefined;
  if (typeof issuer !== 'string') {
    throw new GatewayError('E_AUTH_REQUIRED', `\`${url}\` names no authorization server`, {
      hint: 'run `breakwater doctor` without `--login`: it says what is missing',
    });
  }
  return { issuer, scopes: Array.isArray(scopes) ? scopes.filter((each) => typeof each === 'string') : [] };
}

function register(issuer: string, redirect: string): Promise<oauth.Configuration> {
  const server = new URL(issuer);
  const isLocal = server.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(server.hostname);
  return oauth.dynamicClientRegistration(
    server,
    {
      client_name: 'breakwater doctor',
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    oauth.None(),
    {
      algorithm: 'oauth2',
      timeout: fetchDeadline / 1000,
      ...(isLocal ? { execute: [oauth.allowInsecureRequests] } : {}),
    },
  );
}

interface Callback {
  readonly server: Server;
  readonly port: number;
  /** Path and query with which the browser came back. */
  readonly answered: Promise<string>;
}

async function listen(): Promise<Callback> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // Rejected while nobody waits yet, it must not end the process.
  promise.catch(() => undefined);
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (!path.startsWith('/callback?')) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('Done: go back to the terminal.\n');
    resolve(path);
  });
  setTimeout(() => reject(new Error('nobody logged in within five minutes')), patience).unref();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return {
    server,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    answered: promise,
  };
}

function toFailure(error: unknown): GatewayError {
  const reason = toErrorMessage(error);
  return new GatewayError('E_AUTH_REQUIRED', `the login failed: ${reason}`, {
    hint: 'run `breakwater doctor` without `--login`: it says what stands in the way',
    cause: error,
  });
}
