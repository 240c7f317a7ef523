import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { cookieNames } from './flow-cookies.ts';
import type { FormTokens } from './form-tokens.ts';
import { sendPage } from './page-response.ts';
import { renderErrorPage, renderSignedOutPage, renderSignOutPage } from './pages/message-page.ts';
import { readForm } from './request-body.ts';
import { serverPaths } from './server-metadata.ts';

/** Signs a browser out: its session ends; clients keep their tokens until they or the user revoke them. */
export function createSignOut(options: {
  readonly provider: Provider;
  readonly tokens: FormTokens;
  readonly host: string;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { provider, tokens, host } = options;
  return async function signOut(request, response) {
    const session = await provider.Session.get(provider.createContext(request, response));
    const binding = { uid: session.uid, clientId: '', form: 'sign-out', subject: session.accountId };
    if (request.method !== 'POST') {
      const token = tokens.create(binding);
      const page =
        session.accountId === undefined
          ? renderSignedOutPage({ host })
          : renderSignOutPage({ host, action: serverPaths.signOut, token });
      return sendPage(response, { status: 200, page });
    }
    const form = await readForm(request);
    if (session.accountId === undefined || !tokens.isValid(binding, form?.get('token'))) {
      const title = 'This form cannot be used';
      const text = 'It is too old, or it did not come from this server.';
      return sendPage(response, {
        status: 403,
        page: renderErrorPage({ host, title, text, code: 'invalid_form' }),
      });
    }
    await session.destroy();
    const gone = `${cookieNames.session}=; path=/; max-age=0; secure; httponly; samesite=lax`;
    response.setHeader('Set-Cookie', [gone]);
    sendPage(response, { status: 200, page: renderSignedOutPage({ host }) });
  };
}
