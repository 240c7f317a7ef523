import { markup } from '../../../lib/markup.ts';
import { renderForm, renderPage } from './layout.ts';

/** Says what went wrong where no client can be told. `code` is for whoever looks into it. */
export function renderErrorPage(page: {
  readonly host: string;
  readonly title: string;
  readonly text: string;
  readonly code: string;
}): string {
  return renderPage({
    title: page.title,
    host: page.host,
    body: markup`<h1>${page.title}</h1>
      <p>${page.text}</p>
      <p class="soft">Error: <code>${page.code}</code></p>`,
  });
}

export function renderSignOutPage(page: {
  readonly host: string;
  readonly action: string;
  readonly token: string;
}): string {
  return renderPage({
    title: 'Sign out',
    host: page.host,
    body: markup`<h1>Sign out of this browser?</h1>
      <p class="soft">Apps that you connected stay connected.</p>
      ${renderForm({ action: page.action, token: page.token, body: markup`<button class="main">Sign out</button>` })}`,
  });
}

export function renderSignedOutPage(page: { readonly host: string }): string {
  return renderPage({
    title: 'Signed out',
    host: page.host,
    body: markup`<h1>You are signed out</h1>
      <p class="soft">You can close this page.</p>`,
  });
}
