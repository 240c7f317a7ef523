import { z } from 'zod';

/** What Breakwater reads of the objects of RFC 8555 section 7.1; all else in them is passed over. */

const url = z.string().min(1).max(2048);

export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773 section 4. */
  readonly renewalInfo?: string | undefined;
  readonly meta?:
    | {
        readonly termsOfService?: string | undefined;
        readonly externalAccountRequired?: boolean | undefined;
        /** Names and descriptions (draft-aaron-acme-profiles section 3). */
        readonly profiles?: Readonly<Record<string, unknown>> | undefined;
      }
    | undefined;
}

export const directorySchema: z.ZodType<AcmeDirectory> = z.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  renewalInfo: url.optional(),
  meta: z
    .object({
      termsOfService: url.optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(z.string().max(64), z.unknown()).optional(),
    })
    .optional(),
});

export interface Identifier {
  readonly type: string;
  readonly value: string;
}

const identifierSchema: z.ZodType<Identifier> = z.object({
  type: z.string().max(32),
  value: z.string().max(512),
});

/** RFC 7807, with the subproblems of RFC 8555 section 6.7.1. */
export interface Problem {
  readonly type: string;
  readonly detail?: string | undefined;
  /** Where a person can do what `userActionRequired` demands (RFC 8555 section 7.3.3). */
  readonly instance?: string | undefined;
  readonly subproblems?: readonly Subproblem[] | undefined;
}

export interface Subproblem {
  readonly type: string;
  readonly detail?: string | undefined;
  readonly identifier?: Identifier | undefined;
}

const problemFields = { type: z.string().max(512), detail: z.string().optional() };

export const problemSchema: z.ZodType<Problem> = z.object({
  ...problemFields,
  instance: z.string().optional(),
  subproblems: z
    .array(z.object({ ...problemFields, identifier: identifierSchema.optional() }))
    .max(1000)
    .optional(),
});

export interface Account {
  readonly status: 'valid' | 'deactivated' | 'revoked';
}

export const accountSchema: z.ZodType<Account> = z.object({
  status: z.enum(['valid', 'deactivated', 'revoked']),
});

export interface Order {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string | undefined;
  readonly error?: Problem | undefined;
}

export const orderSchema: z.ZodType<Order> = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  authorizations: z.array(url).max(1000),
  finalize: url,
  certificate: url.optional(),
  error: problemSchema.optional(),
});

export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly status: string;
  readonly token?: string | undefined;
  readonly error?: Problem | undefined;
}

export interface Authorization {
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly identifier: Identifier;
  readonly wildcard?: boolean | undefined;
  readonly challenges: readonly Challenge[];
}

export const authorizationSchema: z.ZodType<Authorization> = z.object({
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  identifier: identifierSchema,
  wildcard: z.boolean().optional(),
  challenges: z
    .array(
      z.object({
        type: z.string().max(64),
        url,
        status: z.string().max(32),
        // Base64url alone (RFC 8555 section 8.3): the token becomes a path, and half of what is served there.
        token: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,256}$/)
          .optional(),
        error: problemSchema.optional(),
      }),
    )
    .max(100),
});

/** RFC 9773 section 4.2. */
export interface RenewalInfoObject {
  readonly suggestedWindow: { readonly start: string; readonly end: string };
  readonly explanationURL?: string | undefined;
}

export const renewalInfoSchema: z.ZodType<RenewalInfoObject> = z.object({
  suggestedWindow: z.object({ start: z.string().max(64), end: z.string().max(64) }),
  explanationURL: z.string().max(2048).optional(),
});
