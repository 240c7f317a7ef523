import { FlattenedSign, type FlattenedJWS, type JWK } from 'jose';
import { IssueError } from '../automation/issuer.ts';
import type { IssuerSettings } from './issuer-settings.ts';

/** Ties a new account to one that the authority knows already: its MAC over the account's key (RFC 8555 section 7.3.4). Rejects with an IssueError. */
export async function buildExternalBinding(options: {
  readonly eab: NonNullable<IssuerSettings['eab']>;
  readonly newAccount: string;
  readonly jwk: JWK;
}): Promise<FlattenedJWS> {
  const { eab, newAccount, jwk } = options;
  const macKey = Buffer.from(eab.hmacKey, 'base64url');
  if (macKey.length === 0) {
    throw new IssueError('E_ACME_ACCOUNT', 'the key of the external account binding is not base64url');
  }
  return new FlattenedSign(Buffer.from(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: 'HS256', kid: eab.kid, url: newAccount })
    .sign(macKey);
}
