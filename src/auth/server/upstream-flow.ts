import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { ProviderFetch } from '../fetch/provider-fetch.ts';
import { isAdmitted } from './admission.ts';
import type { LoginFlow } from './login-flow.ts';
import { createGithubLogin } from './github-login.ts';
import { createOidcLogin } from './oidc-login.ts';
import { toSubject, type Person } from './people.ts';
import type { Store } from '../../state/store/store.ts';
import type { GithubLogin, Login, OidcLogin, ServerEvent } from './server-options.ts';
import type { UpstreamChecks, UpstreamLogin } from './upstream-login.ts';

/** Logins at other providers: leaving for one, and coming back. */
export interface UpstreamFlow {
  /** What the buttons say, in order. */
  readonly labels: readonly string[];
  /** Notes a state for this flow and returns where the browser goes; `undefined` when the provider cannot be asked. */
  leave(flow: LoginFlow, index: number): Promise<URL | undefined>;
  /** The flow that an answer belongs to. A state counts once. */
  takeState(state: string): Promise<ReturningLogin | undefined>;
  /** Who came back, when the allow-lists let them in. */
  arrive(returning: ReturningLogin, current: URL): Promise<Person | undefined>;
}

export interface ReturningLogin {
  readonly uid: string;
  readonly index: number;
  readonly checks: UpstreamChecks;
}

const KIND = 'LoginState';
const LIFETIME = 600_000;

export function createUpstreamFlow(options: {
  readonly logins: readonly Login[];
  readonly redirectUri: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly fetch: ProviderFetch;
  readonly onEvent: (event: ServerEvent) => void;
}): UpstreamFlow {
  const { logins, store, clock, onEvent } = options;
  const configured = logins.filter((login) => login.kind === 'oidc' || login.kind === 'github');
  const upstream = configured.map((login) => createUpstreamLogin(login, options));

  return {
    labels: upstream.map(({ label }) => label),
    async leave(flow, index) {
      const checks = { state: createSecret(), nonce: createSecret(), verifier: createSecret() };
      const address = await upstream[index]?.start(checks);
      if (address === undefined || !address.ok) {
        onEvent({ kind: 'error', text: `login provider: ${address?.error ?? 'unknown'}` });
        return undefined;
      }
      const expiresAt = clock.now() + LIFETIME;
      await store.put(KIND, toId(checks.state), { uid: flow.uid, index, checks, expiresAt }, { expiresAt });
      return address.value;
    },
    async takeState(state) {
      const record = await store.consume(KIND, toId(state));
      if (record === undefined || Number(record['expiresAt']) <= clock.now()) return undefined;
      return record as unknown as ReturningLogin;
    },
    async arrive({ index, checks }, current) {
      const login = configured[index];
      const arrived = await upstream[index]?.finish(current, checks);
      if (login === undefined || arrived === undefined) return undefined;
      if (!arrived.ok) {
        onEvent({ kind: 'login-refused', text: arrived.error });
        return undefined;
      }
      const profile = arrived.value;
      const subject = toSubject(login, profile);
      if (isAdmitted(login, profile)) return { subject, login: login.kind, profile };
      onEvent({ kind: 'login-refused', text: `${subject} is on no allow-list` });
      return undefined;
    },
  };
}

function createUpstreamLogin(
  login: OidcLogin | GithubLogin,
  options: { readonly redirectUri: string; readonly fetch: ProviderFetch },
): UpstreamLogin {
  return login.kind === 'github' ? createGithubLogin(login, options) : createOidcLogin(login, options);
}

function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The store holds no states that could be used. */
function toId(state: string): string {
  return hash('sha256', state, 'base64url');
}
