import { hash } from 'node:crypto';
import { toErrorMessage } from '../../lib/error-message.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { ProviderFetch } from '../fetch/provider-fetch.ts';
import type { Profile } from './admission.ts';
import type { GithubLogin } from './server-options.ts';
import type { UpstreamLogin } from './upstream-login.ts';

const AUTHORIZE = 'https://github.com/login/oauth/authorize';
const TOKEN = 'https://github.com/login/oauth/access_token';
const API = 'https://api.github.com';
const TIMEOUT_MILLISECONDS = 10_000;

/** Login through a GitHub OAuth app. GitHub is no OpenID provider: who it is, its API says. */
export function createGithubLogin(
  login: GithubLogin,
  options: { readonly redirectUri: string; readonly fetch: ProviderFetch },
): UpstreamLogin {
  const { redirectUri } = options;

  async function ask(url: string, init: RequestInit): Promise<unknown> {
    const response = await options.fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
    return response.json();
  }

  async function redeem(code: string, verifier: string): Promise<string | undefined> {
    const body = new URLSearchParams({
      client_id: login.clientId,
      client_secret: login.clientSecret,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    const answer = await ask(TOKEN, { method: 'POST', headers: { Accept: 'application/json' }, body });
    return textOf(answer, 'access_token');
  }

  async function readUser(token: string): Promise<Result<Profile, string>> {
    const headers = { Authorization: `Bearer ${token}`, Accept: 'application/vnd.github+json' };
    const user = await ask(`${API}/user`, { headers });
    const name = textOf(user, 'login');
    const id = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined;
    if (name === undefined || typeof id !== 'number') return fail('GitHub did not say who the user is');
    const groups = login.allow.organizations.length > 0 ? await readOrganizations(headers) : [];
    return ok({ id: String(id), name, email: undefined, groups });
  }

  async function readOrganizations(headers: Record<string, string>): Promise<readonly string[]> {
    const list = await ask(`${API}/user/orgs?per_page=100`, { headers });
    if (!Array.isArray(list)) return [];
    return list.map((entry) => textOf(entry, 'login')).filter((name) => name !== undefined);
  }

  return {
    label: 'GitHub',
    async start({ state, verifier }) {
      const url = new URL(AUTHORIZE);
      url.search = new URLSearchParams({
        client_id: login.clientId,
        redirect_uri: redirectUri,
        scope: login.allow.organizations.length > 0 ? 'read:org' : '',
        state,
        code_challenge: hash('sha256', verifier, 'base64url'),
        code_challenge_method: 'S256',
        allow_signup: 'false',
      }).toString();
      return ok(url);
    },
    async finish(current, { state, verifier }) {
      const code = current.searchParams.get('code');
      if (current.searchParams.get('state') !== state || code === null) {
        return fail(current.searchParams.get('error') ?? 'GitHub sent no code');
      }
      try {
        const token = await redeem(code, verifier);
        return token === undefined ? fail('GitHub refused the code') : await readUser(token);
      } catch (error) {
        return fail(toErrorMessage(error));
      }
    },
  };
}

function textOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field = (value as Record<string, unknown>)[name];
  return typeof field === 'string' && field !== '' ? field : undefined;
}
