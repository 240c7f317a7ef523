import type { ServerEvent } from '../auth/server/server-options.ts';
import type { Log } from '../observe/log.ts';

/** Writes down what happens in the authorization server, at the level that says whether somebody should look. */
export function logLoginEvent(log: Log, { kind, text }: ServerEvent): void {
  const fields = { login: kind, about: text };
  switch (kind) {
    case 'login':
    case 'consent':
    case 'client-registered':
    case 'token-issued':
    case 'grant-revoked':
      log.info(fields, sentences[kind]);
      return;
    case 'login-refused':
    case 'consent-denied':
    case 'client-refused':
    case 'reuse-detected':
      log.warn(fields, sentences[kind]);
      return;
    case 'error':
      log.error(fields, sentences[kind]);
  }
}

const sentences: { readonly [kind in ServerEvent['kind']]: string } = {
  login: 'somebody logged in',
  'login-refused': 'a login was refused',
  consent: 'a client was let in',
  'consent-denied': 'a client was turned away by its user',
  'client-refused': 'a client was refused',
  'client-registered': 'a client registered itself',
  'token-issued': 'a token was issued',
  'reuse-detected': 'a refresh token came twice: its grant was ended',
  'grant-revoked': 'a grant was ended',
  error: 'the authorization server failed',
};
