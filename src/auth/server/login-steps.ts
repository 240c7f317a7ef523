import type { LoginFlow, LoginFlows } from './login-flow.ts';
import type { OwnerCodes } from './owner-codes.ts';
import { sendPage, sendRedirect } from './page-response.ts';
import { renderCodePage } from './pages/code-page.ts';
import { renderLoginPage } from './pages/login-page.ts';
import type { People, Person } from './people.ts';
import type { Form } from './request-body.ts';
import type { AccountBook, ServerEvent } from './server-options.ts';
import type { UpstreamFlow } from './upstream-flow.ts';

/** What a page says above its form. */
interface Problem {
  readonly status: number;
  readonly text: string;
  readonly name?: string;
  readonly retryAfter?: number;
}

export interface LoginSteps {
  showLogin(flow: LoginFlow, problem?: Problem): void;
  showCode(flow: LoginFlow, problem?: Problem): void;
  password(flow: LoginFlow, form: Form, address: string): Promise<void>;
  owner(flow: LoginFlow, address: string): Promise<void>;
  code(flow: LoginFlow, form: Form, address: string): Promise<void>;
  /** Ends the login step for somebody who has shown who they are, by a method of RFC 8176 or `fed`. */
  enter(flow: LoginFlow, person: Person, method: string): Promise<void>;
  /** Leaves for the provider of this number. */
  leave(flow: LoginFlow, index: number): Promise<void>;
}

/** The steps by which somebody logs in on our pages. */
export function createLoginSteps(options: {
  readonly flows: LoginFlows;
  readonly host: string;
  readonly accounts: AccountBook | undefined;
  readonly owner: OwnerCodes | undefined;
  readonly upstream: UpstreamFlow;
  readonly people: People;
  readonly onEvent: (event: ServerEvent) => void;
}): LoginSteps {
  const { flows, host, accounts, owner, upstream, people, onEvent } = options;

  function showLogin(flow: LoginFlow, problem?: Problem): void {
    const page = renderLoginPage({
      host,
      client: flow.view,
      action: flow.action,
      tokenFor: (form) => flows.tokenFor(flow, form),
      hasAccounts: accounts !== undefined,
      hasOwner: owner !== undefined,
      providers: upstream.labels.map((label, index) => ({ form: `with-${index}`, label })),
      problem: problem?.text,
      name: problem?.name,
    });
    answer(flow, page, problem);
  }

  function showCode(flow: LoginFlow, problem?: Problem): void {
    const tokenFor = (form: string): string => flows.tokenFor(flow, form);
    const page = renderCodePage({
      host,
      client: flow.view,
      action: flow.action,
      tokenFor,
      problem: problem?.text,
    });
    answer(flow, page, problem);
  }

  async function enter(flow: LoginFlow, person: Person, method: string): Promise<void> {
    await people.remember(person);
    onEvent({ kind: 'login', text: `${person.subject} by ${person.login}` });
    await flows.logIn(flow, person, method);
  }

  return {
    showLogin,
    showCode,
    enter,
    async password(flow, form, address) {
      if (accounts === undefined) return showLogin(flow);
      const name = form.get('name') ?? '';
      const checked = await accounts.verify({ name, password: form.get('password') ?? '', address });
      switch (checked.kind) {
        case 'ok': {
          const profile = { id: checked.name, name: checked.name, email: undefined, groups: [] };
          return enter(flow, { subject: checked.name, login: 'accounts', profile }, 'pwd');
        }
        case 'wrong':
          onEvent({ kind: 'login-refused', text: 'wrong user name or password' });
          return showLogin(flow, { status: 400, text: 'The user name or the password is wrong.', name });
        case 'throttled': {
          onEvent({ kind: 'login-refused', text: 'too many attempts' });
          const retryAfter = Math.max(1, Math.ceil(checked.retryAfter / 1000));
          return showLogin(flow, {
            status: 429,
            text: 'Too many attempts. Try again later.',
            name,
            retryAfter,
          });
        }
      }
    },
    async owner(flow, address) {
      if (owner === undefined) return showLogin(flow);
      if ((await owner.issue(flow.uid, address)) === 'shown')
        return sendRedirect(flow.response, `${flow.action}/code`);
      const retryAfter = 600;
      showLogin(flow, {
        status: 429,
        text: 'Too many codes were asked for. Try again in ten minutes.',
        retryAfter,
      });
    },
    async code(flow, form, address) {
      if (owner === undefined) return showLogin(flow);
      switch (await owner.redeem(flow.uid, form.get('code') ?? '', address)) {
        case 'ok': {
          const profile = { id: 'owner', name: 'owner', email: undefined, groups: [] };
          return enter(flow, { subject: 'owner', login: 'owner', profile }, 'otp');
        }
        case 'wrong':
          onEvent({ kind: 'login-refused', text: 'wrong code' });
          return showCode(flow, { status: 400, text: 'That is not the code. Read it again.' });
        case 'expired':
          onEvent({ kind: 'login-refused', text: 'the code counts no more' });
          return showLogin(flow, { status: 400, text: 'That code counts no more. Ask for another one.' });
      }
    },
    async leave(flow, index) {
      const address = await upstream.leave(flow, index);
      if (address !== undefined) return flows.sendOnward(flow.response, address.href, address.host);
      showLogin(flow, { status: 502, text: 'The sign-in service does not answer. Try again later.' });
    },
  };
}

function answer(flow: LoginFlow, page: string, problem: Problem | undefined): void {
  const retryAfter = problem?.retryAfter;
  sendPage(flow.response, {
    status: problem?.status ?? 200,
    page,
    target: flow.view.target,
    ...(retryAfter === undefined ? undefined : { headers: { 'Retry-After': String(retryAfter) } }),
  });
}
