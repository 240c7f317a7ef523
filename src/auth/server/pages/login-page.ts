import { renderClientCard, renderClientWarnings, type ClientView } from './client-card.ts';
import { markup, type HtmlValue } from '../../../lib/markup.ts';
import { renderForm, renderPage, renderProblem } from './layout.ts';

export interface LoginPage {
  readonly host: string;
  readonly client: ClientView;
  /** Where the forms go, without the last segment. */
  readonly action: string;
  /** Tokens by form. */
  readonly tokenFor: (form: string) => string;
  readonly hasAccounts: boolean;
  readonly hasOwner: boolean;
  /** Logins through providers: what to call them, and their last segment. */
  readonly providers: readonly { readonly form: string; readonly label: string }[];
  readonly problem: string | undefined;
  /** Filled in again after a wrong password. */
  readonly name: string | undefined;
}

/** Says first who asks, then how to log in; going on is what lets this client start a login elsewhere. */
export function renderLoginPage(page: LoginPage): string {
  const { client, providers, hasAccounts, hasOwner } = page;
  const others = [
    ...providers.map(({ form, label }) => renderButton(page, form, `Continue with ${label}`)),
    hasOwner ? renderButton(page, 'owner', 'Use a code from the terminal') : undefined,
  ].filter((part) => part !== undefined);
  return renderPage({
    title: 'Sign in',
    host: page.host,
    body: markup`<h1>Sign in to connect ${client.name}</h1>
      <p class="soft">You decide on the next page what the app may do.</p>
      ${renderProblem(page.problem)} ${renderClientCard(client)} ${renderClientWarnings(client)}
      ${hasAccounts ? renderPasswordForm(page) : undefined}
      ${hasAccounts && others.length > 0 ? markup`<p class="or">or</p>` : undefined} ${others}
      ${renderForm({
        action: `${page.action}/deny`,
        token: page.tokenFor('deny'),
        quiet: true,
        body: markup`<button>Cancel</button>`,
      })}`,
  });
}

function renderPasswordForm(page: LoginPage): HtmlValue {
  return renderForm({
    action: `${page.action}/password`,
    token: page.tokenFor('password'),
    body: markup`<label for="name">User name</label>
      <input
        id="name"
        name="name"
        value="${page.name ?? ''}"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        required
        maxlength="64"
      />
      <label for="password">Password</label>
      <input
        id="password"
        name="password"
        type="password"
        autocomplete="current-password"
        required
        maxlength="1024"
      />
      <button class="main">Sign in</button>`,
  });
}

function renderButton(page: LoginPage, form: string, label: string): HtmlValue {
  const main = page.hasAccounts ? undefined : markup` class="main"`;
  return renderForm({
    action: `${page.action}/${form}`,
    token: page.tokenFor(form),
    body: markup`<button${main}>${label}</button>`,
  });
}
