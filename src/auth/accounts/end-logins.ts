import type { Store, StoredValue } from '../../state/store/store.ts';

/** What somebody leaves in the store who logs in, and how each record names them. */
const left: readonly {
  readonly kind: string;
  readonly isOf: (record: StoredValue, subject: string) => boolean;
}[] = [
  // Of flows under way, too: they go on to a login, or to a consent.
  {
    kind: 'Interaction',
    isOf: ({ session, result, lastSubmission }, subject) =>
      [session, read(result, 'login'), read(lastSubmission, 'login')].some(
        (login) => read(login, 'accountId') === subject,
      ),
  },
  { kind: 'Session', isOf: ({ accountId }, subject) => accountId === subject },
  { kind: 'Consent', isOf: (record, subject) => record['subject'] === subject },
  { kind: 'Person', isOf: (record, subject) => record['subject'] === subject },
];

/**
 * Ends all that is left of the logins of an account: sessions, grants with their tokens, consents, and flows under way. Access tokens
 * of these grants count no more, within seconds.
 */
export async function endLogins(store: Store, subject: string): Promise<void> {
  for (const { kind, isOf } of left) {
    for (const { id, value } of await store.list(kind)) {
      if (isOf(value, subject)) await store.delete(kind, id);
    }
  }
  for (const { id, value } of await store.list('Grant')) {
    if (value['accountId'] !== subject) continue;
    // The grant last: a refresh that is under way may write it once more, but finds its token gone then.
    await store.deleteWhere('AuthorizationCode', 'grantId', id);
    await store.deleteWhere('RefreshToken', 'grantId', id);
    await store.delete('Grant', id);
  }
}

function read(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null
    ? (holder as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
