import type { ProviderContext } from 'oidc-provider';
import { renderErrorPage } from './pages/message-page.ts';

const texts: Readonly<Record<string, { readonly title: string; readonly text: string }>> = {
  invalid_client: {
    title: 'This app is not known here',
    text: 'Its registration has ended, or its description cannot be read. Remove the connection in the app, and add it again.',
  },
  invalid_redirect_uri: {
    title: 'This app may not answer there',
    text: 'The address that the answer would go to is not one of the app’s own. For your safety nothing was sent there.',
  },
  server_error: {
    title: 'Something went wrong here',
    text: 'Try again. If it stays like this, whoever runs this server finds the reason in its log.',
  },
};

const other = {
  title: 'This request cannot be used',
  text: 'It has ended, or the app made it wrongly. Start again in the app.',
};

/** Answers where no client can be told: a page for people, JSON for programs. Details go to the log alone. */
export function renderProviderError(
  context: ProviderContext,
  out: { readonly error: string; readonly error_description?: string },
  host: string,
): void {
  if (context.accepts('json', 'html') !== 'html') {
    context.type = 'json';
    context.body = { error: out.error, error_description: out.error_description };
    return;
  }
  context.type = 'html';
  context.body = renderErrorPage({ host, ...(texts[out.error] ?? other), code: out.error });
}
