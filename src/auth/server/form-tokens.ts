import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Tokens in forms (CSRF): bound to the flow, which a cookie of the browser names, to the client and to the form, so that none works for
 * another client's flow or another step.
 */
export interface FormTokens {
  create(flow: FormBinding): string;
  isValid(flow: FormBinding, token: string | undefined): boolean;
}

export interface FormBinding {
  readonly uid: string;
  readonly clientId: string;
  readonly form: string;
  /** Who is logged in, if anybody. */
  readonly subject: string | undefined;
}

export function createFormTokens(secret: string): FormTokens {
  function create({ uid, clientId, form, subject }: FormBinding): string {
    const text = JSON.stringify(['form', uid, clientId, form, subject ?? null]);
    return createHmac('sha256', secret).update(text).digest('base64url');
  }

  return {
    create,
    isValid(flow, token) {
      const expected = Buffer.from(create(flow));
      const given = Buffer.from(token ?? '');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
